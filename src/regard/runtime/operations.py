"""The operations of a graph, in numpy.  Each takes arrays, then attributes by name, and gives an array or a tuple of them.

Inputs of arithmetic and comparisons have one type; what is written for one is true of any size, 0 included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import erf as _erf
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray
Operation = Callable[..., Any]
LARGEST = 1 << 27  # numbers of an array that is made of sizes alone: a folder of anybody's cannot ask for more


def _shaped(shape: Sequence[int]) -> tuple[int, ...]:
    if prod(shape) > LARGEST:
        raise MemoryError(f"an array of {prod(shape):,} numbers")
    return tuple(shape)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by tanh: without an overflow."""
    half = x.dtype.type(0.5)
    return np.tanh(x * half) * half + half


def erf(x: Array) -> Array:
    """The error function, in float64 within: numpy has none."""
    return np.asarray(np.frompyfunc(_erf, 1, 1)(x.astype(np.float64)), x.dtype)


def group_norm(x: Array, weight: Array, bias: Array, groups: int, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon), over the channels of each group and all places of "B C ..."; then each channel's weight and
    bias."""
    rows = x.reshape(x.shape[0], groups, -1)
    centred = rows - rows.mean(-1, keepdims=True)
    made = centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + x.dtype.type(epsilon))
    each = (slice(None), *(None,) * (x.ndim - 2))
    return made.reshape(x.shape) * weight[each] + bias[each]


def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum exp(x)."""
    if not x.shape[axis]:
        return x
    made = np.exp(x - x.max(axis, keepdims=True))
    made /= made.sum(axis, keepdims=True)
    return made


def log_softmax(x: Array, axis: int) -> Array:
    """x - log sum exp(x)."""
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def logsumexp(x: Array, axes: Sequence[int], keeps: bool) -> Array:
    """log sum exp(x); -inf of nothing but -inf."""
    top = x.max(tuple(axes), keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    with np.errstate(divide="ignore"):
        told = np.log(np.exp(x - top).sum(tuple(axes), keepdims=True)) + top
    return told if keeps else told.squeeze(tuple(axes))


def logcumsumexp(x: Array, axis: int) -> Array:
    """log of the sum of exp(x) up to each place."""
    return np.logaddexp.accumulate(x, axis)


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias, over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    spread = np.square(centred).mean(-1, keepdims=True)
    spread += x.dtype.type(epsilon)
    np.sqrt(spread, out=spread)
    centred /= spread
    centred *= weight
    centred += bias
    return centred


def sort(x: Array, axis: int, descending: bool) -> tuple[Array, Array]:
    """Values and their places; what is equal stays in order."""
    places = np.argsort(-x if descending else x, axis=axis, kind="stable")
    return np.take_along_axis(x, places, axis), places


def convolution(x: Array, weight: Array, *bias: Array, stride: Sequence[int], padding: Sequence[int]) -> Array:
    """Of "B C L ..." with "E C W ...": "B E M ..."."""
    axes = tuple(range(2, x.ndim))
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=axes)  # B C M ... W ...
    seen = seen[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]
    made = np.tensordot(seen, weight, ((1, *range(x.ndim, seen.ndim)), tuple(range(1, weight.ndim))))  # B M ... E
    return np.moveaxis(made + bias[0] if bias else made, -1, 1)


def gru(x: Array, h: Array, wx: Array, wh: Array, bx: Array, bh: Array) -> tuple[Array, Array]:
    """`r, z = sigmoid(W x + b + U h + c); n = tanh(W x + b + r * (U h + c)); h' = (1 - z) * n + z * h`, PyTorch's order of gates.
    x: "B T I", h: "B D"; all states, "B T D", and the last."""
    turned = np.ascontiguousarray(wh.T)
    return _gru(x @ wx.T + bx, h, lambda h: h @ turned + bh)


