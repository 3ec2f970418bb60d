"""What the forms of PyTorch's operations in a graph have in common, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from regard.export.recorder import Recorder, Value, word

Lowering = Callable[[Recorder, tuple[Any, ...], dict[str, Any], Any], Sequence[Value]]
FORMS: dict[str, Lowering] = {}


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Marks the form of these operations."""

    def mark(function: Lowering) -> Lowering:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return mark


def result_of(tensor: Tensor) -> tuple[torch.dtype, Sequence[int]]:
    return tensor.dtype, tuple(tensor.shape)


def cast(recorder: Recorder, value: Value, dtype: torch.dtype) -> Value:
    """The same numbers in another type."""
    if value.dtype == dtype:
        return value
    return recorder.emit("cast", [value], (dtype, value.shape), dtype=word(dtype))[0]


def operand(recorder: Recorder, given: Any, dtype: torch.dtype) -> Value:
    """A tensor or a number of Python's, in this type."""
    if isinstance(given, Tensor):
        return cast(recorder, recorder.value(given), dtype)
    number = bool(given) if dtype == torch.bool else float(given) if dtype.is_floating_point else int(given)
    return recorder.emit("full", [], (dtype, ()), shape=(), value=plain(number), dtype=word(dtype))[0]


def plain(number: Any) -> Any:
    """A number as JSON holds it: without infinities."""
    return str(number) if isinstance(number, float) and (number in (float("inf"), -float("inf")) or number != number) else number


def reshape(recorder: Recorder, value: Value, shape: Sequence[int]) -> Value:
    """The same numbers in another shape.  (Also where it is the same shape: it may be so at this size alone.)"""
    return recorder.emit("reshape", [value], (value.dtype, shape), shape=tuple(shape))[0]


def axis_of(axis: int, rank: int) -> int:
    return axis % rank if rank else 0
