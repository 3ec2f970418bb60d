"""Imports go down only: each file of each package is read, imports inside functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
LAYERS = (  # from below; packages of one layer do not know each other
    ("core",),
    ("attention", "metrics", "data", "decoding", "specs", "ground"),
    ("networks", "config"),
    ("inference", "build", "training", "check", "runtime"),
    ("pretrained",),
    ("tasks",),
    ("view",),
    ("runs", "pack", "model", "export"),
    ("api", "exported"),
    ("demo", "serve", "corpus", "compare"),
    ("cli",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
TOP = len(LAYERS)  # `regard` itself
SPECS = ("regard.tasks.spec", "regard.tasks.registry")  # with the `__init__` of each task, they are what config reads of tasks
KNOWN = set(Path(__file__).with_name("known_imports.txt").read_text("utf-8").splitlines())  # may only become fewer


def module_of(path: Path, source: Path = SOURCE) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCE.glob("regard/**/*.py")}


def imported(tree: ast.AST) -> set[str]:
    """Every module of regard that a module names in an import, or in a constant word to `import_module`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")) and node.args:
            names |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    own = {name for name in names if name.split(".")[0] == "regard"}
    return {name if name in MODULES else name.rpartition(".")[0] if name.rpartition(".")[0] in MODULES else name for name in own}


def room(module: str) -> str:
    """Its package, or what of `tasks` lies elsewhere: a demo shows what a person would do, and what tasks say of themselves lies below
    `config`: their registry, and the `__init__` of each."""
    parts = module.split(".")
    if parts[1:2] == ["tasks"]:
        whole = MODULES.get(module, Path()).name == "__init__.py"
        return "demo" if parts[-1] == "demo" else "specs" if whole or module in SPECS else "tasks"
    return parts[1] if len(parts) > 1 else ""


def layer(module: str) -> int:
    return LAYER.get(room(module), TOP)


def task_of(module: str) -> str | None:
    """`tag` of `regard.tasks.tag.network`; None of what tasks share."""
    parts = module.split(".")
    folder = ".".join(parts[:3])
    return parts[2] if parts[1:2] == ["tasks"] and len(parts) > 2 and MODULES.get(folder, Path()).name == "__init__.py" else None


def wrong(module: str, names: set[str]) -> list[str]:
    """The imports that go up, across to another package of the layer, or into the folder of another task."""
    found = []
    for name in names:
        down = layer(name) < layer(module) or room(name) == room(module)
        apart = task_of(name) is not None and task_of(name) != task_of(module) and layer(name) != LAYER["demo"]
        if not down or apart:
            found.append(f"{module} imports {name}")
    return found


def all_wrong() -> set[str]:
    return {x for module, path in MODULES.items() for x in wrong(module, imported(ast.parse(path.read_text("utf-8"))))}


def test_every_package_has_its_layer():
    assert {room(module) for module in MODULES if "." in module} == set(LAYER) | {"__main__"}


def test_imports_go_down_only():
    found = all_wrong()
    assert found == KNOWN, "\n".join(["new:", *sorted(found - KNOWN), "known, but there no more:", *sorted(KNOWN - found)])


@pytest.mark.parametrize(
    ("module", "line", "allowed"),
    [
        ("regard.attention.score", "from regard.core.errors import message", True),
        ("regard.core.state", "import regard.attention", False),
        ("regard.networks.heads", "def f():\n    from regard.config import Config", False),
        ("regard.data.batching", "from regard import networks", False),
        ("regard.data.batching", "from regard.attention.memory import Memory", False),
        ("regard.tasks.base", "from regard.data.batching import Batch", True),
        ("regard.tasks.base", "import regard", False),
        ("regard.tasks.tag.network", "from regard.tasks.classify.network import Classify", False),
        ("regard.tasks.tag.network", "from regard.tasks.tag.crf import ChainCRF", True),
        ("regard.tasks.scoring", "from regard.tasks.tag.crf import ChainCRF", False),
        ("regard.config.schema", "from regard.tasks import registry", True),
        ("regard.config.schema", "from regard.tasks.tag import SPEC", False),
        ("regard.config.schema", "from regard.tasks.tag.section import TagSection", False),
        ("regard.tasks.spec", "from regard.data.batching import Batch", False),
        ("regard.tasks.tag", "from regard.tasks.spec import TaskSpec", True),
        ("regard.tasks.tag", "from regard.tasks.tag.section import TagSection", False),
        ("regard.tasks.tag.demo", "from regard import api\nfrom regard.api import load", True),
        ("regard.build.networks", "import_module('regard.view')", False),
        ("regard.build.networks", "from regard.tasks.base import Task", False),
        ("regard.cli.main", "import regard.view\nfrom regard.api import load", True),
    ],
)
def test_the_test_sees(module, line, allowed):
    assert (not wrong(module, imported(ast.parse(line)))) == allowed
