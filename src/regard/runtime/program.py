"""A graph as the compiled loops read it: one list of whole numbers (loops/graph.h), its matrices laid out for them."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from regard.core.library import Library, numbers
from regard.runtime.folding import Folded, fold
from regard.runtime.graph import Node, from_json
from regard.runtime.player import NAMES, SizeTable

CODES = {np.dtype(name): i for i, name in enumerate(("bool", "int8", "int32", "int64", "float32", "float64"))}
DTYPES = [*CODES]
ABSENT = -(1 << 63)  # None
MOST_RANKS, MOST_RESULTS, MOST_INPUTS = 8, 16, 64  # as in loops/values.h and loops/graph.h
SIZES = {"size": 1, "+": 2, "*": 3, "//": 4, "max": 5, "min": 6}
LAYERS = {"gru": 2, "lstm": 3, "rnn_tanh": 2}  # where the first of their matrices stands among what they read


class Uncompilable(Exception):
    """The compiled loops do not know it: numpy does."""


class Packs:
    """Matrices, laid out once for all graphs that read them."""

    def __init__(self, loops: Library) -> None:
        self.loops = loops
        self._made: dict[
            Any, tuple[int, Any]
        ] = {}  # with what they were made of, so that no other array takes its place in memory

    def pack(self, matrix: np.ndarray, scale: np.ndarray | None = None) -> int:
        """The address of "K N" in float32, or of "N K" in bytes with the scale of each row."""
        key = (matrix.__array_interface__["data"][0], matrix.shape, matrix.strides, scale is None)
        if key not in self._made:
            strides = numbers([step // matrix.itemsize for step in matrix.strides])
            scales = None if scale is None else numbers(describe(np.ascontiguousarray(scale)))
            address = self.loops.pack(numbers(describe(matrix)), strides, scales)
            if not address:
                raise Uncompilable("a matrix")
            self._made[key] = address, (matrix, scale)
        return self._made[key][0]

    def __del__(self) -> None:
        for address, _ in self._made.values():
            self.loops.unpack(address)


def describe(array: np.ndarray) -> list[int]:
    """Address, kind, rank and shape."""
    if array.dtype not in CODES or array.ndim > MOST_RANKS:
        raise Uncompilable(f"an array of {array.dtype} with {array.ndim} axes")
    return [array.__array_interface__["data"][0], CODES[array.dtype], array.ndim, *array.shape]


class Program:
    """What is built of a graph.  inputs: their order, states last; address: of what the loops made of it."""

    def __init__(self, graph: Folded, packs: Packs, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.loops, self._packs = packs.loops, packs
        self._kept: list[Any] = []  # arrays and bodies that are read where they lie
        self._codes, self._sizes = packs.loops.codes, SizeTable()
        self._told, self._patches = list[int](), list[int]()
        self._inputs = list(inputs)
        numbered = {port.name: i for i, port in enumerate(graph.inputs)}
        by_name = {port.name: value for port, value in graph.outputs}
        wanted = [by_name[name] for name in outputs]
        steps = [self._step(node, graph) for node in _joined(graph, wanted)]
        slots = _Slots([numbered[name] for name in inputs], graph.constants, steps, wanted)
        written = [self._written(step, slots) for step in steps]
        held = [(slots.of(i), np.asarray(array, order="C")) for i, array in graph.constants.items() if i in slots.known]
        self._kept += [array for _, array in held]
        sizes = [self._size(told) for told in self._sizes.told]
        head = [len(inputs), slots.many, len(held), len(sizes), len(self._patches) // 2, len(self._told), len(steps), len(wanted)]
        constants = [n for slot, array in held for n in (slot, *describe(array))]
        whole = [*head, *constants, *chain(*sizes), *self._patches, *self._told, *chain(*written), *map(slots.of, wanted)]
        self.address: int | None = packs.loops.build(numbers(whole), len(whole))
        if not self.address:
            raise Uncompilable("a graph that does not fit")

    def __del__(self) -> None:
        if getattr(self, "address", None):
            self.loops.forget(self.address)

    def _step(self, node: Node, graph: Folded) -> _Step:
        """A node, without the matrices that are laid out for it."""
        operation, reads, told = node.operation, list(node.inputs), dict(node.attributes)
        packs, of = list[int](), graph.constants
        if operation == "scan":
            packs, told = [self._body(node, graph)], {}
        elif operation == "linear":
            packs = [self._packs.pack(of[reads.pop(1)])]
        elif operation == "linear_bytes":
            packs = [self._packs.pack(of[reads.pop(1)], of[reads.pop(1)])]
        elif operation.removesuffix("_bytes") in LAYERS:
            packs = self._layer(operation, reads, of)
        elif operation == "convolution":
            if (weight := of.get(reads.pop(1))) is None:
                raise Uncompilable("a convolution by what is computed")
            flat = np.ascontiguousarray(weight.reshape(len(weight), -1))
            packs, told = [self._packs.pack(flat.T)], told | {"windows": weight.shape[2:]}
        name = operation.removesuffix("_bytes")
        if name not in self._codes or len(reads) > MOST_INPUTS or node.results > MOST_RESULTS:
            raise Uncompilable(operation)
        return _Step(name, tuple(reads), node.made, node.results, told, packs)

    def _written(self, step: _Step, slots: _Slots) -> list[int]:
        at = len(self._told)
        self._tell(step)
        dying = sum(1 << k for k, i in enumerate(step.inputs[:32]) if slots.ends(i, step))
        into = [slots.of(step.made + k) for k in range(step.results)]
        head = [self._codes[step.operation], len(step.inputs), step.results, len(step.packs), at, len(self._told) - at, dying]
        return [*head, *map(slots.of, step.inputs), *into, *step.packs]

    def _layer(self, operation: str, reads: list[int], of: Mapping[int, np.ndarray]) -> list[int]:
        """The matrices of a recurrent layer, laid out; they are no longer among what is read."""
        first = LAYERS[operation.removesuffix("_bytes")]
        each = 2 if operation.endswith("_bytes") else 1
        matrices = []
        for _ in range(2 * each):
            if (matrix := of.get(reads.pop(first))) is None:
                raise Uncompilable("a layer with weights that are computed")
            matrices.append(matrix)
        if each == 1:
            return [self._packs.pack(matrix.T) for matrix in matrices]
        return [self._packs.pack(*matrices[k : k + 2]) for k in (0, 2)]

    def _body(self, node: Node, graph: Folded) -> int:
        body = fold(from_json(node.attributes["body"], NAMES, "a loop"), graph.weights)
        state = [f"state.{i}" for i in range(len(node.inputs) - 1)]
        made = Program(body, self._packs, ["x", *state], ["y", *state])
        self._kept.append(made)
        assert made.address
        return made.address

    def _tell(self, step: _Step) -> None:
        for key, told in sorted(step.attributes.items()):
            if key == "value":
                whole = isinstance(told, int | tuple)
                self._place(told) if whole else self._told.append(_bits(float(told)))
                self._told.append(int(whole))
            elif key == "dtype":
                self._told.append(CODES[np.dtype(told)])
            elif isinstance(told, float):
                self._told.append(_bits(told))
            elif isinstance(told, tuple) and not (told and isinstance(told[0], str)):
                self._told.append(len(told))
                for size in told:
                    self._place(size)
            else:
                self._place(told)

    def _place(self, told: Any) -> None:
        if told is None or isinstance(told, int):
            self._told.append(ABSENT if told is None else int(told))
        elif isinstance(told, tuple):
            self._patches += [len(self._told), self._sizes.place(told)]
            self._told.append(0)
        else:
            raise Uncompilable(repr(told))

    def _size(self, told: Any) -> list[int]:
        if isinstance(told, int):
            return [0, told, 0]
        if told[0] == "size":
            if told[1] not in self._inputs:
                raise Uncompilable("a size of what is no input")
            return [SIZES["size"], self._inputs.index(told[1]), told[2]]
        return [SIZES[told[0]], told[1], told[2]]


@dataclass(frozen=True, eq=False)
class _Step:
    """A node as the loops play it.  packs: the matrices that were laid out for it."""

    operation: str
    inputs: tuple[int, ...]
    made: int
    results: int
    attributes: Mapping[str, Any]
    packs: Sequence[int]


def _bits(number: float) -> int:
    told: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return told


def _joined(graph: Folded, wanted: Iterable[int]) -> list[Node]:
    """The nodes, products with constant matrices and what is added to them in one, and states that grow told from other joins."""
    readers = Counter(i for node in graph.nodes for i in set(node.inputs)) + Counter(wanted)
    nodes = _readers(graph)
    states = {i for i, port in enumerate(graph.inputs) if port.name.startswith("state.")}
    left = {value for port, value in graph.outputs if port.name.startswith("state.")}
    made, products = list[Node](), dict[int, int]()  # where among `made` a product stands, by its value
    for node in graph.nodes:
        matrix = graph.constants.get(node.inputs[1]) if node.operation == "matmul" else None
        if matrix is not None and matrix.ndim == 2 and matrix.dtype == np.float32:
            node = Node("linear", node.inputs, node.made)
        if node.operation in ("linear", "linear_bytes"):
            products[node.made] = len(made)
        elif node.operation == "add" and (at := next((products[i] for i in node.inputs if i in products), None)) is not None:
            product = made[at]
            other = node.inputs[node.inputs[0] == product.made]
            bias = graph.constants.get(other)
            width = graph.constants[product.inputs[1]].shape[int(product.operation == "linear")]
            if readers[product.made] == 1 and bias is not None and bias.shape == (width,) and bias.dtype == np.float32:
                made[at] = Node("done", (), product.made)  # its place is taken by the node of both
                node = Node(product.operation, (*product.inputs, other), node.made)
        elif _grows(node) and node.inputs[0] in states and node.made in left:
            paged = _only_multiplied(nodes, node.made)
            node = Node("page" if paged else "grow", node.inputs, node.made, node.attributes)
        made.append(node)
    return [node for node in made if node.operation != "done"]


def _grows(node: Node) -> bool:
    """Whether something is joined to the end of something, along another axis than that of the rows."""
    return node.operation == "concat" and len(node.inputs) == 2 and node.attributes["axis"] > 0


def find_shared(graph: Folded, state: Sequence[str]) -> frozenset[int]:
    """Which arrays of a state are read by products alone, as their second array, turned perhaps but not in their rows: what the loops read
    without a copy where rows stand for several (`reads_copies` in loops/products.h)."""
    readers, places = _readers(graph), {port.name: i for i, port in enumerate(graph.inputs)}
    return frozenset(i for i, name in enumerate(state) if places[name] in readers and _only_multiplied(readers, places[name]))


def _readers(graph: Folded) -> dict[int, list[Node]]:
    """The nodes that read a value."""
    readers = dict[int, list[Node]]()
    for node in graph.nodes:
        for i in set(node.inputs):
            readers.setdefault(i, []).append(node)
    return readers


def _only_multiplied(readers: Mapping[int, Sequence[Node]], value: int) -> bool:
    """Whether none reads it but products, as their second array, turned perhaps but not in its rows."""
    return all(
        _multiplies(node, value) or (_turns(node) and _only_multiplied(readers, node.made)) for node in readers.get(value, ())
    )


def _multiplies(node: Node, value: int) -> bool:
    return node.operation == "matmul" and node.inputs[1] == value != node.inputs[0]


def _turns(node: Node) -> bool:
    return node.operation == "transpose" and node.attributes["order"][:1] == (0,)


class _Slots:
    """Where values stand while a graph is played: a place is used again when nobody reads what stood there."""

    def __init__(
        self, inputs: Sequence[int], constants: Mapping[int, Any], nodes: Sequence[_Step], outputs: Sequence[int]
    ) -> None:
        self._last = {i: node for node in nodes for i in node.inputs}
        self._stays = {*constants, *outputs}
        read = {i for node in nodes for i in node.inputs} | set(outputs)
        self.known = {i for i in constants if i in read}
        self._slots = {i: k for k, i in enumerate([*inputs, *sorted(self.known)])}
        self.many, free = len(self._slots), list[int]()
        for node in nodes:
            for i in range(node.made, node.made + node.results):
                self._slots[i] = free.pop() if free else self.many
                self.many = max(self.many, self._slots[i] + 1)
            free += {self._slots[i] for i in node.inputs if i in self._slots and self.ends(i, node)}

    def of(self, value: int) -> int:
        """Its place."""
        if value not in self._slots:
            raise Uncompilable("a value that nothing makes")
        return self._slots[value]

    def ends(self, value: int, node: _Step) -> bool:
        """Whether nobody reads a value after this node."""
        return self._last.get(value) is node and value not in self._stays
