"""Weights in bytes, and graphs that multiply with them: `--precision int8`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from regard.runtime.folder import SCALE
from regard.runtime.graph import Graph, Node, from_json, to_json
from regard.runtime.player import NAMES
from regard.runtime.program import LAYERS

Arrays = dict[str, np.ndarray]
LEAST = 1 << 10  # numbers of a matrix that is kept in bytes,
LEAST_MULTIPLIED = 1 << 16  # and of one that is multiplied so, as `inference.int8.LEAST`: smaller ones stay exact


def in_bytes(weights: Arrays) -> Arrays:
    """The weights, large matrices in bytes with a scale for each row: a quarter of the size, each number off by at most a 254th of the
    largest of its row."""
    made: Arrays = {}
    for name, array in weights.items():
        if array.dtype != np.float32 or array.ndim < 2 or array.size < LEAST:
            made[name] = array
            continue
        scale = np.maximum(np.abs(array).max(-1) / np.float32(127), np.finfo(np.float32).tiny)
        made[name], made[name + SCALE] = np.rint(array / scale[..., None]).astype(np.int8), scale
    return made


def multiply_in_bytes(graph: Graph, weights: Mapping[str, np.ndarray]) -> Graph:
    """The graph with products in bytes where a large matrix of `weights` (`in_bytes`) is multiplied: what it multiplies is rounded to bytes
    too, row by row, so that no answer depends on its batch.  Everything else reads the numbers that the bytes stand for."""
    return _Rewriting(graph, weights).graph


class _Rewriting:
    def __init__(self, graph: Graph, weights: Mapping[str, np.ndarray]) -> None:
        self.weights = weights
        self.names = [*graph.weights, *(name + SCALE for name in graph.weights if name + SCALE in weights)]
        self.first, self.nodes = len(graph.inputs), list[Node]()
        self.values = {i: i for i in range(self.first + len(graph.weights))}
        self.next = self.first + len(self.names)
        self.made_of: dict[int, Node] = {}  # by the value of the old graph
        self.floats: dict[str, int] = {}  # weights in bytes as numbers, where something else reads them
        self.parts: dict[tuple[int, bool], int] = {}
        for node in graph.nodes:
            self.made_of |= {node.made + i: node for i in range(node.results)}
            self._add(node)
        outputs = tuple((port, self._float(value)) for port, value in graph.outputs)
        whole = Graph(graph.inputs, tuple(self.names), tuple(self.nodes), outputs)
        self.graph = whole.only([port.name for port, _ in outputs])

    def _add(self, node: Node) -> None:
        operation, reads = node.operation, node.inputs
        if operation == "scan":
            body = multiply_in_bytes(from_json(node.attributes["body"], NAMES, "a loop"), self.weights)
            return self._keep(node, [self._float(i) for i in reads], node.operation, {"body": to_json(body)})
        if operation == "matmul" and (matrix := self._rows_of(reads[1])) is not None:
            return self._keep(
                node, [self._float(reads[0]), self._part(matrix, False), self._part(matrix, True)], "linear_bytes", {}
            )
        if operation in LAYERS:
            first = LAYERS[operation]
            matrices = reads[first : first + 2]
            if all(self._weight(i) is not None for i in matrices):
                packed = [value for i in matrices for value in (i, self._scale(i))]
                others = [self._float(i) for i in reads]
                return self._keep(node, [*others[:first], *packed, *others[first + 2 :]], f"{operation}_bytes", {})
        if operation == "take" and node.attributes["axis"] == 0 and self._in_bytes(reads[0]):
            places, scale = self._float(reads[1]), self._scale(reads[0])
            rows, units = self._node("take", [reads[0], places], axis=0), self._node("take", [scale, places], axis=0)
            units = self._node("unsqueeze", [units], axis=-1)
            self.values[node.made] = self._node("mul", [self._node("cast", [rows], dtype="float32"), units])
            return None
        return self._keep(node, [self._float(i) for i in reads], operation, dict(node.attributes))

    def _keep(self, node: Node, reads: list[int], operation: str, attributes: dict[str, Any]) -> None:
        self.nodes.append(replace(node, operation=operation, inputs=tuple(reads), made=self.next, attributes=attributes))
        self.values |= {node.made + i: self.next + i for i in range(node.results)}
        self.next += node.results

    def _node(self, operation: str, reads: list[int], **attributes: Any) -> int:
        self.nodes.append(Node(operation, tuple(reads), self.next, attributes))
        self.next += 1
        return self.next - 1

    def _in_bytes(self, value: int) -> bool:
        """Whether it is a weight in bytes."""
        place = value - self.first
        return 0 <= place < len(self.names) and self.names[place] + SCALE in self.weights

    def _weight(self, value: int) -> np.ndarray | None:
        """A matrix in bytes that is large enough to be multiplied so."""
        if not self._in_bytes(value):
            return None
        array = self.weights[self.names[value - self.first]]
        return array if array.ndim == 2 and array.size >= LEAST_MULTIPLIED else None

    def _scale(self, value: int) -> int:
        return self.first + self.names.index(self.names[value - self.first] + SCALE)

    def _float(self, value: int) -> int:
        """The value in the new graph, in numbers."""
        if not self._in_bytes(value):
            return self.values[value]
        name = self.names[value - self.first]
        if name not in self.floats:
            units = self._node("unsqueeze", [self._scale(value)], axis=self.weights[name].ndim - 1)
            self.floats[name] = self._node("mul", [self._node("cast", [value], dtype="float32"), units])
        return self.floats[name]

    def _rows_of(self, value: int) -> tuple[Node, ...] | None:
        """How a matrix "N K" in bytes, whose transpose the value is, is cut out of a weight: by columns, or as one of several."""
        node = self.made_of.get(value)
        if node is None or node.operation != "transpose" or node.attributes["order"] != (1, 0):
            return None
        cuts, value = list[Node](), node.inputs[0]
        while (node := self.made_of.get(value)) is not None:
            column = node.operation == "slice" and node.attributes["axis"] == 1
            if not column and not (node.operation == "select" and node.attributes["axis"] == 0):
                return None
            cuts.append(node)
            value = node.inputs[0]
        if not self._in_bytes(value):
            return None
        array = self.weights[self.names[value - self.first]]
        if array.size < LEAST_MULTIPLIED or array.ndim != 2 + sum(cut.operation == "select" for cut in cuts):
            return None
        return (Node("weight", (value,), value), *reversed(cuts))

    def _part(self, matrix: tuple[Node, ...], scale: bool) -> int:
        """The bytes that are cut out, or the scales of their rows."""
        value = matrix[0].made
        made = self._scale(value) if scale else value
        for cut in matrix[1:]:
            if scale and cut.operation == "slice":
                continue
            key = (cut.made, scale)
            if key not in self.parts:
                self.parts[key] = self._node(cut.operation, [made], **cut.attributes)
            made = self.parts[key]
        return made
