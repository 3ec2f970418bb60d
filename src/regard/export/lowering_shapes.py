"""How PyTorch makes arrays, and cuts, turns and picks of them, in the operations of a graph: without views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from regard.export.forms import FORMS, Lowering, axis_of, cast, lowers, operand, plain, reshape, result_of
from regard.export.recorder import Recorder, Unexportable, Value, word


@lowers("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "view_as", "_reshape_alias")
def _reshape(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [reshape(r, r.value(args[0]), made.shape)]


@lowers("unsqueeze")
def _unsqueeze(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("unsqueeze", [r.value(args[0])], result_of(made), axis=axis_of(args[1], made.dim()))


@lowers("squeeze")
def _squeeze(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    if len(args) < 2 or not isinstance(args[1], int):
        return [reshape(r, r.value(args[0]), made.shape)]
    if made.dim() == args[0].dim():
        return [r.value(args[0])]
    return r.emit("squeeze", [r.value(args[0])], result_of(made), axis=axis_of(args[1], args[0].dim()))


@lowers("expand", "broadcast_to", "expand_as")
def _expand(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("expand", [r.value(args[0])], result_of(made), shape=tuple(made.shape))


@lowers("repeat")
def _repeat(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("tile", [r.value(args[0])], result_of(made), repeats=tuple(args[1]))


@lowers("t", "transpose", "permute", "mT", "numpy_T", "movedim", "swapaxes")
def _transpose(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    rank = args[0].dim()
    order = list(range(rank))
    if len(args) == 1:
        order.reverse()
    elif isinstance(args[1], int):
        a, b = axis_of(args[1], rank), axis_of(args[2], rank)
        order[a], order[b] = b, a
    else:
        order = [axis_of(a, rank) for a in args[1]]
    return r.emit("transpose", [r.value(args[0])], result_of(made), order=tuple(order))


@lowers("slice")
def _slice(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    told: Any = (*args[1:], *(0, None, None, 1)[len(args) - 1 :])
    axis, start, stop, step = told
    start, whole = 0 if start is None else int(start), stop is None or stop > 1 << 60  # Python's x[start:]
    return _cut(r, args[0], axis_of(axis, args[0].dim()), start, None if whole else int(stop), int(step), made)


def _cut(r: Recorder, x: Tensor, axis: int, start: int, stop: int | None, step: int, made: Tensor) -> Sequence[Value]:
    if start == 0 and stop is None and step == 1:
        return [r.value(x)]
    return r.emit("slice", [r.value(x)], result_of(made), axis=axis, start=start, stop=stop, step=step)


@lowers("narrow")
def _narrow(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _cut(r, args[0], axis_of(args[1], args[0].dim()), int(args[2]), int(args[2]) + int(args[3]), 1, made)


@lowers("select")
def _select(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("select", [r.value(args[0])], result_of(made), axis=axis_of(args[1], args[0].dim()), index=int(args[2]))


@lowers("split", "split_with_sizes", "chunk", "unbind", "unsafe_split", "unsafe_chunk")
def _split(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, whole = args[0], made[0].dim() == args[0].dim()
    axis = axis_of(kwargs.get("dim", args[2 if whole else 1] if len(args) > (2 if whole else 1) else 0), x.dim())
    told, place = list[Value](), 0
    for i, part in enumerate(made):
        if whole:
            size = part.shape[axis]
            told += r.emit("slice", [r.value(x)], result_of(part), axis=axis, start=place, stop=place + size, step=1)
            place += size
        else:
            told += r.emit("select", [r.value(x)], result_of(part), axis=axis, index=i)
    return told


@lowers("cat")
def _concat(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = axis_of(args[1] if len(args) > 1 else kwargs.get("dim", 0), made.dim())
    return r.emit("concat", [operand(r, t, made.dtype) for t in args[0]], result_of(made), axis=axis)


@lowers("stack")
def _stack(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = axis_of(args[1] if len(args) > 1 else kwargs.get("dim", 0), made.dim())
    shape = [s for i, s in enumerate(made.shape) if i != axis]
    one = [*shape[:axis], 1, *shape[axis:]]
    parts = [r.emit("unsqueeze", [operand(r, t, made.dtype)], (made.dtype, one), axis=axis)[0] for t in args[0]]
    return r.emit("concat", parts, result_of(made), axis=axis)


@lowers("flip")
def _flip(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("flip", [r.value(args[0])], result_of(made), axes=tuple(axis_of(a, made.dim()) for a in args[1]))


@lowers("constant_pad_nd")
def _pad(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, pads, value = (*args, 0.0)[:3]
    each = [(0, 0)] * x.dim()
    for i in range(len(pads) // 2):
        each[x.dim() - 1 - i] = (int(pads[2 * i]), int(pads[2 * i + 1]))
    if any(n < 0 for pair in each for n in pair):
        raise Unexportable("has padding that cuts")
    fill = operand(r, value, made.dtype)
    return r.emit("pad", [r.value(x), fill], result_of(made), before=tuple(a for a, _ in each), after=tuple(b for _, b in each))


@lowers("unfold")
def _windows(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit(
        "windows", [r.value(args[0])], result_of(made), axis=axis_of(args[1], args[0].dim()), size=int(args[2]), step=int(args[3])
    )


@lowers("embedding")
def _embedding(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("take", [r.value(args[0]), r.value(args[1])], result_of(made), axis=0)


@lowers("index_select")
def _take(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("take", [r.value(args[0]), r.value(args[2])], result_of(made), axis=axis_of(args[1], made.dim()))


@lowers("gather")
def _gather(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("gather", [r.value(args[0]), r.value(args[2])], result_of(made), axis=axis_of(args[1], made.dim()))


@lowers("scatter_add")
def _scatter_add(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("scatter_add", [r.value(args[i]) for i in (0, 2, 3)], result_of(made), axis=axis_of(args[1], made.dim()))


@lowers("roll")
def _roll(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """The last `shift` places before the others."""
    if len(args) < 3 or len(args[1]) != 1:
        raise Unexportable("rolls over more than one axis")
    axis, shape, value = axis_of(args[2][0], made.dim()), list(made.shape), r.value(args[0])
    shift = args[1][0] % max(shape[axis], 1)
    parts = []
    for start, stop, size in ((shape[axis] - shift, None, shift), (0, shape[axis] - shift, shape[axis] - shift)):
        part = [*shape[:axis], size, *shape[axis + 1 :]]
        parts += r.emit("slice", [value], (made.dtype, part), axis=axis, start=start, stop=stop, step=1)
    return r.emit("concat", parts, result_of(made), axis=axis)


@lowers("index")
def _index(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """Places on the first axes, all given: x[i, j]."""
    given = list(args[1])
    axes = [axis for axis, places in enumerate(given) if places is not None]
    if any(given[axis].dtype == torch.bool for axis in axes):
        raise Unexportable("picks by a mask")
    if len(axes) == 1:
        return r.emit("take", [r.value(args[0]), r.value(given[axes[0]])], result_of(made), axis=axes[0])
    if len(axes) < len(given):
        raise Unexportable("picks by places on some axes behind others")
    return r.emit("pick", [r.value(args[0]), *map(r.value, given)], result_of(made))


@lowers("arange")
def _arange(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    numbers = [a for a in args if isinstance(a, int | float)]
    start, stop, step = {1: (0, *numbers, 1), 2: (*numbers, 1), 3: numbers}[len(numbers)]
    whole = r.emit("arange", [], (torch.int64, made.shape), start=int(start), stop=int(stop), step=int(step))[0]
    if (start, stop, step) != (int(start), int(stop), int(step)):
        raise Unexportable("counts in fractions")
    return [cast(r, whole, made.dtype)]


def _filled(value: float | None) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        number = value if value is not None else args[1] if len(args) > 1 else kwargs["fill_value"]
        number = bool(number) if made.dtype == torch.bool else float(number) if made.dtype.is_floating_point else int(number)
        return r.emit("full", [], result_of(made), shape=tuple(made.shape), value=plain(number), dtype=word(made.dtype))

    return form


for _name in ("zeros", "zeros_like", "new_zeros", "new_empty", "empty", "empty_like"):
    FORMS[_name] = _filled(0)
for _name in ("ones", "ones_like", "new_ones"):
    FORMS[_name] = _filled(1)
for _name in ("full", "full_like"):
    FORMS[_name] = _filled(None)


@lowers("new_full")
def _new_full(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _filled(None)(r, (None, args[2]), {}, made)


@lowers("scalar_tensor")
def _scalar(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [operand(r, args[0], made.dtype)]


@lowers("fill")
def _fill(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _filled(None)(r, (None, args[1]), {}, made)
