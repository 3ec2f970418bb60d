"""softmax(q . k) v within a band of positions, on a GPU, in Triton: tile by tile with a running maximum, forward and backward.

Dao et al. 2022, algorithms 1 and 4 (tiles, and the backward pass that makes the weights again), with tiles out of reach left out.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
import triton.language as tl
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.attention.scope import Reach

TILE = 32
NONE = 1 << 30  # no bound


def attend_band(
    query: Float[Tensor, "B H T D"],
    keys: Float[Tensor, "B H T D"],
    values: Float[Tensor, "B H T E"],
    at: Int[Tensor, "B T"],
    valid: Bool[Tensor, "B T"],
    reach: Reach,
) -> Float[Tensor, "B H T E"]:
    """The context of each query, whose own place is `at`; it sees real places up to reach[0] back and reach[1] ahead.  Zeros where there
    is none."""
    return _Banded.apply(query, keys, values, at, valid, *(NONE if math.isinf(r) else int(r) for r in reach))


class _Banded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, keys: Tensor, values: Tensor, at: Tensor, valid: Tensor, back: int, ahead: int
    ) -> Tensor:
        q, k, v = (t.contiguous() for t in (query, keys, values))
        at, seen = at.int().contiguous(), valid.to(torch.int8).contiguous()
        (B, H, T, D), E = q.shape, v.shape[-1]
        context, lse = torch.empty_like(v), q.new_empty(B, H, T, dtype=torch.float32)
        _forward[(B * H, triton.cdiv(T, TILE))](q, k, v, at, seen, context, lse, H, T, back, ahead, *_widths(D, E))
        ctx.save_for_backward(q, k, v, at, seen, context, lse)
        ctx.reach = back, ahead
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, at, seen, context, lse = ctx.saved_tensors
        (B, H, T, D), E, grad = q.shape, v.shape[-1], grad.contiguous()
        along = torch.linalg.vecdot(grad.float(), context.float()).contiguous()
        d_query, d_keys, d_values = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        given, grid = (q, k, v, at, seen, grad, lse, along), (B * H, triton.cdiv(T, TILE))
        _of_queries[grid](*given, d_query, H, T, *ctx.reach, *_widths(D, E))
        _of_keys[grid](*given, d_keys, d_values, H, T, *ctx.reach, *_widths(D, E))
        return d_query, d_keys, d_values, None, None, None, None


def _widths(D: int, E: int) -> tuple[int, ...]:
    """D, E, and the powers of two that hold them; the size of a tile."""
    return D, E, max(16, triton.next_power_of_2(D)), max(16, triton.next_power_of_2(E)), TILE


@triton.jit
def _tile(x, row, i, T, D, d):
    return tl.load(x + (row * T + i[:, None]) * D + d[None, :], mask=(i[:, None] < T) & (d[None, :] < D), other=0.0)


@triton.jit
def _sight(at, seen, batch, i, j, T, back, ahead):
    """Which of the places j each of the queries i sees.  Products with int64 rows, sums in int32."""
    mine = tl.load(at + batch * T + i, mask=i < T, other=0)
    theirs = tl.load(at + batch * T + j, mask=j < T, other=0)
    real = tl.load(seen + batch * T + j, mask=j < T, other=0) > 0
    far = theirs[None, :] - mine[:, None]
    return real[None, :] & (far <= ahead) & (-far <= back) & (i[:, None] < T)


@triton.jit
def _forward(q, k, v, at, seen, context, lse, H, T, back, ahead, D, E, BD: tl.constexpr, BE: tl.constexpr, BT: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    first = tl.program_id(1) * BT
    i, d, e = first + tl.arange(0, BT), tl.arange(0, BD), tl.arange(0, BE)
    query = _tile(q, row, i, T, D, d)
    top = tl.full((BT,), -1e38, tl.float32)
    total, held = tl.zeros((BT,), tl.float32), tl.zeros((BT, BE), tl.float32)
    begin = tl.maximum(first - back, 0) // BT * BT
    for start in range(begin, tl.minimum(first + BT + ahead, T), BT):
        j = start + tl.arange(0, BT)
        sight = _sight(at, seen, row // H, i, j, T, back, ahead)
        score = tl.where(sight, tl.dot(query, tl.trans(_tile(k, row, j, T, D, d)), input_precision="ieee"), -1e38)
        best = tl.maximum(top, tl.max(score, 1))
        weight = tl.where(sight, tl.exp(score - best[:, None]), 0.0)
        scale = tl.exp(top - best)
        values = _tile(v, row, j, T, E, e)
        total = total * scale + tl.sum(weight, 1)
        held = held * scale[:, None] + tl.dot(weight.to(values.dtype), values, input_precision="ieee")
        top = best
    some = total > 0
    one = tl.where(some, total, 1.0)
    tl.store(context + (row * T + i[:, None]) * E + e[None, :], held / one[:, None], mask=(i[:, None] < T) & (e[None, :] < E))
    tl.store(lse + row * T + i, tl.where(some, top + tl.log(one), 0.0), mask=i < T)


@triton.jit
def _weights(query, keys, sight, log_sum):
    score = tl.dot(query, tl.trans(keys), input_precision="ieee")
    return tl.where(sight, tl.exp(tl.where(sight, score - log_sum[:, None], 0.0)), 0.0)


@triton.jit
def _of_queries(
    q, k, v, at, seen, grad, lse, along, d_query, H, T, back, ahead, D, E, BD: tl.constexpr, BE: tl.constexpr, BT: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    first = tl.program_id(1) * BT
    i, d, e = first + tl.arange(0, BT), tl.arange(0, BD), tl.arange(0, BE)
    query, g = _tile(q, row, i, T, D, d), _tile(grad, row, i, T, E, e)
    log_sum = tl.load(lse + row * T + i, mask=i < T, other=0.0)
    met = tl.load(along + row * T + i, mask=i < T, other=0.0)
    held = tl.zeros((BT, BD), tl.float32)
    begin = tl.maximum(first - back, 0) // BT * BT
    for start in range(begin, tl.minimum(first + BT + ahead, T), BT):
        j = start + tl.arange(0, BT)
        keys = _tile(k, row, j, T, D, d)
        weight = _weights(query, keys, _sight(at, seen, row // H, i, j, T, back, ahead), log_sum)
        of_weight = tl.dot(g, tl.trans(_tile(v, row, j, T, E, e)), input_precision="ieee")
        held += tl.dot((weight * (of_weight - met[:, None])).to(keys.dtype), keys, input_precision="ieee")
    tl.store(d_query + (row * T + i[:, None]) * D + d[None, :], held, mask=(i[:, None] < T) & (d[None, :] < D))


@triton.jit
def _of_keys(
    q,
    k,
    v,
    at,
    seen,
    grad,
    lse,
    along,
    d_keys,
    d_values,
    H,
    T,
    back,
    ahead,
    D,
    E,
    BD: tl.constexpr,
    BE: tl.constexpr,
    BT: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    first = tl.program_id(1) * BT
    j, d, e = first + tl.arange(0, BT), tl.arange(0, BD), tl.arange(0, BE)
    keys, values = _tile(k, row, j, T, D, d), _tile(v, row, j, T, E, e)
    of_keys, of_values = tl.zeros((BT, BD), tl.float32), tl.zeros((BT, BE), tl.float32)
    begin = tl.maximum(first - ahead, 0) // BT * BT
    for start in range(begin, tl.minimum(first + BT + back, T), BT):
        i = start + tl.arange(0, BT)
        query, g = _tile(q, row, i, T, D, d), _tile(grad, row, i, T, E, e)
        log_sum = tl.load(lse + row * T + i, mask=i < T, other=0.0)
        met = tl.load(along + row * T + i, mask=i < T, other=0.0)
        weight = _weights(query, keys, _sight(at, seen, row // H, i, j, T, back, ahead), log_sum)
        of_values += tl.dot(tl.trans(weight).to(g.dtype), g, input_precision="ieee")
        slope = weight * (tl.dot(g, tl.trans(values), input_precision="ieee") - met[:, None])
        of_keys += tl.dot(tl.trans(slope).to(query.dtype), query, input_precision="ieee")
    tl.store(d_keys + (row * T + j[:, None]) * D + d[None, :], of_keys, mask=(j[:, None] < T) & (d[None, :] < D))
    tl.store(d_values + (row * T + j[:, None]) * E + e[None, :], of_values, mask=(j[:, None] < T) & (e[None, :] < E))
