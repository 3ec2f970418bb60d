"""A graph of array operations: what a net computes, as plain data, for whoever plays it: numpy, ONNX, a browser.

Values are numbered: first the inputs, then the weights, then what the nodes make, in order; a node reads only what stands before it.
Sizes that depend on what is read (the batch, the length of a source) are expressions over the shapes of the inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regard.core.errors import RunFolderError, message

Size = int | tuple[Any, ...]  # a number, or ("size", input, axis), ("+", a, b), ("*", a, b), ("//", a, b),
# ("max", a, b), ("min", a, b)
DTYPES = frozenset({"bool", "int8", "int32", "int64", "float32", "float64"})
FORMS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "*": operator.mul,
    "//": operator.floordiv,
    "max": max,
    "min": min,
}


@dataclass(frozen=True)
class Port:
    """A named input or output.  shape: of an input, its sizes; () of an output, which says for itself how large it is."""

    name: str
    dtype: str
    shape: tuple[Size, ...] = ()


@dataclass(frozen=True)
class Node:
    """One operation.  inputs: numbers of values; made: the number of its first result; attributes: what else it is told."""

    operation: str
    inputs: tuple[int, ...]
    made: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    results: int = 1


@dataclass(frozen=True)
class Graph:
    """inputs; weights: their names in the weights file; nodes; outputs, each with the number of its value."""

    inputs: tuple[Port, ...]
    weights: tuple[str, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[tuple[Port, int], ...]

    def only(self, names: Sequence[str]) -> Graph:
        """The part of the graph that makes these outputs, in this order."""
        by_name = {port.name: (port, value) for port, value in self.outputs}
        outputs = tuple(by_name[name] for name in names)
        wanted, kept = {value for _, value in outputs}, list[Node]()
        for node in reversed(self.nodes):
            if wanted & set(range(node.made, node.made + node.results)):
                kept.append(node)
                wanted.update(node.inputs)
        return Graph(self.inputs, self.weights, tuple(reversed(kept)), outputs)


def to_json(graph: Graph) -> dict[str, Any]:
    """In what JSON holds."""
    return {
        "inputs": [[p.name, p.dtype, list(p.shape)] for p in graph.inputs],
        "weights": list(graph.weights),
        "nodes": [[n.operation, list(n.inputs), n.made, dict(n.attributes), n.results] for n in graph.nodes],
        "outputs": [[p.name, p.dtype, value] for p, value in graph.outputs],
    }


def from_json(told: Any, operations: frozenset[str], where: str) -> Graph:
    """A graph of a file of anybody's: RunFolderError, with its place `where`, for what is none."""
    try:
        inputs = tuple(Port(_name(n), _dtype(d), tuple(_size(s) for s in shape)) for n, d, shape in told["inputs"])
        weights = tuple(_name(name) for name in told["weights"])
        known, nodes = len(inputs) + len(weights), list[Node]()
        for operation, reads, made, attributes, results in told["nodes"]:
            node = Node(operation, tuple(reads), made, {k: _attribute(v) for k, v in attributes.items()}, results)
            if operation not in operations:
                raise ValueError(f"the operation {operation!r}")
            if not all(type(i) is int and 0 <= i < known for i in reads) or made < known or not 0 < results < 1000:
                raise ValueError(f"node {len(nodes)} ({operation}), which reads what is not there yet")
            known = made + results
            nodes.append(node)
        outputs = tuple((Port(_name(n), _dtype(d)), value) for n, d, value in told["outputs"])
        if not all(type(value) is int and 0 <= value < known for _, value in outputs):
            raise ValueError("an output that nothing makes")
        return Graph(inputs, weights, tuple(nodes), outputs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        received = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        do = "Export the run again, or use the version of Regard that made the folder."
        raise RunFolderError(message(where, "a graph of known operations", received[:200], do)) from error


def _name(told: Any) -> str:
    if not isinstance(told, str):
        raise ValueError(f"{told!r} for a name")
    return told


def _dtype(told: Any) -> str:
    if told not in DTYPES:
        raise ValueError(f"{told!r} for a dtype")
    return told


def _size(told: Any) -> Size:
    """A size as JSON holds it, its lists as tuples."""
    if type(told) is int:
        return told
    form, *of = told
    if form == "size" and len(of) == 2 and isinstance(of[0], str) and type(of[1]) is int:
        return ("size", *of)
    if form in FORMS and len(of) == 2:
        return (form, _size(of[0]), _size(of[1]))
    raise ValueError(f"{told!r} for a size")


def _attribute(told: Any) -> Any:
    """Numbers, words, sizes, and lists of such; a graph within a graph stays as it is."""
    if isinstance(told, list):
        if told and isinstance(told[0], str) and (told[0] == "size" or told[0] in FORMS):
            return _size(told)
        return tuple(_attribute(part) for part in told)
    return told
