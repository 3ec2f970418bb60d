"""A graph, played by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from regard.runtime.graph import Graph, Node, evaluate, from_json
from regard.runtime.operations import OPERATIONS

Arrays = Mapping[str, np.ndarray]
NAMES = frozenset({*OPERATIONS, "scan"})


class Player:
    """A graph with its weights.  What depends on weights alone is made once."""

    def __init__(self, graph: Graph, weights: Arrays) -> None:
        self.graph = graph
        first = len(graph.inputs)
        self._begin: list[Any] = [None] * first + [weights[name] for name in graph.weights]
        room = max((n.made + n.results for n in graph.nodes), default=len(self._begin))
        self._begin += [None] * (room - len(self._begin))
        known, self._steps = set(range(first, first + len(graph.weights))), list[tuple[Any, ...]]()
        used = {i for n in graph.nodes for i in n.inputs} | {value for _, value in graph.outputs}
        for node in graph.nodes:
            function, sized = _function(node, weights)
            if not sized and known.issuperset(node.inputs):
                _store(self._begin, node, function(*(self._begin[i] for i in node.inputs)))
                known.update(range(node.made, node.made + node.results))
            else:
                self._steps.append((function, sized, node.inputs, node.made, node.results))
        read = {i for _, _, inputs, _, _ in self._steps for i in inputs} | {value for _, value in graph.outputs}
        self._begin = [array if i in read and i in used else None for i, array in enumerate(self._begin)]

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name."""
        values = self._begin.copy()
        shapes = {port.name: inputs[port.name].shape for port in self.graph.inputs}
        for i, port in enumerate(self.graph.inputs):
            values[i] = inputs[port.name]
        for function, sized, reads, made, results in self._steps:
            more = {key: _numbers(size, shapes) for key, size in sized} if sized else {}
            told = function(*[values[i] for i in reads], **more)
            if results == 1:
                values[made] = told
            else:
                values[made : made + results] = told
        return {port.name: values[i] for port, i in self.graph.outputs}


def _store(values: list[Any], node: Node, told: Any) -> None:
    values[node.made : node.made + node.results] = [told] if node.results == 1 else told


def _function(node: Node, weights: Arrays) -> tuple[Any, tuple[tuple[str, Any], ...]]:
    """What plays a node, and those of its attributes that depend on sizes."""
    if node.operation == "scan":
        return partial(_scan, Player(from_json(node.attributes["body"], NAMES, "a loop"), weights)), ()
    sized = tuple((key, told) for key, told in node.attributes.items() if _depends(told))
    plain = {key: told for key, told in node.attributes.items() if not _depends(told)}
    function = OPERATIONS[node.operation]
    return partial(function, **plain) if plain else function, sized


def _depends(told: Any) -> bool:
    """Whether an attribute depends on sizes."""
    return isinstance(told, tuple) and any(isinstance(part, str | tuple) for part in told)


def _numbers(told: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    if isinstance(told, tuple) and not (told and isinstance(told[0], str)):
        return tuple(evaluate(part, shapes) for part in told)
    return evaluate(told, shapes)


def _scan(body: Player, steps: np.ndarray, *state: np.ndarray) -> tuple[np.ndarray, ...]:
    """The body over the first axis of `steps`, "T B G": all it says, "B T D", and the state that is left."""
    names, told, left = [f"state.{i}" for i in range(len(state))], [], list(state)
    for x in steps:
        made = body(x=x, **dict(zip(names, left, strict=True)))
        told.append(made["y"])
        left = [made[name] for name in names]
    return np.stack(told, 1), *left
