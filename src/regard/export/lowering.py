"""PyTorch's operations in those of a graph: fewer, without views, types that mix or results that are written over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from regard.export.trace import Recorder, Unexportable, Value, refuse_stale, word

Lowering = Callable[[Recorder, tuple[Any, ...], dict[str, Any], Any], Sequence[Value]]
_TABLE: dict[str, Lowering] = {}


def lower(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
    """Write down one of PyTorch's operations, such as `aten.add.Tensor`, that made `made`.  Unexportable for one that has no form."""
    base = name.split(".")[1]
    tensors = [t for t in (made if isinstance(made, tuple | list) else [made]) if isinstance(t, Tensor)]
    if not tensors:  # a number that Python was told, or a question about types
        return
    for given in args:
        refuse_stale(recorder, given if isinstance(given, tuple | list) else (given,))
    plain, written = base.rstrip("_") if not base.startswith("__") else base, base.endswith("_") and not base.endswith("__")
    if plain not in _TABLE:
        raise Unexportable(f"has an operation without a form in graphs, {name}")
    told = _TABLE[plain](recorder, args, {k: v for k, v in kwargs.items() if k != "out"}, made)
    out = args[0] if written else kwargs.get("out")
    if isinstance(out, Tensor):
        _write_over(recorder, out)
        recorder.bind([out], told)
    recorder.bind(tensors, told)