def _gru(said: Array, h: Array, inner_of: Callable[[Array], Array]) -> tuple[Array, Array]:
    wide, states = 2 * h.shape[1], np.empty((*said.shape[:2], h.shape[1]), said.dtype)
    for t in range(said.shape[1]):
        inner = inner_of(h)
        gates = sigmoid(said[:, t, :wide] + inner[:, :wide])
        r, z = gates[:, : wide // 2], gates[:, wide // 2 :]
        n = np.tanh(said[:, t, wide:] + r * inner[:, wide:])
        h = n + z * (h - n)
        states[:, t] = h
    return states, h


def lstm(x: Array, h: Array, c: Array, wx: Array, wh: Array, bx: Array, bh: Array) -> tuple[Array, Array, Array]:
    """`i, f, o = sigmoid(W x + b + U h + c); c' = f * c + i * tanh(...); h' = o * tanh(c')`, PyTorch's order of gates: i, f, g, o."""
    turned = np.ascontiguousarray(wh.T)
    return _lstm(x @ wx.T + bx, h, c, lambda h: h @ turned + bh)


def _lstm(said: Array, h: Array, c: Array, inner_of: Callable[[Array], Array]) -> tuple[Array, Array, Array]:
    size, states = h.shape[1], np.empty((*said.shape[:2], h.shape[1]), said.dtype)
    for t in range(said.shape[1]):
        gates = inner_of(h)
        gates += said[:, t]
        i, f, o = (sigmoid(gates[:, k * size : (k + 1) * size]) for k in (0, 1, 3))
        c = f * c + i * np.tanh(gates[:, 2 * size : 3 * size])
        h = o * np.tanh(c)
        states[:, t] = h
    return states, h, c


def rnn_tanh(x: Array, h: Array, wx: Array, wh: Array, bx: Array, bh: Array) -> tuple[Array, Array]:
    """`h' = tanh(W x + b + U h + c)`."""
    return _rnn_tanh(x @ wx.T + bx, h, lambda h: h @ wh.T + bh)


def _rnn_tanh(said: Array, h: Array, inner_of: Callable[[Array], Array]) -> tuple[Array, Array]:
    states = np.empty((*said.shape[:2], h.shape[1]), said.dtype)
    for t in range(said.shape[1]):
        h = np.tanh(said[:, t] + inner_of(h))
        states[:, t] = h
    return states, h


def linear_bytes(x: Array, q: Array, scale: Array) -> Array:
    """x W^T, the rows of W in bytes, "N K", each with the scale of its unit; each row of x is rounded to 127ths of its largest number.

    Dynamic quantisation as in Jacob et al. 2018, section 2, with zero points at 0.  Products of bytes are summed exactly: those of 1,024
    are below 2^24, which float32 counts to.
    """
    top = np.abs(x).max(-1, keepdims=True, initial=0.0)
    read = np.rint(x * np.where(top > 0, np.float32(127) / np.where(top > 0, top, np.float32(1)), np.float32(0)))
    read[~(np.abs(read) <= 127)] = 0
    whole: Array = np.zeros((*x.shape[:-1], len(q)), np.float64)
    for at in range(0, q.shape[1], 1024):
        whole += read[..., at : at + 1024] @ q[:, at : at + 1024].T.astype(np.float32)
    return whole.astype(np.float32) * (top / np.float32(127) * scale)


def gru_bytes(x: Array, h: Array, wx: Array, sx: Array, wh: Array, sh: Array, bx: Array, bh: Array) -> tuple[Array, Array]:
    """`gru`, its products as in `linear_bytes`."""
    return _gru(linear_bytes(x, wx, sx) + bx, h, lambda h: linear_bytes(h, wh, sh) + bh)


def lstm_bytes(
    x: Array, h: Array, c: Array, wx: Array, sx: Array, wh: Array, sh: Array, bx: Array, bh: Array
) -> tuple[Array, Array, Array]:
    """`lstm`, its products as in `linear_bytes`."""
    return _lstm(linear_bytes(x, wx, sx) + bx, h, c, lambda h: linear_bytes(h, wh, sh) + bh)


def rnn_tanh_bytes(x: Array, h: Array, wx: Array, sx: Array, wh: Array, sh: Array, bx: Array, bh: Array) -> tuple[Array, Array]:
    """`rnn_tanh`, its products as in `linear_bytes`."""
    return _rnn_tanh(linear_bytes(x, wx, sx) + bx, h, lambda h: linear_bytes(h, wh, sh) + bh)


def _reduced(function: Callable[..., Array]) -> Operation:
    return lambda x, axes, keeps: function(x, axis=tuple(axes), keepdims=keeps)


def _summed(x: Array, axes: Sequence[int], keeps: bool) -> Array:
    return x.sum(axis=tuple(axes), keepdims=keeps, dtype=x.dtype)


def _argmax(x: Array, axis: int, keeps: bool) -> Array:
    return x.argmax(axis, keepdims=keeps)


def _slice(x: Array, axis: int, start: int, stop: int | None, step: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


def _select(x: Array, axis: int, index: int) -> Array:
    return x[(slice(None),) * axis + (index,)]


def _scatter_add(x: Array, places: Array, values: Array, axis: int) -> Array:
    """x, with each value added at its place along the axis."""
    made = x.copy()
    index: list[Any] = list(np.indices(places.shape, sparse=True))
    index[axis] = places
    np.add.at(made, tuple(index), values)
    return made


def _full(shape: Sequence[int], value: Any, dtype: str) -> Array:
    return np.full(_shaped(shape), float(value) if isinstance(value, str) else value, dtype=dtype)


def _arange(start: int, stop: int, step: int) -> Array:
    _shaped([(stop - start) // step])
    return np.arange(start, stop, step, dtype=np.int64)


def _pad(x: Array, fill: Array, before: Sequence[int], after: Sequence[int]) -> Array:
    made = np.full(_shaped([a + s + b for a, s, b in zip(before, x.shape, after, strict=True)]), fill, dtype=x.dtype)
    made[tuple(slice(a, a + s) for a, s in zip(before, x.shape, strict=True))] = x
    return made


def _windows(x: Array, axis: int, size: int, step: int) -> Array:
    seen = np.lib.stride_tricks.sliding_window_view(x, size, axis=axis)
    return seen[(slice(None),) * axis + (slice(None, None, step),)]


def _reciprocal(x: Array) -> Array:
    return x.dtype.type(1) / x


OPERATIONS: Mapping[str, Operation] = {
    **{name: getattr(np, name) for name in ("abs", "exp", "log", "log1p", "expm1", "sqrt", "tanh", "sin", "cos", "sign")},
    **{name: getattr(np, name) for name in ("floor", "ceil", "trunc", "isnan", "isinf", "isfinite")},
    **{name: getattr(np, name) for name in ("maximum", "minimum", "logaddexp", "where", "matmul")},
    "neg": np.negative, "rsqrt": lambda x: _reciprocal(np.sqrt(x)), "reciprocal": _reciprocal, "round": np.rint, "atan": np.arctan,
    "sigmoid": sigmoid, "erf": erf, "relu": lambda x: np.maximum(x, x.dtype.type(0)), "not": np.logical_not,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floordiv": np.floor_divide, "mod": np.mod, "pow": np.power,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "rshift": np.right_shift, "lshift": np.left_shift, "tril": lambda x, diagonal: np.tril(x, diagonal),
    "sum": _summed, "mean": _reduced(np.mean), "amax": _reduced(np.max), "amin": _reduced(np.min), "prod": _reduced(np.prod),
    "any": _reduced(np.any), "all": _reduced(np.all), "argmax": _argmax, "logsumexp": logsumexp,
    "softmax": softmax, "log_softmax": log_softmax, "layer_norm": layer_norm, "group_norm": group_norm,
    "sort": sort, "convolution": convolution,
    "cumsum": lambda x, axis: x.cumsum(axis, dtype=x.dtype), "cumprod": lambda x, axis: x.cumprod(axis, dtype=x.dtype),
    "cummax": np.maximum.accumulate, "logcumsumexp": logcumsumexp, "gru": gru, "lstm": lstm, "rnn_tanh": rnn_tanh,
    "linear_bytes": linear_bytes, "gru_bytes": gru_bytes, "lstm_bytes": lstm_bytes, "rnn_tanh_bytes": rnn_tanh_bytes,
    "reshape": lambda x, shape: x.reshape(shape), "expand": lambda x, shape: np.broadcast_to(x, _shaped(shape)),
    "tile": lambda x, repeats: np.tile(x, repeats), "transpose": lambda x, order: x.transpose(order),
    "unsqueeze": lambda x, axis: np.expand_dims(x, axis), "squeeze": lambda x, axis: x.squeeze(axis),
    "slice": _slice, "select": _select, "concat": lambda *x, axis: np.concatenate(x, axis), "flip": lambda x, axes: np.flip(x, axes),
    "pad": _pad, "windows": _windows, "take": lambda x, places, axis: x.take(places, axis),
    "gather": lambda x, places, axis: np.take_along_axis(x, places, axis), "scatter_add": _scatter_add,
    "pick": lambda x, *places: x[places],
    "cast": lambda x, dtype: x.astype(dtype), "arange": _arange, "full": _full,
}  # fmt: skip
