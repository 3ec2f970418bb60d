"""The loops of `kernels.tanh`, compiled: see `regard/kernels/additive.h`."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.tanh_rows import FEW, NEAR, AdditiveRows
from regard.core.loops import call

LEAST = 0
CHUNK = 256  # queries whose sums over keys are gathered apart, so that chunks run side by side and sums depend on no thread


def forward(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"]) -> Float[Tensor, "R Q K"]:
    rows = _rows(query, keys)
    R, Q, D = rows.query.shape
    scores = rows.query.new_empty(R, Q, rows.keys.shape[1])
    call("additive_forward", (*rows, v, scores), units=R * Q, steps=scores.numel() * D)
    return scores


def backward(
    query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"], v: Float[Tensor, "H D"], grad: Float[Tensor, "R Q K"]
) -> tuple[Float[Tensor, "R Q D"], Float[Tensor, "R K D"], Float[Tensor, "H D"]]:
    rows = _rows(query, keys)
    (R, Q, D), H = rows.query.shape, len(v)
    chunks = max(1, -(-Q // CHUNK))
    d_query, d_v = torch.zeros_like(rows.query), v.new_zeros(R, chunks, D)
    d_keys = rows.keys.new_zeros(R, chunks, rows.keys.shape[1], D)
    call("additive_backward", (*rows, grad, d_query, d_keys, d_v), units=R * chunks, steps=grad.numel() * D)
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
        call("exponentials", (x, e, near), (NEAR,), units=near.numel(), steps=x.numel())
        made.append((e, near))
    return AdditiveRows(query, keys, made[0][0], made[1][0], made[0][1], made[1][1])
