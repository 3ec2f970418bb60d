"""`v . tanh(q + k)` for all pairs of queries and keys, forward and backward, with nothing of size Q x K x D ever stored.

It is 1 - 2 / (1 + e^{2q} e^{2k}), and the exponentials are taken once for each row, so that a pair costs a product and a reciprocal.  As
e^{2q} e^{2k} overflows, rows with numbers beyond NEAR go another way, exact at any size; what a pair scores hangs on the pair alone.
In the backward pass all is made again.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

NEAR = 20.0  # |q|, |k| up to which e^{2q} e^{2k} stays far from the ends of float32 (e^80 of e^88)
FEW = 4  # queries or keys below which their exponentials cost more than they save


class Rows(NamedTuple):
    """What is compared: "R" is every head of every sentence; contiguous, float32.

    e_query, e_keys: e^{2q}, e^{2k}; only to be used for pairs of a near query and a near key.
    """

    query: Float[Tensor, "R Q D"]
    keys: Float[Tensor, "R K D"]
    e_query: Float[Tensor, "R Q D"]
    e_keys: Float[Tensor, "R K D"]
    near_query: Bool[Tensor, "R Q"]
    near_keys: Bool[Tensor, "R K"]

    @staticmethod
    def of(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> Rows:
        q, k = (t.flatten(0, 1).float().contiguous() for t in (query, keys))
        if min(q.shape[1], k.shape[1]) < FEW:
            none = (torch.zeros(t.shape[:2], dtype=torch.bool) for t in (q, k))
            return Rows(q, k, q, k, *none)
        near = (t.abs().amax(-1) <= NEAR for t in (q, k))
        return Rows(q, k, torch.exp(2 * q), torch.exp(2 * k), *near)


def tanh_scores(
    query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"], v: Float[Tensor, "H D"]
) -> Float[Tensor, "B H Q K"]:
    """`v . tanh(q + k)`, on a CPU, in float32 whatever comes in; its gradients have none of their own.

    By compiled loops where numba is installed (the extra `kernels`), else by torch, tile after tile.
    """
    return _TanhScores.apply(query, keys, v, _loops())


def pays(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> bool:
    """Whether `tanh_scores` is faster than the plain way: compiled loops always."""
    return _loops().LEAST <= query.numel() * keys.shape[2]


@cache
def _loops() -> ModuleType:
    """The module that makes the sums: `forward(rows, v)` and `backward(rows, v, grad)`; LEAST: pairs times width from which it pays."""
    try:
        from regard.attention.kernels import tanh_numba
    except ImportError:  # without the extra, or numba is not made for this Python or NumPy
        from regard.attention.kernels import tanh_torch

        return tanh_torch
    return tanh_numba


class _TanhScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, v: Tensor, made_by: ModuleType) -> Tensor:
        ctx.save_for_backward(query, keys, v)
        ctx.made_by = made_by
        B, H, Q, _ = query.shape
        return made_by.forward(Rows.of(query, keys), v.float().contiguous()).view(B, H, Q, keys.shape[2])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, keys, v = ctx.saved_tensors
        rows = Rows.of(query, keys)
        made = ctx.made_by.backward(rows, v.float().contiguous(), grad.flatten(0, 1).float().contiguous())
        return *(d.view(t.shape).to(t.dtype) for d, t in zip(made, (query, keys, v), strict=True)), None
