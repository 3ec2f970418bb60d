"""A graph, played by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from regard.core.errors import RunFolderError, message
from regard.runtime.graph import FORMS, Graph, Node, from_json
from regard.runtime.operations import OPERATIONS

Arrays = Mapping[str, np.ndarray]
FAULTS = (ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, MemoryError, RecursionError)
NAMES = frozenset({*OPERATIONS, "scan"})


class Player:
    """A graph with its weights.  What depends on weights alone is made once."""

    def __init__(self, graph: Graph, weights: Arrays) -> None:
        self.graph, self._sizes = graph, SizeTable()
        first = len(graph.inputs)
        self._begin: list[Any] = [None] * first + [weights[name] for name in graph.weights]
        room = max((n.made + n.results for n in graph.nodes), default=len(self._begin))
        self._begin += [None] * (room - len(self._begin))
        known, self._steps = set(range(first, first + len(graph.weights))), list[tuple[Any, ...]]()
        for node in graph.nodes:
            function, sized = self._function(node, weights)
            if not sized and known.issuperset(node.inputs):
                with np.errstate(all="ignore"):
                    _store(self._begin, node.made, node.results, function(*(self._begin[i] for i in node.inputs)))
                known.update(range(node.made, node.made + node.results))
            else:
                self._steps.append((function, sized, node.inputs, node.made, node.results))
        read = {i for _, _, inputs, _, _ in self._steps for i in inputs} | {value for _, value in graph.outputs}
        self._begin = [array if i in read else None for i, array in enumerate(self._begin)]

    def _function(self, node: Node, weights: Arrays) -> tuple[Any, tuple[tuple[str, Any], ...]]:
        """What plays a node, and those of its attributes that depend on sizes."""
        if node.operation == "scan":
            return partial(_scan, Player(from_json(node.attributes["body"], NAMES, "a loop"), weights)), ()
        plain, sized = dict[str, Any](), list[tuple[str, Any]]()
        for key, told in node.attributes.items():
            if isinstance(told, tuple) and any(isinstance(part, str | tuple) for part in told):
                sized.append((key, self._sizes.place(told)))
            else:
                plain[key] = told
        function = OPERATIONS[node.operation]
        return partial(function, **plain) if plain else function, tuple(sized)

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
                _store(values, made, results, told)
        return {port.name: values[i] for port, i in self.graph.outputs}


def _store(values: list[Any], made: int, results: int, told: Any) -> None:
    values[made : made + results] = [told] if results == 1 else told


class SizeTable:
    """The sizes that a graph asks for, each found once a call, however many nodes ask."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}
        self._told: list[Any] = []  # a number, or ("size", input, axis), or (form, place, place), or a list of places

    def place(self, size: Any) -> int:
        """Where the size, or the tuple of sizes, will stand among those that are found."""
        if size not in self._places:
            told = size
            if isinstance(size, tuple) and not (size and isinstance(size[0], str)):
                told = [self.place(part) for part in size]
            elif isinstance(size, tuple) and size[0] != "size":
                told = (FORMS[size[0]], *map(self.place, size[1:]))
            self._places[size] = len(self._told)
            self._told.append(told)
        return self._places[size]

    def find(self, inputs: Arrays) -> list[Any]:
        """All of them, for these inputs."""
        made: list[Any] = []
        for told in self._told:
            if isinstance(told, int):
                made.append(told)
            elif isinstance(told, list):
                made.append(tuple([made[i] for i in told]))
            elif told[0] == "size":
                made.append(inputs[told[1]].shape[told[2]])
            else:
                made.append(told[0](made[told[1]], made[told[2]]))
        return made


def _scan(body: Player, steps: np.ndarray, *state: np.ndarray) -> tuple[np.ndarray, ...]:
    """The body over the first axis of `steps`, "T B G": all it says, "B T D", and the state that is left."""
    names, told, left = [f"state.{i}" for i in range(len(state))], [], list(state)
    for x in steps:
        made = body(x=x, **dict(zip(names, left, strict=True)))
        told.append(made["y"])
        left = [made[name] for name in names]
    return np.stack(told, 1), *left