def _write_over(recorder: Recorder, tensor: Tensor) -> None:
    """All other tensors that share the numbers of this one no longer hold what they held."""
    place = tensor.untyped_storage().data_ptr()
    for other in recorder.kept:
        if other is not tensor and isinstance(other, Tensor) and other.untyped_storage().data_ptr() == place:
            recorder.stale.add(id(other))


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Marks the form of these operations."""

    def mark(function: Lowering) -> Lowering:
        _TABLE.update(dict.fromkeys(names, function))
        return function

    return mark


def _is(tensor: Tensor) -> tuple[torch.dtype, Sequence[int]]:
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
    return recorder.emit("full", [], (dtype, ()), shape=(), value=_plain(number), dtype=word(dtype))[0]


def _plain(number: Any) -> Any:
    """A number as JSON holds it: without infinities."""
    return str(number) if isinstance(number, float) and (number in (float("inf"), -float("inf")) or number != number) else number


def reshape(recorder: Recorder, value: Value, shape: Sequence[int]) -> Value:
    """The same numbers in another shape.  (Also where it is the same shape: it may be so at this size alone.)"""
    return recorder.emit("reshape", [value], (value.dtype, shape), shape=tuple(shape))[0]


def axis_of(axis: int, rank: int) -> int:
    return axis % rank if rank else 0


def _unary(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        return r.emit(operation, [operand(r, args[0], made.dtype)], _is(made))

    return form


def _test(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        return r.emit(operation, [r.value(args[0])], _is(made))

    return form


def _binary(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        a, b = (operand(r, x, made.dtype) for x in args[:2])
        if (alpha := kwargs.get("alpha", 1)) != 1:
            b = r.emit("mul", [b, operand(r, alpha, made.dtype)], (b.dtype, b.shape))[0]
        return r.emit(operation, [a, b], _is(made))

    return form


def _compared(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        dtype = torch.result_type(args[0], args[1])
        return r.emit(operation, [operand(r, x, dtype) for x in args[:2]], _is(made))

    return form


_UNARY = {
    "neg": "neg", "abs": "abs", "exp": "exp", "log": "log", "sqrt": "sqrt", "rsqrt": "rsqrt", "reciprocal": "reciprocal",
    "tanh": "tanh", "sigmoid": "sigmoid", "erf": "erf", "sin": "sin", "cos": "cos", "relu": "relu", "floor": "floor",
    "round": "round", "sign": "sign", "log1p": "log1p", "expm1": "expm1", "ceil": "ceil", "trunc": "trunc", "atan": "atan", "sgn": "sign",
}  # fmt: skip
_BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "maximum": "maximum", "minimum": "minimum", "pow": "pow",
    "logical_and": "and",
     "bitwise_and": "and", "logical_or": "or", "bitwise_or": "or", "logical_xor": "xor", "bitwise_xor": "xor",
    "__rshift__": "rshift", "__lshift__": "lshift", "bitwise_right_shift": "rshift",
    "remainder": "mod", "__xor__": "xor", "__and__": "and", "__or__": "or", "logaddexp": "logaddexp", "true_divide": "div",
}  # fmt: skip
_COMPARED = {"eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge"}
for _name, _operation in _UNARY.items():
    _TABLE[_name] = _unary(_operation)
for _name, _operation in _BINARY.items():
    _TABLE[_name] = _binary(_operation)
for _name, _operation in _COMPARED.items():
    _TABLE[_name] = _compared(_operation)
for _name in ("isnan", "isinf", "isfinite"):
    _TABLE[_name] = _test(_name)


@lowers("detach", "alias", "lift_fresh", "lift", "clone", "contiguous", "copy_same")
def _same(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [r.value(args[0])]


@lowers("_to_copy")
def _cast(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [cast(r, r.value(args[0]), made.dtype)]


@lowers("bitwise_not", "logical_not")
def _not(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("not", [operand(r, args[0], torch.bool)], _is(made))


@lowers("rsub")
def _rsub(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _TABLE["sub"](r, (args[1], args[0]), kwargs, made)


@lowers("div")
def _div(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    a, b = (operand(r, x, made.dtype) for x in args[:2])
    match kwargs.get("rounding_mode"):
        case "floor":
            return r.emit("floordiv", [a, b], _is(made))
        case "trunc":
            raise Unexportable("has a division that cuts towards zero")
    return r.emit("div", [a, b], _is(made))


@lowers("floor_divide")
def _floordiv(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("floordiv", [operand(r, x, made.dtype) for x in args[:2]], _is(made))


@lowers("addcmul")
def _addcmul(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    a, b = (r.value(x) for x in args[1:3])
    times = r.emit("mul", [a, b], (made.dtype, torch.broadcast_shapes(a.shape, b.shape)))[0]
    return r.emit("add", [r.value(args[0]), times], _is(made))


@lowers("lerp")
def _lerp(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    start, end, weight = r.value(args[0]), r.value(args[1]), operand(r, args[2], made.dtype)
    gap = r.emit("sub", [end, start], _is(made))[0]
    part = r.emit("mul", [weight, gap], _is(made))[0]
    return r.emit("add", [start, part], _is(made))


@lowers("gelu")
def _gelu(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """x / 2 (1 + erf(x / sqrt 2))."""
    if kwargs.get("approximate", "none") != "none":
        raise Unexportable("has an approximate gelu")
    x, like = r.value(args[0]), _is(made)
    inner = r.emit("erf", r.emit("mul", [x, operand(r, 2**-0.5, made.dtype)], like), like)[0]
    bell = r.emit("add", [inner, operand(r, 1.0, made.dtype)], like)[0]
    return r.emit("mul", [r.emit("mul", [x, operand(r, 0.5, made.dtype)], like)[0], bell], like)


@lowers("silu")
def _silu(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), _is(made)
    return r.emit("mul", [x, *r.emit("sigmoid", [x], like)], like)


@lowers("leaky_relu")
def _leaky(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), _is(made)
    slope = operand(r, args[1] if len(args) > 1 else 0.01, made.dtype)
    above = r.emit("gt", [x, operand(r, 0.0, made.dtype)], (torch.bool, x.shape))[0]
    return r.emit("where", [above, x, r.emit("mul", [x, slope], like)[0]], like)


@lowers("softplus")
def _softplus(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("logaddexp", [r.value(args[0]), operand(r, 0.0, made.dtype)], _is(made))


@lowers("log_sigmoid_forward")
def _log_sigmoid(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), _is(made[0])
    minus = r.emit("neg", [x], like)[0]
    told = r.emit("logaddexp", [minus, operand(r, 0.0, x.dtype)], like)[0]
    return [*r.emit("neg", [told], like), told]  # the second is what a backward pass would read


@lowers("clamp", "clamp_min", "clamp_max")
def _clamp(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    high = kwargs.get("max", args[2] if len(args) > 2 else None)
    value = operand(r, args[0], made.dtype)
    for operation, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            value = r.emit(operation, [value, operand(r, bound, made.dtype)], _is(made))[0]
    return [value]


@lowers("linalg_vector_norm")
def _norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """sqrt(sum x^2)."""
    if len(args) > 1 and args[1] != 2:
        raise Unexportable("has a norm other than the Euclidean one")
    x = r.value(args[0])
    square = r.emit("mul", [x, x], (x.dtype, x.shape))[0]
    axes, keeps = axes_of((None, *args[2:]), kwargs, args[0].dim())
    return r.emit("sqrt", r.emit("sum", [square], _is(made), axes=axes, keeps=keeps), _is(made))


@lowers("var")
def _variance(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """mean (x - mean x)^2, without a correction."""
    if kwargs.get("correction", 1) != 0:
        raise Unexportable("has a variance with a correction")
    x, (axes, keeps) = r.value(args[0]), axes_of(args, kwargs, args[0].dim())
    one = [1 if i in axes else size for i, size in enumerate(x.shape)]
    mean = r.emit("mean", [x], (x.dtype, one), axes=axes, keeps=True)[0]
    gap = r.emit("sub", [x, mean], (x.dtype, x.shape))[0]
    return r.emit("mean", r.emit("mul", [gap, gap], (x.dtype, x.shape)), _is(made), axes=axes, keeps=keeps)


@lowers("tril")
def _tril(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    diagonal = int(args[1]) if len(args) > 1 else int(kwargs.get("diagonal", 0))
    return r.emit("tril", [r.value(args[0])], _is(made), diagonal=diagonal)


@lowers("where")
def _where(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("where", [r.value(args[0]), *(operand(r, x, made.dtype) for x in args[1:3])], _is(made))


@lowers("masked_fill")
def _masked_fill(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("where", [r.value(args[1]), operand(r, args[2], made.dtype), r.value(args[0])], _is(made))


def axes_of(args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> tuple[tuple[int, ...], bool]:
    """Which axes a reduction takes, and whether it keeps them."""
    given = kwargs.get("dim", args[1] if len(args) > 1 else None)
    axes = range(rank) if given in (None, []) else [given] if isinstance(given, int) else given
    keeps = kwargs.get("keepdim", args[2] if len(args) > 2 else False)
    return tuple(sorted(axis_of(a, rank) for a in axes)), bool(keeps)


def _reduced(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        axes, keeps = axes_of(args, kwargs, args[0].dim())
        return r.emit(operation, [operand(r, args[0], made.dtype)], _is(made), axes=axes, keeps=keeps)

    return form


for _name in ("sum", "mean", "amax", "amin", "any", "all", "prod", "logsumexp"):
    _TABLE[_name] = _reduced(_name)


@lowers("max")
def _max(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """Of all numbers, or along an axis, with the places."""
    x = r.value(args[0])
    if isinstance(made, Tensor):
        return r.emit("amax", [x], _is(made), axes=tuple(range(args[0].dim())), keeps=False)
    axes, keeps = axes_of(args, kwargs, args[0].dim())
    values = r.emit("amax", [x], _is(made[0]), axes=axes, keeps=keeps)
    return [*values, *r.emit("argmax", [x], _is(made[1]), axis=axes[0], keeps=keeps)]


@lowers("argmax")
def _argmax(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axes, keeps = axes_of(args, kwargs, args[0].dim())
    return r.emit("argmax", [r.value(args[0])], _is(made), axis=axes[0], keeps=keeps)


def _along(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        axis = axis_of(kwargs.get("dim", args[1] if len(args) > 1 else -1), args[0].dim())
        return r.emit(operation, [operand(r, args[0], made.dtype)], _is(made), axis=axis)

    return form


for _name in ("_softmax", "_log_softmax", "softmax", "log_softmax", "cumsum", "cumprod", "logcumsumexp"):
    _TABLE[_name] = _along(_name.removeprefix("_"))


@lowers("cummax")
def _cummax(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    told = r.emit("cummax", [r.value(args[0])], _is(made[0]), axis=axis_of(args[1], args[0].dim()))
    return [*told, Value(torch.int64, tuple(made[1].shape))]  # its places are not told: who reads them is refused


@lowers("sort")
def _sort(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = kwargs.get("dim", next((a for a in args[1:] if type(a) is int), -1))
    down = kwargs.get("descending", next((a for a in reversed(args[1:]) if type(a) is bool), False))
    return r.emit("sort", [r.value(args[0])], *map(_is, made), axis=axis_of(axis, args[0].dim()), descending=bool(down))


@lowers("native_layer_norm")
def _layer_norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, shape, weight, bias, eps = args
    if len(shape) != 1 or weight is None or bias is None:
        raise Unexportable("has a layer norm over more than the last axis, or without weights")
    told = r.emit("layer_norm", [r.value(x), r.value(weight), r.value(bias)], _is(made[0]), epsilon=float(eps))
    return [*told, *(Value(t.dtype, tuple(t.shape)) for t in made[1:])]


@lowers("native_group_norm")
def _group_norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, weight, bias, _, _, _, groups, epsilon = args
    told = r.emit("group_norm", [r.value(t) for t in (x, weight, bias)], _is(made[0]), groups=int(groups), epsilon=float(epsilon))
    return [*told, *(Value(t.dtype, tuple(t.shape)) for t in made[1:])]


@lowers("mm", "bmm", "matmul", "mv", "dot")
def _matmul(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("matmul", [r.value(args[0]), r.value(args[1])], _is(made))


@lowers("addmm", "baddbmm", "addmv")
def _addmm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    if kwargs.get("alpha", 1) != 1 or kwargs.get("beta", 1) != 1:
        raise Unexportable("has a scaled product")
    product = r.emit("matmul", [r.value(args[1]), r.value(args[2])], _is(made))[0]
    return r.emit("add", [product, r.value(args[0])], _is(made))


@lowers("convolution")
def _convolution(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = args
    if transposed or groups != 1 or any(step != 1 for step in dilation):
        raise Unexportable("has a convolution other than a plain one")
    inputs = [r.value(x), r.value(weight), *([] if bias is None else [r.value(bias)])]
    return r.emit("convolution", inputs, _is(made), stride=tuple(stride), padding=tuple(padding))


@lowers("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "view_as", "_reshape_alias")
def _reshape(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [reshape(r, r.value(args[0]), made.shape)]


@lowers("unsqueeze")
def _unsqueeze(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("unsqueeze", [r.value(args[0])], _is(made), axis=axis_of(args[1], made.dim()))


@lowers("squeeze")
def _squeeze(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    if len(args) < 2 or not isinstance(args[1], int):
        return [reshape(r, r.value(args[0]), made.shape)]
    if made.dim() == args[0].dim():
        return [r.value(args[0])]
    return r.emit("squeeze", [r.value(args[0])], _is(made), axis=axis_of(args[1], args[0].dim()))


@lowers("expand", "broadcast_to", "expand_as")
def _expand(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("expand", [r.value(args[0])], _is(made), shape=tuple(made.shape))


@lowers("repeat")
def _repeat(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("tile", [r.value(args[0])], _is(made), repeats=tuple(args[1]))


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
    return r.emit("transpose", [r.value(args[0])], _is(made), order=tuple(order))


@lowers("slice")
def _slice(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis, start, stop, step = (*args[1:], *(0, None, None, 1)[len(args) - 1 :])
    start, whole = 0 if start is None else int(start), stop is None or stop > 1 << 60  # Python's x[start:]
    return _cut(r, args[0], axis_of(axis, args[0].dim()), start, None if whole else int(stop), int(step), made)


def _cut(r: Recorder, x: Tensor, axis: int, start: int, stop: int | None, step: int, made: Tensor) -> Sequence[Value]:
    if start == 0 and stop is None and step == 1:
        return [r.value(x)]
    return r.emit("slice", [r.value(x)], _is(made), axis=axis, start=start, stop=stop, step=step)


@lowers("narrow")
def _narrow(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _cut(r, args[0], axis_of(args[1], args[0].dim()), int(args[2]), int(args[2]) + int(args[3]), 1, made)


@lowers("select")
def _select(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("select", [r.value(args[0])], _is(made), axis=axis_of(args[1], args[0].dim()), index=int(args[2]))


@lowers("split", "split_with_sizes", "chunk", "unbind", "unsafe_split", "unsafe_chunk")
def _split(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, whole = args[0], made[0].dim() == args[0].dim()
    axis = axis_of(kwargs.get("dim", args[2 if whole else 1] if len(args) > (2 if whole else 1) else 0), x.dim())
    told, place = list[Value](), 0
    for i, part in enumerate(made):
        if whole:
            size = part.shape[axis]
            told += r.emit("slice", [r.value(x)], _is(part), axis=axis, start=place, stop=place + size, step=1)
            place += size
        else:
            told += r.emit("select", [r.value(x)], _is(part), axis=axis, index=i)
    return told


@lowers("cat")
def _concat(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = axis_of(args[1] if len(args) > 1 else kwargs.get("dim", 0), made.dim())
    return r.emit("concat", [operand(r, t, made.dtype) for t in args[0]], _is(made), axis=axis)


@lowers("stack")
def _stack(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = axis_of(args[1] if len(args) > 1 else kwargs.get("dim", 0), made.dim())
    shape = [s for i, s in enumerate(made.shape) if i != axis]
    one = [*shape[:axis], 1, *shape[axis:]]
    parts = [r.emit("unsqueeze", [operand(r, t, made.dtype)], (made.dtype, one), axis=axis)[0] for t in args[0]]
    return r.emit("concat", parts, _is(made), axis=axis)


@lowers("flip")
def _flip(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("flip", [r.value(args[0])], _is(made), axes=tuple(axis_of(a, made.dim()) for a in args[1]))


@lowers("constant_pad_nd")
def _pad(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, pads, value = (*args, 0.0)[:3]
    each = [(0, 0)] * x.dim()
    for i in range(len(pads) // 2):
        each[x.dim() - 1 - i] = (int(pads[2 * i]), int(pads[2 * i + 1]))
    if any(n < 0 for pair in each for n in pair):
        raise Unexportable("has padding that cuts")
    fill = operand(r, value, made.dtype)
    return r.emit("pad", [r.value(x), fill], _is(made), before=tuple(a for a, _ in each), after=tuple(b for _, b in each))


@lowers("unfold")
def _windows(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit(
        "windows", [r.value(args[0])], _is(made), axis=axis_of(args[1], args[0].dim()), size=int(args[2]), step=int(args[3])
    )


@lowers("embedding")
def _embedding(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("take", [r.value(args[0]), r.value(args[1])], _is(made), axis=0)


@lowers("index_select")
def _take(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("take", [r.value(args[0]), r.value(args[2])], _is(made), axis=axis_of(args[1], made.dim()))


@lowers("gather")
def _gather(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("gather", [r.value(args[0]), r.value(args[2])], _is(made), axis=axis_of(args[1], made.dim()))


@lowers("scatter_add")
def _scatter_add(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("scatter_add", [r.value(args[i]) for i in (0, 2, 3)], _is(made), axis=axis_of(args[1], made.dim()))


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
    return r.emit("concat", parts, _is(made), axis=axis)


@lowers("index")
def _index(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """Places on the first axes, all given: x[i, j]."""
    given = list(args[1])
    axes = [axis for axis, places in enumerate(given) if places is not None]
    if any(given[axis].dtype == torch.bool for axis in axes):
        raise Unexportable("picks by a mask")
    if len(axes) == 1:
        return r.emit("take", [r.value(args[0]), r.value(given[axes[0]])], _is(made), axis=axes[0])
    if len(axes) < len(given):
        raise Unexportable("picks by places on some axes behind others")
    return r.emit("pick", [r.value(args[0]), *map(r.value, given)], _is(made))


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
        return r.emit("full", [], _is(made), shape=tuple(made.shape), value=_plain(number), dtype=word(made.dtype))

    return form


for _name in ("zeros", "zeros_like", "new_zeros", "new_empty", "empty", "empty_like"):
    _TABLE[_name] = _filled(0)
for _name in ("ones", "ones_like", "new_ones"):
    _TABLE[_name] = _filled(1)
for _name in ("full", "full_like"):
    _TABLE[_name] = _filled(None)


@lowers("new_full")
def _new_full(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _filled(None)(r, (None, args[2]), {}, made)


@lowers("scalar_tensor")
def _scalar(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [operand(r, args[0], made.dtype)]


@lowers("fill")
def _fill(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return _filled(None)(r, (None, args[1]), {}, made)
