"""PyTorch's arithmetic, comparisons, sums and products in the operations of a graph: without types that mix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from regard.export.forms import FORMS, Lowering, cast, lowers, operand, result_of
from regard.export.recorder import Recorder, Unexportable, Value


def _unary(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        return r.emit(operation, [operand(r, args[0], made.dtype)], result_of(made))

    return form


def _test(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        return r.emit(operation, [r.value(args[0])], result_of(made))

    return form


def _binary(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        a, b = (operand(r, x, made.dtype) for x in args[:2])
        if (alpha := kwargs.get("alpha", 1)) != 1:
            b = r.emit("mul", [b, operand(r, alpha, made.dtype)], (b.dtype, b.shape))[0]
        return r.emit(operation, [a, b], result_of(made))

    return form


def _compared(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        dtype = torch.result_type(args[0], args[1])
        return r.emit(operation, [operand(r, x, dtype) for x in args[:2]], result_of(made))

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
    FORMS[_name] = _unary(_operation)
for _name, _operation in _BINARY.items():
    FORMS[_name] = _binary(_operation)
for _name, _operation in _COMPARED.items():
    FORMS[_name] = _compared(_operation)
for _name in ("isnan", "isinf", "isfinite"):
    FORMS[_name] = _test(_name)


@lowers("detach", "alias", "lift_fresh", "lift", "clone", "contiguous", "copy_same")
def _same(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [r.value(args[0])]


@lowers("_to_copy")
def _cast(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return [cast(r, r.value(args[0]), made.dtype)]


@lowers("bitwise_not", "logical_not")
def _not(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("not", [operand(r, args[0], torch.bool)], result_of(made))


@lowers("rsub")
def _rsub(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return FORMS["sub"](r, (args[1], args[0]), kwargs, made)


@lowers("div")
def _div(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    a, b = (operand(r, x, made.dtype) for x in args[:2])
    match kwargs.get("rounding_mode"):
        case "floor":
            return r.emit("floordiv", [a, b], result_of(made))
        case "trunc":
            raise Unexportable("has a division that cuts towards zero")
    return r.emit("div", [a, b], result_of(made))


@lowers("floor_divide")
def _floordiv(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("floordiv", [operand(r, x, made.dtype) for x in args[:2]], result_of(made))


@lowers("addcmul")
def _addcmul(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    a, b = (r.value(x) for x in args[1:3])
    times = r.emit("mul", [a, b], (made.dtype, torch.broadcast_shapes(a.shape, b.shape)))[0]
    return r.emit("add", [r.value(args[0]), times], result_of(made))


@lowers("lerp")
def _lerp(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    start, end, weight = r.value(args[0]), r.value(args[1]), operand(r, args[2], made.dtype)
    gap = r.emit("sub", [end, start], result_of(made))[0]
    part = r.emit("mul", [weight, gap], result_of(made))[0]
    return r.emit("add", [start, part], result_of(made))


@lowers("gelu")
def _gelu(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """x / 2 (1 + erf(x / sqrt 2))."""
    if kwargs.get("approximate", "none") != "none":
        raise Unexportable("has an approximate gelu")
    x, like = r.value(args[0]), result_of(made)
    inner = r.emit("erf", r.emit("mul", [x, operand(r, 2**-0.5, made.dtype)], like), like)[0]
    bell = r.emit("add", [inner, operand(r, 1.0, made.dtype)], like)[0]
    return r.emit("mul", [r.emit("mul", [x, operand(r, 0.5, made.dtype)], like)[0], bell], like)


@lowers("silu")
def _silu(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), result_of(made)
    return r.emit("mul", [x, *r.emit("sigmoid", [x], like)], like)


@lowers("leaky_relu")
def _leaky(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), result_of(made)
    slope = operand(r, args[1] if len(args) > 1 else 0.01, made.dtype)
    above = r.emit("gt", [x, operand(r, 0.0, made.dtype)], (torch.bool, x.shape))[0]
    return r.emit("where", [above, x, r.emit("mul", [x, slope], like)[0]], like)


@lowers("softplus")
def _softplus(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("logaddexp", [r.value(args[0]), operand(r, 0.0, made.dtype)], result_of(made))


@lowers("log_sigmoid_forward")
def _log_sigmoid(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, like = r.value(args[0]), result_of(made[0])
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
            value = r.emit(operation, [value, operand(r, bound, made.dtype)], result_of(made))[0]
    return [value]


@lowers("tril")
def _tril(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    diagonal = int(args[1]) if len(args) > 1 else int(kwargs.get("diagonal", 0))
    return r.emit("tril", [r.value(args[0])], result_of(made), diagonal=diagonal)


@lowers("where")
def _where(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("where", [r.value(args[0]), *(operand(r, x, made.dtype) for x in args[1:3])], result_of(made))


@lowers("masked_fill")
def _masked_fill(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("where", [r.value(args[1]), operand(r, args[2], made.dtype), r.value(args[0])], result_of(made))
