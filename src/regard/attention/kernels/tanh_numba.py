"""The loops of `kernels.tanh`, compiled by numba when they are first used, and kept on disk.

Scores make two divisions in one, u / x + w / y = (u y + w x) / (x y), for a division takes longer than all else.  Pairs that are not near
take tanh itself.  Both ways are plain arithmetic, so that the compiler takes as many widths at once as a register holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.tanh_rows import FEW, NEAR, AdditiveRows
from regard.core.fast_math import exp, tanh
from regard.core.numba_loops import arrays, compiled
from regard.core.parallel import spread

LEAST = 0
CHUNK = 256  # queries whose sums over keys are gathered apart, so that chunks run side by side and sums depend on no thread
F = np.float32
ONE, TWO = F(1), F(2)


def forward(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"]) -> Float[Tensor, "R Q K"]:
    rows = _rows(query, keys)
    R, Q, D = rows.query.shape
    scores = rows.query.new_empty(R, Q, rows.keys.shape[1])
    spread(_forward, arrays(*rows, v, scores), R * Q, scores.numel() * D)
    return scores


def backward(
    query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"], grad: Float[Tensor, "R Q K"]
) -> tuple[Float[Tensor, "R Q D"], Float[Tensor, "R K D"], Float[Tensor, "H D"]]:
    rows = _rows(query, keys)
    (R, Q, D), H = rows.query.shape, len(v)
    chunks = max(1, -(-Q // CHUNK))
    d_query, d_v = torch.zeros_like(rows.query), v.new_zeros(R, chunks, D)
    d_keys = rows.keys.new_zeros(R, chunks, rows.keys.shape[1], D)
    spread(_backward, arrays(*rows, grad, d_query, d_keys, d_v), R * chunks, grad.numel() * D)
    d_keys = d_keys[:, 0] if chunks == 1 else d_keys.sum(1)
    v = v.repeat(R // max(1, H), 1)[:, None]
    return d_query.mul_(v), d_keys.mul_(v), d_v.sum(1).view(-1, H, D).sum(0)


def _rows(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"]) -> AdditiveRows:
    """`AdditiveRows.of`, in one pass."""
    if min(query.shape[1], keys.shape[1]) < FEW:
        return AdditiveRows.of(query, keys)
    made = []
    for x in (query, keys):
        e, near = torch.empty_like(x), torch.empty(x.shape[:2], dtype=torch.bool)
        spread(_exponentials, arrays(x, e, near), near.numel(), x.numel())
        made.append((e, near))
    return AdditiveRows(query, keys, made[0][0], made[1][0], made[0][1], made[1][1])


@compiled
def _exponentials(x: Any, e: Any, near: Any, first: Any, last: Any) -> None:
    """e^{2x} of the rows `first` to `last`, and whether they may be used."""
    T, D = x.shape[1], x.shape[2]
    for n in range(first, last):
        given, made, far = x[n // T, n % T], e[n // T, n % T], 0
        for d in range(D):
            far += not abs(given[d]) <= F(NEAR)  # what is not a number is not near
            made[d] = exp(TWO * given[d])
        near[n // T, n % T] = far == 0


@compiled
def _forward(
    query: Any, keys: Any, e_query: Any, e_keys: Any, near_query: Any, near_keys: Any, v: Any, scores: Any, first: int, last: int
) -> None:
    """The scores of the queries `first` to `last` of all rows."""
    Q, K, D = query.shape[1], keys.shape[1], query.shape[2]
    half = D // 2
    for n in range(first, last):
        row, i = n // Q, n % Q
        w = v[row % len(v)]
        whole = F(0)
        for d in range(D):
            whole += w[d]
        for j in range(K):
            s = F(0)
            if near_query[row, i] and near_keys[row, j]:
                a, b = e_query[row, i], e_keys[row, j]
                for d in range(half):
                    x, y = ONE + a[d] * b[d], ONE + a[half + d] * b[half + d]
                    s += (w[d] * y + w[half + d] * x) / (x * y)
                for d in range(2 * half, D):
                    s += w[d] / (ONE + a[d] * b[d])
                s = whole - TWO * s
            else:
                a, b = query[row, i], keys[row, j]
                for d in range(D):
                    s += w[d] * tanh(a[d] + b[d])
            scores[row, i, j] = s


@compiled
def _backward(
    query: Any, keys: Any, e_query: Any, e_keys: Any, near_query: Any, near_keys: Any,
    grad: Any, d_query: Any, d_keys: Any, d_v: Any, first: int, last: int,
) -> None:  # fmt: skip
    """The sums of the chunks `first` to `last` of all rows; those of query and keys still without v.

    Two queries by two keys at a time: what is gathered is read and written half as often, and two divisions are one.
    """
    Q, K = query.shape[1], keys.shape[1]
    chunks = d_keys.shape[1]
    for n in range(first, last):
        row, chunk = n // chunks, n % chunks
        end, near_q, near_k, g = min(Q, (chunk + 1) * CHUNK), near_query[row], near_keys[row], grad[row]
        e_q, e_k, of_queries, of_keys, of_v = e_query[row], e_keys[row], d_query[row], d_keys[row, chunk], d_v[row, chunk]
        for i in range(chunk * CHUNK, end, 2):
            for j in range(0, K, 2):
                if i + 1 < end and j + 1 < K and near_q[i] and near_q[i + 1] and near_k[j] and near_k[j + 1]:
                    if g[i, j] != 0 or g[i, j + 1] != 0 or g[i + 1, j] != 0 or g[i + 1, j + 1] != 0:
                        _back_four(i, j, e_q, e_k, g, of_queries, of_keys, of_v)
                    continue
                for a in range(i, min(i + 2, end)):
                    for b in range(j, min(j + 2, K)):
                        if g[a, b] == 0:  # out of sight
                            continue
                        near = near_q[a] and near_k[b]
                        of_q, of_k = (e_q[a], e_k[b]) if near else (query[row, a], keys[row, b])
                        _back_one(near, of_q, of_k, g[a, b], of_queries[a], of_keys[b], of_v)


@compiled
def _back_four(i: int, j: int, e_query: Any, e_keys: Any, grad: Any, d_query: Any, d_keys: Any, d_v: Any) -> None:
    """Queries i and i + 1, keys j and j + 1, all near."""
    a, b, c, d = e_query[i], e_query[i + 1], e_keys[j], e_keys[j + 1]
    to_a, to_b, to_c, to_d = d_query[i], d_query[i + 1], d_keys[j], d_keys[j + 1]
    ac, ad, bc, bd = grad[i, j], grad[i, j + 1], grad[i + 1, j], grad[i + 1, j + 1]
    for n in range(len(a)):
        x, y = ONE + a[n] * c[n], ONE + a[n] * d[n]
        z, w = ONE + b[n] * c[n], ONE + b[n] * d[n]
        xy, zw = TWO / (x * y), TWO / (z * w)
        t_ac, t_ad, t_bc, t_bd = ONE - xy * y, ONE - xy * x, ONE - zw * w, ONE - zw * z
        v_ac, v_ad, v_bc, v_bd = ac * t_ac, ad * t_ad, bc * t_bc, bd * t_bd
        s_ac, s_ad, s_bc, s_bd = ac - v_ac * t_ac, ad - v_ad * t_ad, bc - v_bc * t_bc, bd - v_bd * t_bd
        to_a[n] += s_ac + s_ad
        to_b[n] += s_bc + s_bd
        to_c[n] += s_ac + s_bc
        to_d[n] += s_ad + s_bd
        d_v[n] += (v_ac + v_ad) + (v_bc + v_bd)


@compiled
def _back_one(near: bool, a: Any, b: Any, g: Any, to_a: Any, to_b: Any, d_v: Any) -> None:
    """One pair; near: a and b are exponentials."""
    for n in range(len(a)):
        t = ONE - TWO / (ONE + a[n] * b[n]) if near else tanh(a[n] + b[n])
        slope = g * (ONE - t * t)
        to_a[n] += slope
        to_b[n] += slope
        d_v[n] += g * t
