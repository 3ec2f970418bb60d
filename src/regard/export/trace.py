"""What a function of tensors does, recorded while it does it, at several sizes; and the one graph that does the same at any size.

The function runs on real tensors: nothing of it need know that it is recorded, and lengths in Python's own numbers are just what was
seen.  What differs from trace to trace must be told by the sizes of what was read (`export.sizes`); a function that does other things
at other sizes, or for other numbers, has no graph and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.core.optional import graph_making
from regard.core.state import tree_map
from regard.export.leaves import Leaves
from regard.export.lowering import lower
from regard.export.recorder import (
    Arrays as Arrays,
)
from regard.export.recorder import (
    Function as Function,
)
from regard.export.recorder import (
    RecordedStep,
    Recorder,
    Trace,
    Value,
    refuse_stale,
    unrecorded,
    word,
)
from regard.export.recorder import (
    Unexportable as Unexportable,
)
from regard.export.simplify import simplify
from regard.export.sizes import Symbols, Unknown
from regard.runtime.graph import Graph, Node, Port, to_json


class _Lowering(Recorder):
    """Writes down each operation of PyTorch's in those of a graph."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        lower(self, str(func), args, kwargs or {}, made)
        return made


@contextmanager
def record(recorder: Recorder) -> Iterator[None]:
    """For a while every operation is written down, and loops over time are one."""

    def scan(step: Callable[..., Any], steps: Tensor, state: Any) -> tuple[Tensor, Any]:
        return _scan(recorder, step, steps, state)

    with torch.no_grad(), graph_making(scan), recorder, Leaves(recorder):
        yield


def _scan(recorder: Recorder, step: Callable[..., Any], steps: Tensor, state: Any) -> tuple[Tensor, Any]:
    """`step` after `step` over the first axis: one operation, whose body is the trace of one step."""
    if len(steps) == 1:  # as a decoder goes on: no loop
        y, state = step(steps[0], state)
        return y[:, None], state
    leaves: list[Tensor] = []
    recorder.paused = True
    with unrecorded(), graph_making(None):
        tree_map(leaves.append, state)
        begun, told = list(leaves), []
        for given in steps:
            y, state = step(given, state)
            told.append(y)
        whole = torch.stack(told, 1)
        leaves.clear()
        tree_map(leaves.append, state)
    names = ["x", *(f"state.{i}" for i in range(len(begun)))]
    body = _Lowering(dict(zip(names, [steps[0].clone(), *(t.clone() for t in begun)], strict=True)), recorder.names)
    inside = dict(zip(names, [body.kept[0], *body.kept[1:]], strict=True))
    again = iter(list(inside.values())[1:])
    with unrecorded(), record(body):  # the outer recorder does not hear of it
        y, left = step(inside["x"], tree_map(lambda _: next(again), state))
        ends: list[Tensor] = []
        tree_map(ends.append, left)
    recorder.paused = False
    body.trace.outputs = dict(zip(["y", *names[1:]], map(body.value, [y, *ends]), strict=True))
    inputs = [recorder.value(steps), *map(recorder.value, begun)]
    made = recorder.emit("scan", inputs, (whole.dtype, whole.shape), *((t.dtype, t.shape) for t in leaves), body=body.trace)
    recorder.bind([whole, *leaves], made)
    return whole, state


def trace(function: Function, examples: Sequence[Mapping[str, Tensor]], names: Mapping[int, str], weights: Arrays) -> Graph:
    """The graph of a function of tensors by name.

    examples: inputs at several sizes, all different.  names: of parameters and buffers, by identity.  weights: takes those that the graph
    reads.  Raises Unexportable.
    """
    traces = []
    for example in examples:
        recorder = _Lowering(example, names)
        with record(recorder):
            made = function(**example)
        refuse_stale(recorder, tuple(made.values()))
        recorder.trace.outputs = {name: recorder.value(tensor) for name, tensor in made.items()}
        traces.append(recorder.trace)
    symbols = Symbols([{name: value.shape for name, value in t.inputs.items()} for t in traces])
    return _unified(traces, symbols, weights)


