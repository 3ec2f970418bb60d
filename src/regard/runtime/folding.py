"""A graph with its weights, what depends on weights alone made once: what is left is played, by numpy or by the compiled loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from regard.runtime.graph import Graph, Node, Port
from regard.runtime.operations import OPERATIONS

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Folded:
    """constants: arrays by the numbers of their values, those that the nodes or the outputs read; nodes: what is left to do; weights: all,
    for the bodies of loops."""

    inputs: tuple[Port, ...]
    constants: Mapping[int, np.ndarray]
    nodes: tuple[Node, ...]
    outputs: tuple[tuple[Port, int], ...]
    weights: Arrays


def fold(graph: Graph, weights: Arrays) -> Folded:
    """The graph with these weights."""
    first = len(graph.inputs)
    made: dict[int, np.ndarray] = {first + i: weights[name] for i, name in enumerate(graph.weights)}
    left = list[Node]()
    for node in graph.nodes:
        if node.operation == "scan" or not made.keys() >= set(node.inputs) or any(map(is_sized, node.attributes.values())):
            left.append(node)
            continue
        with np.errstate(all="ignore"):
            told = OPERATIONS[node.operation](*(made[i] for i in node.inputs), **node.attributes)
        made |= {node.made: told} if node.results == 1 else {node.made + i: each for i, each in enumerate(told)}
    read = {i for node in left for i in node.inputs} | {value for _, value in graph.outputs}
    constants = {i: array for i, array in made.items() if i in read}
    return Folded(graph.inputs, constants, tuple(left), graph.outputs, weights)


def is_sized(told: Any) -> bool:
    """Whether an attribute depends on the sizes of inputs."""
    return isinstance(told, tuple) and any(isinstance(part, str | tuple) for part in told)
