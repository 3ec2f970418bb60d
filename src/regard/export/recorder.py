"""What is recorded of a function of tensors: values, operations, and which tensor is which value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

unrecorded = _disable_current_modes  # a context in which operations are just done
Arrays = dict[str, np.ndarray]
Function = Callable[..., Mapping[str, Tensor]]  # tensors by name to tensors by name


class Unexportable(ValueError):
    """What cannot be written as a graph, and why."""


@dataclass(frozen=True, eq=False)
class Value:
    """One result of a recorded operation, an input or a weight.  name: of an input or a weight; constant: a weight's numbers."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    name: str = ""
    constant: Tensor | None = None


@dataclass
class RecordedStep:
    """One operation in one trace, its sizes in numbers."""

    operation: str
    inputs: list[Value]
    results: list[Value]
    attributes: dict[str, Any]


@dataclass
class Trace:
    """All operations of one run, in order."""

    inputs: dict[str, Value]
    steps: list[RecordedStep] = field(default_factory=list)
    outputs: dict[str, Value] = field(default_factory=dict)


class Recorder(TorchDispatchMode):
    """Knows of each tensor which value of a graph it is, and takes down operations.  names: of parameters and buffers, by identity."""

    def __init__(self, inputs: Mapping[str, Tensor], names: Mapping[int, str]) -> None:
        super().__init__()
        self.names, self.of, self.kept = names, dict[int, Value](), list[Any]()
        self.paused = False  # while the body of a loop is recorded by another
        self.stale: set[int] = set()  # tensors whose numbers were written over by way of others
        self.trace = Trace({name: self._known(t, Value(t.dtype, tuple(t.shape), name)) for name, t in inputs.items()})
        self.fed = {id(value) for value in self.trace.inputs.values()}  # values whose numbers are not those of weights alone

    def _known(self, tensor: Tensor, value: Value) -> Value:
        self.of[id(tensor)] = value
        self.kept.append(tensor)  # so that no other tensor comes to have its identity
        return value

    def value(self, tensor: Tensor) -> Value:
        """What is known of a tensor; one that no operation made is a weight."""
        if id(tensor) not in self.of:
            self._known(tensor, Value(tensor.dtype, tuple(tensor.shape), self.names.get(id(tensor), ""), tensor.detach()))
        return self.of[id(tensor)]

    def emit(
        self, operation: str, inputs: Sequence[Value], *results: tuple[torch.dtype, Sequence[int]], **attributes: Any
    ) -> list[Value]:
        """Write down one operation of the graph's own."""
        made = [Value(dtype, tuple(shape)) for dtype, shape in results]
        if not self.fed.isdisjoint(map(id, inputs)):
            self.fed.update(map(id, made))
        self.trace.steps.append(RecordedStep(operation, list(inputs), made, attributes))
        return made

    def bind(self, tensors: Sequence[Any], values: Sequence[Value]) -> None:
        """These tensors are those values."""
        for tensor, value in zip(tensors, values, strict=True):
            self._known(tensor, value)


def refuse_stale(recorder: Recorder, tensors: Sequence[Any]) -> None:
    """Unexportable where one of them holds what was written there by way of another view of its numbers."""
    if any(id(tensor) in recorder.stale for tensor in tensors if isinstance(tensor, Tensor)):
        raise Unexportable("reads numbers that were written over by way of another view")


def refuse_look(recorder: Recorder, tensor: Tensor) -> None:
    """Unexportable where a stranger's Python is told a number that depends on what was read, and may do something else for another.
    Regard's own nets look only to refuse what they cannot read."""
    if not recorder.paused and id(recorder.value(tensor)) in recorder.fed and _asking() != "regard":
        raise Unexportable("looks in Python at numbers that depend on what is read (`if`, `.item()`, `float(...)`)")


def _asking() -> str:
    """The package whose code called PyTorch."""
    frame = sys._getframe()
    while frame.f_back and (name := frame.f_globals.get("__name__", "")).startswith(("regard.export", "torch")):
        frame = frame.f_back
    return str(name).partition(".")[0]


def word(dtype: torch.dtype) -> str:
    """The name of a dtype in a graph."""
    return str(dtype).removeprefix("torch.")
