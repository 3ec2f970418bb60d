"""The loops of `kernels.tanh` on a GPU, in Triton: a tile of pairs stays in registers while the width goes by.

Widths lie outermost, so that neighbouring threads read neighbouring numbers.  Sums over queries or keys are made by one program each, so
that no sum depends on which program comes first.
"""

from __future__ import annotations

import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

LEAST = 0
TILE = 32  # queries, and keys, of a tile


def forward(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"]) -> Float[Tensor, "R Q K"]:
    (R, Q, D), K = query.shape, keys.shape[1]
    scores = query.new_empty(R, Q, K)
    if scores.numel():
        grid = (R, triton.cdiv(Q, TILE), triton.cdiv(K, TILE))
        _forward[grid](_outermost(query), _outermost(keys), v, scores, len(v), Q, K, D, TILE)
    return scores


def backward(
    query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"], grad: Float[Tensor, "R Q K"]
) -> tuple[Float[Tensor, "R Q D"], Float[Tensor, "R K D"], Float[Tensor, "H D"]]:
    (R, Q, D), K, H = query.shape, keys.shape[1], len(v)
    parts = triton.cdiv(Q, TILE)
    d_query, d_keys, d_v = query.new_zeros(R, D, Q), keys.new_zeros(R, D, K), v.new_zeros(R, parts, D)
    if grad.numel():
        q, k = _outermost(query), _outermost(keys)
        _backward[(R, parts)](q, k, v, grad, K, 1, d_query, d_v, H, Q, K, D, TILE, True)
        _backward[(R, triton.cdiv(K, TILE))](k, q, v, grad, 1, K, d_keys, d_v, H, K, Q, D, TILE, False)
    return d_query.mT.contiguous(), d_keys.mT.contiguous(), d_v.sum(1).view(-1, H, D).sum(0)


def _outermost(x: Float[Tensor, "R T D"]) -> Float[Tensor, "R D T"]:
    return x.mT.contiguous()


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def _forward(query, keys, v, scores, H, Q, K, D, T: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i, j = tl.program_id(1) * T + tl.arange(0, T), tl.program_id(2) * T + tl.arange(0, T)
    total = tl.zeros((T, T), tl.float32)
    for d in range(D):
        a = tl.load(query + (row * D + d) * Q + i, mask=i < Q, other=0.0)
        b = tl.load(keys + (row * D + d) * K + j, mask=j < K, other=0.0)
        total += tl.load(v + (row % H) * D + d) * _tanh(a[:, None] + b[None, :])
    tl.store(scores + (row * Q + i[:, None]) * K + j[None, :], total, mask=(i[:, None] < Q) & (j[None, :] < K))


@triton.jit
def _backward(mine, other, v, grad, step_mine, step_other, d_mine, d_v, H, M, N, D, T: tl.constexpr, OF_V: tl.constexpr):
    """The gradient of a tile of queries, summed over all keys; or, with the strides of `grad` exchanged, of keys over all queries.
    OF_V: that of v too, a part for each tile."""
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * T + tl.arange(0, T)
    for d in range(D):
        a = tl.load(mine + (row * D + d) * M + i, mask=i < M, other=0.0)
        total, of_v = tl.zeros((T,), tl.float32), tl.zeros((T,), tl.float32)
        for first in range(0, N, T):
            j = first + tl.arange(0, T)
            b = tl.load(other + (row * D + d) * N + j, mask=j < N, other=0.0)
            place = row * M * N + i[:, None] * step_mine + j[None, :] * step_other
            g = tl.load(grad + place, mask=(i[:, None] < M) & (j[None, :] < N), other=0.0)
            t = _tanh(a[:, None] + b[None, :])
            total += tl.sum(g * (1 - t * t), 1)
            of_v += tl.sum(g * t, 1)
        tl.store(d_mine + (row * D + d) * M + i, total * tl.load(v + (row % H) * D + d), mask=i < M)
        if OF_V:
            tl.store(d_v + (row * tl.num_programs(1) + tl.program_id(1)) * D + d, tl.sum(of_v, 0))
