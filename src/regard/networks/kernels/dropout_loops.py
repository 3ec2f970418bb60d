"""The loop of `networks.dropout`, compiled (`regard/kernels/rows.h`): one pass over the values, forward and backward, and one byte a
value kept."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.loops import call

GRAIN = 4096  # values of a piece of work


def apply_dropout(x: Float[Tensor, "*any"], drawn: UInt8[Tensor, "*any"], below: int, scale: float) -> Float[Tensor, "*any"]:
    """x times `scale` where the byte drawn for it is not below `below`, else 0.  float32 or bfloat16."""
    return _Dropped.apply(x, drawn, below, scale)


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, drawn: Tensor, below: int, scale: float) -> Tensor:
        ctx.save_for_backward(drawn)
        ctx.below, ctx.scale = below, scale
        return _sieved(x, drawn, below, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (drawn,) = ctx.saved_tensors
        return _sieved(grad, drawn, ctx.below, ctx.scale), None, None, None


def _sieved(x: Tensor, drawn: Tensor, below: int, scale: float) -> Tensor:
    x = x.contiguous()
    made = torch.empty_like(x)
    flat = (x.view(-1), drawn.contiguous().view(-1), made.view(-1))
    call("dropout", flat, (below, scale, x.dtype == torch.bfloat16, GRAIN), units=-(-x.numel() // GRAIN), steps=x.numel() // 4)
    return made
