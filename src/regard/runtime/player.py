"""A graph, played by numpy."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from regard.core.errors import RunFolderError, message
from regard.runtime.folding import Arrays, Folded, fold, is_sized
from regard.runtime.graph import FORMS, Graph, Node, from_json
from regard.runtime.operations import OPERATIONS

FAULTS = (ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, MemoryError, RecursionError)
NAMES = frozenset({*OPERATIONS, "scan"})


class Player:
    """A graph with its weights."""

    def __init__(self, graph: Graph | Folded, weights: Arrays | None = None) -> None:
        self.graph = graph if isinstance(graph, Folded) else fold(graph, weights or {})
        self._sizes, first = SizeTable(), len(self.graph.inputs)
        ends = [n.made + n.results for n in self.graph.nodes] + [i + 1 for i in self.graph.constants]
        self._begin: list[Any] = [None] * max([first, *ends])
        for i, array in self.graph.constants.items():
            self._begin[i] = array
        self._steps = [(*self._function(node), node.inputs, node.made, node.results) for node in self.graph.nodes]

    def _function(self, node: Node) -> tuple[Any, tuple[tuple[str, Any], ...]]:
        """What plays a node, and those of its attributes that depend on sizes."""
        if node.operation == "scan":
            return partial(_scan, Player(from_json(node.attributes["body"], NAMES, "a loop"), self.graph.weights)), ()
        plain = {key: told for key, told in node.attributes.items() if not is_sized(told)}
        sized = tuple((key, self._sizes.place(told)) for key, told in node.attributes.items() if is_sized(told))
        function = OPERATIONS[node.operation]
        return partial(function, **plain) if plain else function, sized

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name.  Infinities and NaN go through it as through the net, without a warning.  RunFolderError for a graph of
        anybody's that cannot be played."""
        try:
            with np.errstate(all="ignore"):
                return self._play(inputs)
        except FAULTS as error:
            do = "Export the run again, or ask for fewer or shorter inputs at a time."
            received = f"{type(error).__name__}: {error}"[:300]
            raise RunFolderError(message("an exported net", "a graph that numpy can play", received, do)) from error

    def _play(self, inputs: Arrays) -> dict[str, np.ndarray]:
        values = self._begin.copy()
        for i, port in enumerate(self.graph.inputs):
            values[i] = inputs[port.name]
        sizes = self._sizes.find(inputs)
        for function, sized, reads, made, results in self._steps:
            arrays = [values[i] for i in reads]
            told = function(*arrays, **{key: sizes[i] for key, i in sized}) if sized else function(*arrays)
            if results == 1:
                values[made] = told
            else:
                values[made : made + results] = told
        return {port.name: values[i] for port, i in self.graph.outputs}


class SizeTable:
    """The sizes that a graph asks for, each found once a call, however many nodes ask."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}
        self.told: list[Any] = []  # a number, or ("size", input, axis), or (form, place, place), or a list of places

    def place(self, size: Any) -> int:
        """Where the size, or the tuple of sizes, will stand among those that are found."""
        if size not in self._places:
            told = size
            if isinstance(size, tuple) and not (size and isinstance(size[0], str)):
                told = [self.place(part) for part in size]
            elif isinstance(size, tuple) and size[0] != "size":
                told = (size[0], *map(self.place, size[1:]))
            self._places[size] = len(self.told)
            self.told.append(told)
        return self._places[size]

    def find(self, inputs: Arrays) -> list[Any]:
        """All of them, for these inputs."""
        made: list[Any] = []
        for told in self.told:
            if isinstance(told, int):
                made.append(told)
            elif isinstance(told, list):
                made.append(tuple([made[i] for i in told]))
            elif told[0] == "size":
                made.append(inputs[told[1]].shape[told[2]])
            else:
                made.append(FORMS[told[0]](made[told[1]], made[told[2]]))
        return made


def _scan(body: Player, steps: np.ndarray, *state: np.ndarray) -> tuple[np.ndarray, ...]:
    """The body over the first axis of `steps`, "T B G": all it says, "B T D", and the state that is left."""
    names, told, left = [f"state.{i}" for i in range(len(state))], [], list(state)
    for x in steps:
        made = body(x=x, **dict(zip(names, left, strict=True)))
        told.append(made["y"])
        left = [made[name] for name in names]
    return np.stack(told, 1), *left
