"""`v . tanh(q + k)` for all pairs of queries and keys, forward and backward, with nothing of size Q x K x D ever stored.

It is 1 - 2 / (1 + e^{2q} e^{2k}), and the exponentials are taken once for each row, so that a pair costs a product and a reciprocal.  As
e^{2q} e^{2k} overflows, rows with numbers beyond NEAR go another way, exact at any size; what a pair scores depends on the pair alone.
In the backward pass all is made again.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.optional import module


def tanh_scores(
    query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"], v: Float[Tensor, "H D"]
) -> Float[Tensor, "B H Q K"]:
    """`v . tanh(q + k)`, in float32 whatever comes in; its gradients have none of their own.

    On a CPU by compiled loops where they were built, else by torch, tile after tile; on a GPU by Triton.
    """
    return _TanhScores.apply(query, keys, v, _loops(query.device.type))


def pays(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> bool:
    """Whether `tanh_scores` is there for these, and faster than the plain way: compiled loops always are."""
    loops = _loops(query.device.type)
    return loops is not None and loops.LEAST <= query.numel() * keys.shape[2]


def _loops(device: str) -> ModuleType | None:
    """The module that makes the sums, for a kind of device: `forward(query, keys, v)` and `backward(query, keys, v, grad)`, where "R" is
    every head of every sentence and all is contiguous float32; LEAST: pairs times width from which it pays."""
    if device == "cuda":
        return module("attention.kernels.tanh_triton")
    return (module("attention.kernels.tanh_loops") or module("attention.kernels.tanh_torch")) if device == "cpu" else None


class _TanhScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, v: Tensor, made_by: ModuleType) -> Tensor:
        ctx.save_for_backward(query, keys, v)
        ctx.made_by = made_by
        B, H, Q, _ = query.shape
        return made_by.forward(*_rows(query, keys), v.float().contiguous()).view(B, H, Q, keys.shape[2])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, keys, v = ctx.saved_tensors
        made = ctx.made_by.backward(*_rows(query, keys), v.float().contiguous(), *_rows(grad))
        return *(d.view(t.shape).to(t.dtype) for d, t in zip(made, (query, keys, v), strict=True)), None


def _rows(*tensors: Tensor) -> tuple[Tensor, ...]:
    """ "B H T D" to "R T D"."""
    return tuple(t.flatten(0, 1).float().contiguous() for t in tensors)
