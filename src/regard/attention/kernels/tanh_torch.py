"""The loops of `kernels.tanh` by torch alone: a tile of pairs at a time, in one buffer that stays near the processor."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.tanh_rows import AdditiveRows

LEAST = 1 << 20  # pairs times width: below 4 MB the plain way stays near the processor too, and goes over all rows at once
# Numbers of a tile: 2 MB, one for each of two cores; 1 MB takes 7 % (forward) and 20 % (backward) longer, 4 MB 5 % less (forward).
TILE = 1 << 19


def forward(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"]) -> Float[Tensor, "R Q K"]:
    """`sum(v) - 2 v . r`, with the r of `_tiles`."""
    rows = AdditiveRows.of(query, keys)
    scores = rows.query.new_empty(*rows.query.shape[:2], rows.keys.shape[1])
    for row, part, r in _tiles(rows):
        torch.matmul(r, v[row % len(v)], out=scores[row, part])
    return scores.mul_(-2).add_(v.sum(1).repeat(len(scores) // max(1, len(v)))[:, None, None])


def backward(
    query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"], grad: Float[Tensor, "R Q K"]
) -> tuple[Float[Tensor, "R Q D"], Float[Tensor, "R K D"], Float[Tensor, "H D"]]:
    """The slope of tanh is 4 (r - r^2), its value 1 - 2 r."""
    rows = AdditiveRows.of(query, keys)
    d_query, d_keys, d_v = torch.empty_like(rows.query), torch.zeros_like(rows.keys), torch.zeros_like(v)
    for row, part, r in _tiles(rows):
        g = grad[row, part]
        d_v[row % len(v)] += g.sum() - 2 * (g.flatten() @ r.flatten(0, 1))
        slope = torch.addcmul(r, r, r, value=-1, out=r).mul_(g[..., None])
        torch.sum(slope, 1, out=d_query[row, part])
        d_keys[row] += slope.sum(0)
    heads = 4 * v.repeat(len(d_query) // max(1, len(v)), 1)[:, None]
    return d_query.mul_(heads), d_keys.mul_(heads), d_v


def _tiles(rows: AdditiveRows) -> Iterator[tuple[int, slice, Float[Tensor, "q K D"]]]:
    """Row, queries, and r = 1 / (1 + e^{2 (q + k)}) of each pair of them and the row's keys, tanh(q + k) being 1 - 2 r; the buffer is
    the caller's until the next tile."""
    R, Q, D = rows.query.shape
    K = rows.keys.shape[1]
    step = max(1, TILE // max(1, K * D))
    near = (rows.near_query.all(1) & rows.near_keys.all(1)).tolist()
    one, buffer = rows.query.new_ones(()), rows.query.new_empty(min(step, Q), K, D)
    for row in range(R):
        for first in range(0, Q, step):
            part = slice(first, min(first + step, Q))
            tile = buffer[: part.stop - first]
            if near[row]:
                torch.addcmul(one, rows.e_query[row, part, None], rows.e_keys[row], out=tile).reciprocal_()
            else:
                torch.add(rows.query[row, part, None], rows.keys[row], out=tile).mul_(-2).sigmoid_()
            yield row, part, tile
