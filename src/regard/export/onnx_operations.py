"""The operations of a graph (`runtime.operations` says what each means) in those of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from regard.export.onnx_loops import LOOPS, add_log_of_sum, greatest_of
from regard.export.onnx_writer import LAST, OnnxWriter, Operand
from regard.runtime.graph import Size

OnnxForm = Callable[..., Operand | Sequence[Operand]]  # (writer, operands, attributes by name)
OneResult = Callable[..., Operand]


def _named(operation: str, dtype: str = "") -> OnnxForm:
    """An operation that ONNX has."""
    return lambda w, *x: w.add(operation, *x, dtype=dtype)


def _logical(operation: str, of_bools: str) -> OnnxForm:
    """One that ONNX has for numbers and for truths by two names."""
    return lambda w, a, b: w.add(of_bools if a.dtype == "bool" else operation, a, b)


def _compared(operation: str) -> OneResult:
    def form(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
        a, b = (w.cast(x, "int32") if x.dtype in ("bool", "int8") else x for x in (a, b))
        return w.add(operation, a, b, dtype="bool")

    return form


def _not_equal(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    return w.add("Not", _compared("Equal")(w, a, b))


def _where(w: OnnxWriter, condition: Operand, a: Operand, b: Operand) -> Operand:
    if a.dtype != "bool":
        return w.add("Where", condition, a, b, dtype=a.dtype)
    return w.add("Or", w.add("And", condition, a), w.add("And", w.add("Not", condition), b))


def _one(w: OnnxWriter, x: Operand, number: Any) -> Operand:
    return w.constant(number, x.dtype)


def _log1p(w: OnnxWriter, x: Operand) -> Operand:
    """log(1 + x); near 0, where 1 + x is rounded, log(u) x / (u - 1) with u = 1 + x (Goldberg 1991, theorem 4)."""
    u = w.add("Add", x, _one(w, x, 1))
    told = w.add("Div", w.add("Mul", w.add("Log", u), x), w.add("Sub", u, _one(w, x, 1)))
    plain = w.add("Or", w.add("Equal", u, _one(w, x, 1), dtype="bool"), w.add("IsInf", u, dtype="bool"))
    return w.add("Where", plain, x, told, dtype=x.dtype)


def _expm1(w: OnnxWriter, x: Operand) -> Operand:
    """exp(x) - 1; near 0 (u - 1) x / log(u) with u = exp(x) (Higham 2002, section 1.14.1)."""
    u = w.add("Exp", x)
    less = w.add("Sub", u, _one(w, x, 1))
    told = w.add("Div", w.add("Mul", less, x), w.add("Log", u))
    near = w.add("Where", w.add("Equal", u, _one(w, x, 1), dtype="bool"), x, told, dtype=x.dtype)
    return w.add("Where", w.add("Less", w.add("Abs", x), _one(w, x, 1), dtype="bool"), near, less, dtype=x.dtype)


def _is_finite(w: OnnxWriter, x: Operand) -> Operand:
    return w.add("Not", w.add("Or", w.add("IsNaN", x, dtype="bool"), w.add("IsInf", x, dtype="bool")))


def _modulo(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    """With the sign of the divisor."""
    if a.dtype.startswith("int"):
        return w.add("Mod", a, b)
    return w.add("Sub", a, w.add("Mul", w.add("Floor", w.add("Div", a, b)), b))


def _floor_divide(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    if a.dtype.startswith("int"):  # ONNX divides integers towards zero
        return w.add("Div", w.add("Sub", a, w.add("Mod", a, b)), b)
    return w.add("Floor", w.add("Div", a, b))


def _power_of_two(w: OnnxWriter, places: Operand) -> Operand:
    return w.add("Pow", w.constant(2, places.dtype), places)


def _shift_right(w: OnnxWriter, x: Operand, places: Operand) -> Operand:
    """BitShift is for numbers without a sign."""
    return _floor_divide(w, x, _power_of_two(w, places))


def _shift_left(w: OnnxWriter, x: Operand, places: Operand) -> Operand:
    return w.add("Mul", x, _power_of_two(w, places))


def _truncated(w: OnnxWriter, x: Operand) -> Operand:
    return w.add("Mul", w.add("Sign", x), w.add("Floor", w.add("Abs", x)))


def _reduced(operation: str) -> OneResult:
    def form(w: OnnxWriter, x: Operand, axes: Sequence[int], keeps: bool) -> Operand:
        if not axes:  # ONNX would take all
            return w.add("Identity", x)
        return w.add(operation, x, w.constant(list(axes)), rank=x.rank - (0 if keeps else len(axes)), keepdims=int(keeps))

    return form


def _squeeze(w: OnnxWriter, x: Operand, axes: Sequence[int]) -> Operand:
    return w.add("Squeeze", x, w.constant(list(axes)), rank=x.rank - len(axes))


def _any(w: OnnxWriter, x: Operand, axes: Sequence[int], keeps: bool) -> Operand:
    """By a sum: that of nothing is 0."""
    return w.cast(_reduced("ReduceSum")(w, w.cast(w.cast(x, "bool"), "int32"), axes, keeps), "bool")


def _all(w: OnnxWriter, x: Operand, axes: Sequence[int], keeps: bool) -> Operand:
    return w.add("Not", _any(w, w.add("Not", w.cast(x, "bool")), axes, keeps))


def _argmax(w: OnnxWriter, x: Operand, axis: int, keeps: bool) -> Operand:
    return w.add("ArgMax", x, dtype="int64", rank=x.rank - (not keeps), axis=axis, keepdims=int(keeps))


def _log_sum_exp(w: OnnxWriter, x: Operand, axes: Sequence[int], keeps: bool) -> Operand:
    top = _reduced("ReduceMax")(w, x, axes, True)
    top = w.add("Where", _is_finite(w, top), top, _one(w, x, 0), dtype=x.dtype)
    told = w.add("Log", _reduced("ReduceSum")(w, w.add("Exp", w.add("Sub", x, top)), axes, True))
    told = w.add("Add", told, top)
    return told if keeps or not axes else _squeeze(w, told, axes)


def _sort(w: OnnxWriter, x: Operand, axis: int, descending: bool) -> Sequence[Operand]:
    """All of the top K: what is equal stays in order, as ONNX has it."""
    results = (x.dtype, x.rank), ("int64", x.rank)
    return w.add_several("TopK", (x, w.size_of(x, axis)), results, axis=axis, largest=int(descending))


def _lower_triangle(w: OnnxWriter, x: Operand, diagonal: int) -> Operand:
    return w.add("Trilu", x, w.constant(diagonal), rank=x.rank, upper=0)


def _matmul(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    rank = max(a.rank + b.rank - 2, 0) if min(a.rank, b.rank) == 1 else max(a.rank, b.rank)
    return w.add("MatMul", a, b, rank=rank)


def _convolution(
    w: OnnxWriter, x: Operand, weight: Operand, *bias: Operand, stride: Sequence[int], padding: Sequence[int]
) -> Operand:
    return w.add("Conv", x, weight, *bias, strides=list(stride), pads=[*padding, *padding])


def _group_norm(w: OnnxWriter, x: Operand, weight: Operand, bias: Operand, groups: int, epsilon: float) -> Operand:
    """Step by step: GroupNormalization of opset 18 has a weight for each group, and is withdrawn."""
    rows = w.add("Reshape", x, w.constant([0, groups, -1]), rank=3)  # 0: as it was
    last = w.constant([2])
    centred = w.add("Sub", rows, w.add("ReduceMean", rows, last, rank=3))
    variance = w.add("ReduceMean", w.add("Mul", centred, centred), last, rank=3)
    spread = w.add("Sqrt", w.add("Add", variance, _one(w, x, epsilon)))
    made = w.add("Reshape", w.add("Div", centred, spread), w.add("Shape", x, dtype="int64", rank=1), rank=x.rank)
    if x.rank > 2:
        axes = w.constant(list(range(1, x.rank - 1)))
        weight, bias = (w.add("Unsqueeze", each, axes, rank=x.rank - 1) for each in (weight, bias))
    return w.add("Add", w.add("Mul", made, weight), bias)


def _scatter_add(w: OnnxWriter, x: Operand, places: Operand, values: Operand, axis: int) -> Operand:
    return w.add("ScatterElements", x, places, values, rank=x.rank, axis=axis, reduction="add")


def _reshape(w: OnnxWriter, x: Operand, shape: Sequence[Size]) -> Operand:
    return w.add("Reshape", x, w.sizes(shape), rank=len(shape), allowzero=1)  # otherwise 0 means "as it was"


def _tile(w: OnnxWriter, x: Operand, repeats: Sequence[Size]) -> Operand:
    if new := len(repeats) - x.rank:
        x = w.add("Unsqueeze", x, w.constant(list(range(new))), rank=len(repeats))
    return w.add("Tile", x, w.sizes(repeats))


def _slice(w: OnnxWriter, x: Operand, axis: int, start: Size, stop: Size | None, step: Size) -> Operand:
    end = w.constant([LAST]) if stop is None else w.size(stop)
    return w.add("Slice", x, w.size(start), end, w.constant([axis]), w.size(step))


def _flip(w: OnnxWriter, x: Operand, axes: Sequence[int]) -> Operand:
    ends = w.constant([-LAST] * len(axes))
    return w.add("Slice", x, w.constant([-1] * len(axes)), ends, w.constant(list(axes)), w.constant([-1] * len(axes)))


def _select(w: OnnxWriter, x: Operand, axis: int, index: Size) -> Operand:
    return w.add("Gather", x, w.number(index), rank=x.rank - 1, axis=axis)


def _pad(w: OnnxWriter, x: Operand, fill: Operand, before: Sequence[Size], after: Sequence[Size]) -> Operand:
    return w.add("Pad", x, w.sizes((*before, *after)), fill, mode="constant")


def _windows(w: OnnxWriter, x: Operand, axis: int, size: Size, step: Size) -> Operand:
    """Gathered by the places of each window, which then go to the end."""
    begins = w.add("Sub", w.size_of(x, axis), w.size(size))
    stop = w.add("Squeeze", w.add("Add", begins, w.constant([1])), w.constant([0]), rank=0)
    first = w.add("Range", w.constant(0), stop, w.number(step), rank=1)
    places = w.add("Add", w.add("Unsqueeze", first, w.constant([1]), rank=2), _arange(w, 0, size, 1))
    seen = w.add("Gather", x, places, rank=x.rank + 1, axis=axis)
    order = [i for i in range(seen.rank) if i != axis + 1]
    return w.add("Transpose", seen, perm=[*order, axis + 1])


def _take(w: OnnxWriter, x: Operand, places: Operand, axis: int) -> Operand:
    return w.add("Gather", x, places, rank=x.rank - 1 + places.rank, axis=axis)


def _pick(w: OnnxWriter, x: Operand, *places: Operand) -> Operand:
    """x[i, j]: the places of an axis in the shape of all, side by side."""
    whole = places[0]
    for other in places[1:]:
        whole = w.add("Add", whole, other)
    shape = w.add("Shape", whole, dtype="int64", rank=1)
    each = [w.add("Expand", p, shape, rank=whole.rank) for p in places]
    last = w.constant([whole.rank])
    side = w.add("Concat", *(w.add("Unsqueeze", p, last, rank=whole.rank + 1) for p in each), axis=whole.rank)
    return w.add("GatherND", x, side, rank=x.rank - len(places) + whole.rank)


def _arange(w: OnnxWriter, start: Size, stop: Size, step: Size) -> Operand:
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
        return w.constant(np.arange(start, stop, step))
    return w.add("Range", w.number(start), w.number(stop), w.number(step), rank=1)


def _full(w: OnnxWriter, shape: Sequence[Size], value: Any, dtype: str) -> Operand:
    filled = w.cast(w.number(value), dtype) if isinstance(value, tuple) else w.constant(_number(value), dtype)
    return w.add("Expand", filled, w.sizes(shape), rank=len(shape)) if shape else filled


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _cumulated(w: OnnxWriter, x: Operand, axis: int) -> Operand:
    return w.add("CumSum", x, w.constant(axis))


OPERATIONS: Mapping[str, OnnxForm] = {
    **{name: _named(name.capitalize()) for name in ("abs", "exp", "log", "sqrt", "tanh", "sin", "cos", "sign", "floor", "ceil")},
    **{name: _named(name.capitalize()) for name in ("neg", "reciprocal", "round", "atan", "sigmoid", "erf", "relu", "not", "pow")},
    "log1p": _log1p, "expm1": _expm1, "trunc": _truncated, "rsqrt": lambda w, x: w.add("Reciprocal", w.add("Sqrt", x)),
    "isnan": _named("IsNaN", "bool"), "isinf": _named("IsInf", "bool"), "isfinite": _is_finite,
    "maximum": greatest_of, "minimum": _logical("Min", "And"), "logaddexp": add_log_of_sum, "where": _where, "matmul": _matmul,
    "add": _logical("Add", "Or"), "sub": _named("Sub"), "mul": _logical("Mul", "And"), "div": _named("Div"),
    "floordiv": _floor_divide, "mod": _modulo, "eq": _compared("Equal"), "ne": _not_equal, "lt": _compared("Less"),
    "le": _compared("LessOrEqual"), "gt": _compared("Greater"), "ge": _compared("GreaterOrEqual"),
    "and": _logical("BitwiseAnd", "And"), "or": _logical("BitwiseOr", "Or"), "xor": _logical("BitwiseXor", "Xor"),
    "rshift": _shift_right, "lshift": _shift_left,
    "tril": _lower_triangle,
    "sum": _reduced("ReduceSum"), "mean": _reduced("ReduceMean"), "amax": _reduced("ReduceMax"), "amin": _reduced("ReduceMin"),
    "prod": _reduced("ReduceProd"), "any": _any, "all": _all, "argmax": _argmax, "logsumexp": _log_sum_exp,
    "softmax": lambda w, x, axis: w.add("Softmax", x, axis=axis),
    "log_softmax": lambda w, x, axis: w.add("LogSoftmax", x, axis=axis),
    "layer_norm": lambda w, x, weight, bias, epsilon: w.add("LayerNormalization", x, weight, bias, epsilon=epsilon),
    "group_norm": _group_norm, "scatter_add": _scatter_add, "sort": _sort, "convolution": _convolution, "cumsum": _cumulated,
    "reshape": _reshape, "expand": lambda w, x, shape: w.add("Expand", x, w.sizes(shape), rank=len(shape)), "tile": _tile,
    "transpose": lambda w, x, order: w.add("Transpose", x, perm=list(order)),
    "unsqueeze": lambda w, x, axis: w.add("Unsqueeze", x, w.constant([axis]), rank=x.rank + 1),
    "squeeze": lambda w, x, axis: _squeeze(w, x, [axis]),
    "slice": _slice, "select": _select, "concat": lambda w, *x, axis: w.add("Concat", *x, axis=axis), "flip": _flip,
    "pad": _pad, "windows": _windows, "take": _take, "pick": _pick,
    "gather": lambda w, x, places, axis: w.add("GatherElements", x, places, rank=places.rank, axis=axis),
    "cast": lambda w, x, dtype: w.cast(x, dtype), "arange": _arange, "full": _full, **LOOPS,
}  # fmt: skip
