"""Products of a few rows with a matrix, compiled: a dot product for each row of the matrix.

For one row oneDNN reads 19 MB of weights at 7 GB/s, these loops at 32 (one core; the weights lie in its last cache).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Int8
from numba import types
from numba.extending import overload
from torch import Tensor

from regard.ground.compiled import arrays, compiled, spread, with_product

MOST = 2  # rows for which they are as fast as oneDNN or faster
LARGE = 1 << 21  # numbers of a matrix from which it comes from memory, where two threads read faster than one
F, Word = np.float32, np.int32
ONE, TINY = F(1), np.finfo(np.float32).tiny


def linear(x: Float[Tensor, "R K"], weight: Float[Tensor, "N K"], bias: Float[Tensor, "N"] | None) -> Float[Tensor, "R N"]:
    """`x W^T + b`."""
    out = x.new_empty(len(x), len(weight))
    given = arrays(x.contiguous(), weight, x.new_ones(1), x.new_zeros(1) if bias is None else bias, out)
    spread(partial(_products, *given), len(weight), weight.numel() if weight.numel() >= LARGE else 0)
    return out


def rounded(x: Float[Tensor, "R K"]) -> tuple[Int8[Tensor, "R K"], Float[Tensor, "R"]]:
    """The rows in bytes, and the step of each: `ready`, for many rows."""
    x = x.contiguous()
    whole, step = torch.empty_like(x, dtype=torch.int8), x.new_empty(len(x))
    spread(partial(_rounded, *arrays(x, whole, step)), len(x), x.numel())
    return whole, step


def scaled(
    sums: Int[Tensor, "R N"], step: Float[Tensor, "R"], scale: Float[Tensor, "N"], bias: Float[Tensor, "N"] | None
) -> Float[Tensor, "R N"]:
    """Sums of products of bytes as the numbers that they stand for."""
    out = torch.empty_like(sums, dtype=torch.float32)
    spread(partial(_scaled, *arrays(sums, step, scale, scale.new_zeros(1) if bias is None else bias, out)), len(out), out.numel())
    return out


@compiled
def _rounded(x: Any, whole: Any, step: Any, first: int, last: int) -> None:
    for r in range(first, last):
        step[r] = to_bytes(x[r], whole[r])


@compiled
def to_bytes(x: Any, room: Any) -> Any:
    """Within loops: a row in steps of a 127th of its largest number; the step."""
    most = F(0)
    for k in range(len(x)):
        most = max(most, abs(x[k]))
    step = max(most / F(127), TINY)
    for k in range(len(x)):
        room[k] = np.int8(np.rint(x[k] / step))
    return step


@compiled
def _scaled(sums: Any, step: Any, scale: Any, bias: Any, out: Any, first: int, last: int) -> None:
    for r in range(first, last):
        row, made, size = sums[r], out[r], step[r]
        if len(bias) == 1:
            for n in range(len(row)):
                made[n] = F(row[n]) * size * scale[n] + bias[0]
        else:
            for n in range(len(row)):
                made[n] = F(row[n]) * size * scale[n] + bias[n]


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
        out[n] = F(sum) * step * scale[n % len(scale)] + bias[n % len(bias)]


def ready(weight: Any, x: Any, room: Any) -> Any:
    """Within loops: a row as a matrix of float32, or of bytes, takes it, and the step of its numbers."""


def nought(weight: Any) -> Any:
    """Within loops: the empty sum."""


@overload(ready, strict=False)
def _ready(weight: Any, x: Any, room: Any) -> Any:
    def plain(weight: Any, x: Any, room: Any) -> Any:
        return x, ONE

    def rounded(weight: Any, x: Any, room: Any) -> Any:
        return room[: len(x)], to_bytes(x, room)

    return plain if weight.dtype == types.float32 else rounded


@overload(nought, strict=False)
def _nought(weight: Any) -> Any:
    return (lambda weight: F(0)) if weight.dtype == types.float32 else (lambda weight: Word(0))
