"""Builds `regard_runtime`: the modules of `regard` that an exported model needs, under that name.

There is one source of them, ../src/regard; what is reached from the roots by imports that run is taken along, and nothing that needs a
package beyond those of pyproject.toml.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))
from building import built_into

SOURCE = Path(__file__).resolve().parent.parent / "src"
TASKS = [path.parent.name for path in sorted((SOURCE / "regard" / "tasks").glob("*/__init__.py"))]
ROOTS = ("regard.cli.run_exported", "regard.exported", *(f"regard.tasks.{name}" for name in TASKS))
NAMED = re.compile(r'predictor="(regard(?:\.\w+)+):\w+"')  # what a task names, to be imported when it is asked for
MISSING = {"torch", "pydantic", "typer", "yaml", "sacrebleu", "matplotlib", "pyarrow", "PIL"}
OURS = re.compile(r"\bregard(?=(?:\.\w+)+|\s+import\b)")


def closure() -> dict[str, Path]:
    """Every module that the roots need, by name, with its file."""
    found, ahead = dict[str, Path](), list(ROOTS)
    while ahead:
        name = ahead.pop()
        file = file_of(name)
        if name in found or file is None or name == "regard":  # whose place `regard.exported` takes
            continue
        found[name] = file
        ahead += [name.rpartition(".")[0]] if "." in name else []
        at_once, later = imports(file)
        ahead += [*at_once, *(n for n in later if not heavy(n)), *NAMED.findall(file.read_text("utf-8"))]
    return found


def file_of(name: str) -> Path | None:
    """The file of a module or package of Regard."""
    path = SOURCE.joinpath(*name.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def heavy(name: str) -> bool:
    """Whether a module needs, when it is imported, what the runtime does not have."""
    seen, ahead = set[str](), [name]
    while ahead:
        one = ahead.pop()
        if one in seen or (file := file_of(one)) is None:
            continue
        seen.add(one)
        if MISSING & {n.split(".")[0] for n in _named(_running(ast.parse(file.read_text("utf-8"))).body)}:
            return True
        ahead += imports(file)[0]
    return False


def imports(file: Path) -> tuple[list[str], list[str]]:
    """The modules of Regard that a file imports: at once, and when a function runs."""
    tree = _running(ast.parse(file.read_text("utf-8")))
    at_once = set(_named(tree.body))
    return sorted(at_once), sorted(set(_named(ast.walk(tree))) - at_once)


def _named(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that import statements name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names if file_of(f"{node.module}.{a.name}"))


def _running(tree: ast.Module) -> ast.Module:
    """Without what is there for those who check types."""

    class Types(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
            return (
                node.orelse if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else self.generic_visit(node)
            )

    made: ast.Module = Types().visit(tree)
    return made


class Build(build_py):
    """Writes the modules, and what lies beside them for their pages."""

    def run(self) -> None:
        out = Path(self.build_lib)
        for name, file in closure().items():
            made = out.joinpath("regard_runtime", *name.split(".")[1:])
            made = made / "__init__.py" if file.name == "__init__.py" else made.with_suffix(".py")
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(renamed(file), encoding="utf-8")
        for file in (f for suffix in ("html", "js", "css") for f in (SOURCE / "regard" / "view").glob(f"*.{suffix}")):
            shutil.copyfile(file, out / "regard_runtime" / "view" / file.name)
        for file in (SOURCE / "regard" / "locale").glob("*/LC_MESSAGES/*.po"):
            made = out / "regard_runtime" / file.relative_to(SOURCE / "regard")
            made.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, made)
        (out / "regard_runtime" / "__init__.py").write_text(renamed(SOURCE / "regard" / "exported.py"), encoding="utf-8")


def renamed(file: Path) -> str:
    """The text of a module, Regard's own modules by their names in this package."""
    return OURS.sub("regard_runtime", file.read_text("utf-8"))


made = built_into("regard_runtime", "runtime.loops")
setup(**made | {"cmdclass": {"build_py": Build, **made["cmdclass"]}})