def _unified(traces: Sequence[Trace], symbols: Symbols, arrays: Arrays) -> Graph:
    """What all traces have in common, with expressions where their sizes differ."""
    first, wirings = traces[0], [_wiring(t) for t in traces]
    for other, wiring in zip(traces[1:], wirings[1:], strict=True):
        _refuse_other(first, other, wirings[0], wiring)
    weights = {}
    for value in [*(v for step in first.steps for v in step.inputs), *first.outputs.values()]:
        if value.constant is not None:
            weights[id(value)] = _keep(value, arrays)
    numbers = {key: i for i, key in enumerate([*map(id, first.inputs.values()), *weights])}
    known, nodes = len(numbers), list[Node]()
    for steps in zip(*(t.steps for t in traces), strict=True):
        step = steps[0]
        attributes = {key: _common([s.attributes[key] for s in steps], symbols, arrays, step) for key in step.attributes}
        nodes.append(Node(step.operation, tuple(numbers[id(v)] for v in step.inputs), known, attributes, len(step.results)))
        numbers |= {id(v): known + i for i, v in enumerate(step.results)}
        known += len(step.results)
    inputs = tuple(
        Port(
            name,
            word(v.dtype),
            tuple(symbols.expression(seen) for seen in zip(*(t.inputs[name].shape for t in traces), strict=True)),
        )
        for name, v in first.inputs.items()
    )
    outputs = tuple((Port(name, word(v.dtype)), numbers[id(v)]) for name, v in first.outputs.items())
    return simplify(Graph(inputs, tuple(weights.values()), tuple(nodes), outputs))


Wiring = list[tuple[str, tuple[Any, ...]]]  # of each step its operation, and what it reads


def _wiring(trace: Trace) -> Wiring:
    """Which operation reads which results, in words that do not depend on the trace."""
    keys: dict[int, Any] = {id(v): name for name, v in trace.inputs.items()}
    told = []
    for i, step in enumerate(trace.steps):
        told.append((step.operation, tuple(_key(v, keys) for v in step.inputs)))
        keys |= {id(v): (i, j) for j, v in enumerate(step.results)}
    told.append(("outputs", tuple((name, _key(v, keys)) for name, v in trace.outputs.items())))
    return told


def _key(value: Value, keys: Mapping[int, Any]) -> Any:
    if value.constant is None:
        return keys[id(value)]
    return value.name or (str(value.dtype), value.shape, _array(value).tobytes())


def _refuse_other(first: Trace, other: Trace, wiring: Wiring, others: Wiring) -> None:
    """Unexportable where two traces did not do the same."""
    for (operation, reads), (other_operation, other_reads) in zip(wiring, others, strict=False):
        if operation != other_operation:
            raise Unexportable(f"does {operation} at one size and {other_operation} at another")
        if reads != other_reads:
            raise Unexportable(f"reads other numbers at other sizes ({operation})")
    if len(wiring) != len(others):
        raise Unexportable(f"takes {len(wiring)} operations at one size and {len(others)} at another")


def _keep(value: Value, arrays: Arrays) -> str:
    """The name of a weight, whose numbers are kept under it."""
    array = _array(value)
    name = value.name or next(
        (n for n, a in arrays.items() if a.dtype == array.dtype and np.array_equal(a, array)), f"constant.{len(arrays)}"
    )
    arrays[name] = array
    return name


def _array(value: Value) -> np.ndarray:
    assert value.constant is not None
    with unrecorded():
        return value.constant.detach().contiguous().numpy()


def _common(seen: Sequence[Any], symbols: Symbols, arrays: Arrays, step: RecordedStep) -> Any:
    """An attribute that is the same in all traces, or told by sizes."""
    if isinstance(seen[0], Trace):
        return to_json(_unified(seen, Symbols([{n: v.shape for n, v in t.inputs.items()} for t in seen]), arrays))
    if isinstance(seen[0], tuple | list):
        return tuple(_common(part, symbols, arrays, step) for part in zip(*seen, strict=True))
    if all(type(s) is type(seen[0]) and s == seen[0] for s in seen):
        return seen[0]
    if not all(type(s) is int for s in seen):
        raise Unexportable(f"takes other numbers at other sizes ({step.operation}: {', '.join(map(str, seen))})")
    try:
        return symbols.expression(tuple(seen))
    except Unknown as error:
        raise Unexportable(f"makes {error}, which what is read does not tell ({step.operation})") from error
