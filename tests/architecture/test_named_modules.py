"""Modules that are named by a string, which no import statement vouches for: they are there, and one that is not is told from an extra
that is not installed."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from regard import config
from regard.config.mechanisms import CELLS
from regard.core import optional
from regard.tasks import registry

SOURCE = Path(__file__).resolve().parents[2] / "src" / "regard"


def named() -> set[str]:
    """What `module("core.matrices_loops")` and the like name, with the modules of tasks, demos, cells and lazy names."""
    calls = (
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
    )
    found = {
        f"regard.{node.args[0].value}" for node in calls if ast.unparse(node.func).split(".")[-1] in ("module", "loops_in_use")
    }
    parts = (*registry.TASKS.values(), *(part for spec in registry.specs() for part in (spec.task, spec.section, spec.demo)))
    found |= {part.split(":")[0] for part in parts if part}
    found |= {f"regard.networks.{known.names.split(':')[0]}" for known in CELLS.values()}
    return found | {f"regard.config.{home}" for home in config._HOMES.values()}


def test_every_module_that_is_named_by_a_string_is_there():
    names = named()
    assert len(names) > 25
    assert [name for name in sorted(names) if find_spec(name) is None] == []


@pytest.mark.parametrize("name", ["networks.rows_numbers", "nets.rows_loops"])
def test_a_misspelt_module_is_no_missing_package(name):
    with pytest.raises(ModuleNotFoundError, match=r"regard\."):
        optional.module(name)


def test_a_package_that_is_missing_makes_no_module(monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'triton'", name="triton")

    monkeypatch.setattr(optional, "import_module", missing)
    assert optional._found.__wrapped__("attention.kernels.of_a_missing_package") is None


def test_what_is_called_of_the_kernel_for_a_gpu_is_there():
    """Where no GPU is, nothing else would tell that a function was renamed in `band_triton` alone."""
    kernels = SOURCE / "attention/kernels"
    trees = [ast.parse((kernels / name).read_text("utf-8")) for name in ("__init__.py", "band_triton.py")]
    called = {node.attr for node in ast.walk(trees[0]) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "kernel"}
    assert called and called <= {node.name for node in trees[1].body if isinstance(node, ast.FunctionDef)}
