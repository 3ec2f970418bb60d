"""Names in the code: a class name stands for one thing, functions are verbs, files do not import each other in a ring."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from .test_layers import MODULES, imported

KNOWN = set(Path(__file__).with_name("known_participles.txt").read_text("utf-8").split())  # may only become fewer
IRREGULAR = {
    *(
        "begun",
        "bound",
        "broken",
        "built",
        "chosen",
        "done",
        "drawn",
        "found",
        "given",
        "gone",
        "got",
        "heard",
        "held",
        "kept",
        "known",
    ),
    *(
        "laid",
        "left",
        "lost",
        "made",
        "meant",
        "met",
        "said",
        "seen",
        "sent",
        "shown",
        "sold",
        "sought",
        "spoken",
        "taken",
        "thought",
    ),
    *("told", "written"),
}
VERBS = {"bring", "embed", "feed", "need", "ring", "seed", "speed", "string"}


def classes(path: Path) -> Iterator[str]:
    return (node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef))


def is_participle(name: str) -> bool:
    """Whether the first word of a function's name is a participle: `encode`, `refuse_ambiguous_columns`, `reading`."""
    word = name.split("_")[0]
    return word not in VERBS and (word.endswith(("ed", "ing")) or word in IRREGULAR)


def participles(module: str, tree: ast.Module) -> Iterator[str]:
    """Public functions of a module, and public methods that are no properties, as `regard.x:Class.name`."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        above = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for found in inner:
            if not isinstance(found, ast.FunctionDef) or found.name.startswith("_") or not is_participle(found.name):
                continue
            if not any("property" in ast.unparse(mark) for mark in found.decorator_list):
                yield f"{module}:{above}{found.name}"


def rings(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Modules that can be reached from themselves, one list for each ring (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in graph[module] & set(graph):
            if other not in number:
                visit(other)
            if other in stack:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            at = stack.index(module)
            ring = stack[at:]
            del stack[at:]
            if len(ring) > 1:
                found.append(sorted(ring))

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return found


def test_a_class_name_stands_for_one_class():
    homes = defaultdict(list)
    for module, path in MODULES.items():
        for name in classes(path):
            homes[name].append(module)
    assert not {name: where for name, where in homes.items() if len(where) > 1}


def test_files_do_not_import_each_other_in_a_ring():
    graph = {module: imported(ast.parse(path.read_text("utf-8"))) - {module} for module, path in MODULES.items()}
    assert rings(graph) == []


def test_functions_are_verbs():
    found = {name for module, path in MODULES.items() for name in participles(module, ast.parse(path.read_text("utf-8")))}
    assert found == KNOWN, "\n".join(["new:", *sorted(found - KNOWN), "known, but there no more:", *sorted(KNOWN - found)])


@pytest.mark.parametrize(
    ("graph", "ring"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c", "b"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_rings_are_seen(graph, ring):
    assert rings(graph) == ring


@pytest.mark.parametrize(
    ("name", "seen"), [("encoded", True), ("told_apart", True), ("embed", False), ("encode", False), ("reads", False)]
)
def test_participles_are_seen(name, seen):
    assert bool(list(participles("m", ast.parse(f"def {name}(): ...\nclass A:\n    @property\n    def held(self): ...")))) == seen
