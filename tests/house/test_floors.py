"""Imports go down only: each file of each floor is read, imports inside functions too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FLOORS = {"ground": 0, "attention": 1, "networks": 2, "data": 3, "tasks": 3, "check": 4, "workshop": 5, "doors": 6}
APART = {
    ("data", "attention"),
    ("data", "networks"),
    ("data", "tasks"),
    ("tasks", "data"),
    ("check", "attention"),
    ("check", "networks"),
    ("check", "tasks"),
}  # not to be imported, though no floor is above
SHARED = {"regard.data.batches", "regard.data.tokenize"}  # the batches and tokens that tasks are written for


def imported(tree: ast.AST, module: str) -> set[str]:
    """Every module of regard that a module names in an import, absolute, relative or by `import_module`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = (
                ".".join([*module.split(".")[: -node.level], node.module or ""]).strip(".") if node.level else node.module or ""
            )
            names |= {f"{start}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")) and node.args:
            names |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    return {name for name in names if name.split(".")[0] == "regard"}


def wrong(module: str, names: set[str]) -> list[str]:
    """The imports that go up, or across where two floors are kept apart; what is no floor (`regard` itself) is above all."""
    own = module.split(".")[1]
    found = []
    for name in names:
        other = name.split(".")[1] if "." in name else ""
        shared = own == "tasks" and any(name == x or name.startswith(f"{x}.") for x in SHARED)
        down = FLOORS.get(other, 6) < FLOORS[own] or other == own or own == "doors"
        if not shared and (not down or (own, other) in APART):
            found.append(f"{module} imports {name}")
    return found


def test_imports_go_down_only():
    files = [path for path in SOURCE.glob("regard/*/**/*.py")]
    modules = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in files}
    assert {module.split(".")[1] for module in modules} == set(FLOORS), (
        "a folder of src/regard that is no floor, or a floor that is missing"
    )
    found = [x for module, path in modules.items() for x in wrong(module, imported(ast.parse(path.read_text("utf-8")), module))]
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("module", "line", "allowed"),
    [
        ("regard.attention.score", "from regard.ground.errors import message", True),
        ("regard.attention.score", "from .memory import Memory", True),
        ("regard.ground.state", "import regard.attention", False),
        ("regard.networks.search", "from ..data import batches", False),
        ("regard.networks.search", "def f():\n    from regard.workshop.config import Config", False),
        ("regard.data.batches", "from regard import networks", False),
        ("regard.data.batches", "from regard.attention.memory import Memory", False),
        ("regard.data.batches", "from regard.tasks.task import Task", False),
        ("regard.tasks.task", "from regard.data.batches import Batch", True),
        ("regard.tasks.task", "from regard.data import tokenize", True),
        ("regard.tasks.task", "from regard.data.formats import Item", False),
        ("regard.tasks.task", "import regard", False),
        ("regard.check.examine", "from regard.data.series import read_series", True),
        ("regard.check.examine", "from regard.tasks.task import Task", False),
        ("regard.workshop.build", "import_module('regard.doors.view')", False),
        ("regard.workshop.build", "from regard.tasks.task import Task", True),
        ("regard.doors.cli.main", "from regard import __version__\nimport regard.doors.view", True),
    ],
)
def test_the_test_sees(module, line, allowed):
    assert (not wrong(module, imported(ast.parse(line), module))) == allowed
