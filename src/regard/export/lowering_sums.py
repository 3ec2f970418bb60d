"""PyTorch's sums, norms, products and sorts in the operations of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from regard.export.forms import FORMS, Lowering, axis_of, lowers, operand, result_of
from regard.export.recorder import Recorder, Unexportable, Value


def axes_of(args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> tuple[tuple[int, ...], bool]:
    """Which axes a reduction takes, and whether it keeps them."""
    given = kwargs.get("dim", args[1] if len(args) > 1 else None)
    axes = range(rank) if given in (None, []) else [given] if isinstance(given, int) else given
    keeps = kwargs.get("keepdim", args[2] if len(args) > 2 else False)
    return tuple(sorted(axis_of(a, rank) for a in axes)), bool(keeps)


def _reduced(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        axes, keeps = axes_of(args, kwargs, args[0].dim())
        return r.emit(operation, [operand(r, args[0], made.dtype)], result_of(made), axes=axes, keeps=keeps)

    return form


for _name in ("sum", "mean", "amax", "amin", "any", "all", "prod", "logsumexp"):
    FORMS[_name] = _reduced(_name)


@lowers("max")
def _max(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """Of all numbers, or along an axis, with the places."""
    x = r.value(args[0])
    if isinstance(made, Tensor):
        return r.emit("amax", [x], result_of(made), axes=tuple(range(args[0].dim())), keeps=False)
    axes, keeps = axes_of(args, kwargs, args[0].dim())
    values = r.emit("amax", [x], result_of(made[0]), axes=axes, keeps=keeps)
    return [*values, *r.emit("argmax", [x], result_of(made[1]), axis=axes[0], keeps=keeps)]


@lowers("argmax")
def _argmax(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axes, keeps = axes_of(args, kwargs, args[0].dim())
    return r.emit("argmax", [r.value(args[0])], result_of(made), axis=axes[0], keeps=keeps)


def _along(operation: str) -> Lowering:
    def form(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
        axis = axis_of(kwargs.get("dim", args[1] if len(args) > 1 else -1), args[0].dim())
        return r.emit(operation, [operand(r, args[0], made.dtype)], result_of(made), axis=axis)

    return form


for _name in ("_softmax", "_log_softmax", "softmax", "log_softmax", "cumsum", "cumprod", "logcumsumexp"):
    FORMS[_name] = _along(_name.removeprefix("_"))


@lowers("cummax")
def _cummax(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    told = r.emit("cummax", [r.value(args[0])], result_of(made[0]), axis=axis_of(args[1], args[0].dim()))
    return [*told, Value(torch.int64, tuple(made[1].shape))]  # its places are not told: who reads them is refused


@lowers("sort")
def _sort(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    axis = kwargs.get("dim", next((a for a in args[1:] if type(a) is int), -1))
    down = kwargs.get("descending", next((a for a in reversed(args[1:]) if type(a) is bool), False))
    return r.emit("sort", [r.value(args[0])], *map(result_of, made), axis=axis_of(axis, args[0].dim()), descending=bool(down))


@lowers("native_layer_norm")
def _layer_norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, shape, weight, bias, eps = args
    if len(shape) != 1 or weight is None or bias is None:
        raise Unexportable("has a layer norm over more than the last axis, or without weights")
    told = r.emit("layer_norm", [r.value(x), r.value(weight), r.value(bias)], result_of(made[0]), epsilon=float(eps))
    return [*told, *(Value(t.dtype, tuple(t.shape)) for t in made[1:])]


@lowers("native_group_norm")
def _group_norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, weight, bias, _, _, _, groups, epsilon = args
    told = r.emit(
        "group_norm", [r.value(t) for t in (x, weight, bias)], result_of(made[0]), groups=int(groups), epsilon=float(epsilon)
    )
    return [*told, *(Value(t.dtype, tuple(t.shape)) for t in made[1:])]


@lowers("mm", "bmm", "matmul", "mv", "dot")
def _matmul(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    return r.emit("matmul", [r.value(args[0]), r.value(args[1])], result_of(made))


@lowers("addmm", "baddbmm", "addmv")
def _addmm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    if kwargs.get("alpha", 1) != 1 or kwargs.get("beta", 1) != 1:
        raise Unexportable("has a scaled product")
    product = r.emit("matmul", [r.value(args[1]), r.value(args[2])], result_of(made))[0]
    return r.emit("add", [product, r.value(args[0])], result_of(made))


@lowers("convolution")
def _convolution(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = args
    if transposed or groups != 1 or any(step != 1 for step in dilation):
        raise Unexportable("has a convolution other than a plain one")
    inputs = [r.value(x), r.value(weight), *([] if bias is None else [r.value(bias)])]
    return r.emit("convolution", inputs, result_of(made), stride=tuple(stride), padding=tuple(padding))


@lowers("linalg_vector_norm")
def _norm(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """sqrt(sum x^2)."""
    if len(args) > 1 and args[1] != 2:
        raise Unexportable("has a norm other than the Euclidean one")
    x = r.value(args[0])
    square = r.emit("mul", [x, x], (x.dtype, x.shape))[0]
    axes, keeps = axes_of((None, *args[2:]), kwargs, args[0].dim())
    return r.emit("sqrt", r.emit("sum", [square], result_of(made), axes=axes, keeps=keeps), result_of(made))


@lowers("var")
def _variance(r: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Sequence[Value]:
    """mean (x - mean x)^2, without a correction."""
    if kwargs.get("correction", 1) != 0:
        raise Unexportable("has a variance with a correction")
    x, (axes, keeps) = r.value(args[0]), axes_of(args, kwargs, args[0].dim())
    one = [1 if i in axes else size for i, size in enumerate(x.shape)]
    mean = r.emit("mean", [x], (x.dtype, one), axes=axes, keeps=True)[0]
    gap = r.emit("sub", [x, mean], (x.dtype, x.shape))[0]
    return r.emit("mean", r.emit("mul", [gap, gap], (x.dtype, x.shape)), result_of(made), axes=axes, keeps=keeps)
