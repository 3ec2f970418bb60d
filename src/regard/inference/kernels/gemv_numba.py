"""Products of a few rows with a matrix, compiled: a dot product for each row of the matrix.

For one row oneDNN reads 19 MB of weights at 7 GB/s, these loops at 32 (one core; the weights lie in its last cache).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int8
from numba import types
from numba.extending import overload
from torch import Tensor

from regard.core.numba_loops import arrays, bits, compiled, number, scaled, with_product
from regard.core.parallel import spread

MOST = 2  # rows for which they are as fast as oneDNN or faster
LARGE = 1 << 23  # bytes of a matrix from which it comes from memory, where two threads read faster than one
F, Word = np.float32, np.int32
ONE, TINY = F(1), np.finfo(np.float32).tiny
SIZE = Word(0x7FFFFFFF)  # all bits but the sign


def linear(
    x: Float[Tensor, "R K"],
    weight: Float[Tensor, "N K"] | Int8[Tensor, "N K"],
    bias: Float[Tensor, " N"] | None,
    scale: Float[Tensor, " N"] | None = None,
) -> Float[Tensor, "R N"]:
    """`x W^T + b`.  scale: of each row of a matrix in bytes."""
    out = x.new_empty(len(x), len(weight))
    scale, bias = (x.new_ones(1) if scale is None else scale), (x.new_zeros(1) if bias is None else bias)
    bytes_ = weight.numel() * weight.element_size()
    spread(_products, arrays(x.contiguous(), weight, scale, bias, out), len(weight), bytes_ if bytes_ >= LARGE else 0)
    return out


def by_bytes(
    x: Float[Tensor, "R K"], sums_of: Callable[[Tensor], Tensor], scale: Float[Tensor, " N"], bias: Float[Tensor, " N"] | None
) -> Float[Tensor, "R N"]:
    """`x W^T + b` of many rows, which are rounded to bytes first, each in steps of its own.

    sums_of: from such rows to the sums of the products of their bytes with those of W.  scale: of the rows of W.
    """
    (given,) = arrays(x.contiguous())
    whole, step = np.empty(given.shape, np.int8), np.empty(len(given), F)
    spread(_rounded, (given, whole, step), len(given), given.size)
    (sums,) = arrays(sums_of(torch.from_numpy(whole)))
    out = np.empty(sums.shape, F)
    beside = arrays(scale, scale.new_zeros(1) if bias is None else bias)
    spread(_scaled, (sums, step, *beside, out), len(out), out.size // 4)  # 0.3 ns each
    return torch.from_numpy(out)


@compiled
def _rounded(x: Any, whole: Any, step: Any, first: int, last: int) -> None:
    for r in range(first, last):
        step[r] = to_bytes(x[r], whole[r], Word(0))


@compiled
def to_bytes(x: Any, room: Any, above: Any) -> Any:
    """Within loops: a row in steps of a 127th of its largest number, `above` added to each; the step."""
    most = Word(0)
    for k in range(len(x)):  # numbers without a sign are ordered as their bits are, which are compared many at a time
        most = max(most, Word(bits(x[k]) & SIZE))
    step = max(number(most) / F(127), TINY)
    steps = ONE / step  # by hand: the compiler would do so in some loops and not in others, which round otherwise
    for k in range(len(x)):
        room[k] = Word(np.rint(x[k] * steps)) + above
    return step


@compiled
def _scaled(sums: Any, step: Any, scale: Any, bias: Any, out: Any, first: int, last: int) -> None:
    for r in range(first, last):
        row, made, size = sums[r], out[r], step[r]
        if len(bias) == 1:
            for n in range(len(row)):
                made[n] = scaled(row[n], size, scale[n], bias[0])
        else:
            for n in range(len(row)):
                made[n] = scaled(row[n], size, scale[n], bias[n])


@compiled
def _products(x: Any, weight: Any, scale: Any, bias: Any, out: Any, first: int, last: int) -> None:
    """The rows `first` to `last` of the matrix, with all of x."""
    room = np.empty(x.shape[1], np.int8)
    for r in range(len(x)):
        product(weight, scale, bias, x[r], out[r], room, first, last)


@compiled
def product(weight: Any, scale: Any, bias: Any, x: Any, out: Any, room: Any, first: int, last: int) -> None:
    """Within loops: one row, with the rows `first` to `last` of the matrix.

    scale, bias: one of each row of the matrix, or one for all.  room: of bytes, as wide as x.
    """
    K = weight.shape[1]
    row, step = ready(weight, x, room)
    for n in range(first, last):
        w, sum = weight[n], nought(weight)
        for k in range(K):
            sum = with_product(sum, w[k], row[k])
        out[n] = scaled(sum, step, scale[n % len(scale)], bias[n % len(bias)])


def ready(weight: Any, x: Any, room: Any) -> Any:
    """Within loops: a row as a matrix of float32, or of bytes, takes it, and the step of its numbers."""


def nought(weight: Any) -> Any:
    """Within loops: the empty sum."""


@overload(ready, strict=False)
def _ready(weight: Any, x: Any, room: Any) -> Any:
    def plain(weight: Any, x: Any, room: Any) -> Any:
        return x, ONE

    def rounded(weight: Any, x: Any, room: Any) -> Any:
        return room[: len(x)], to_bytes(x, room, Word(0))

    return plain if weight.dtype == types.float32 else rounded


@overload(nought, strict=False)
def _nought(weight: Any) -> Any:
    return (lambda weight: F(0)) if weight.dtype == types.float32 else (lambda weight: Word(0))
