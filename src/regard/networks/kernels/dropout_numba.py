"""The loop of `networks.dropout`, compiled: one pass over the values, forward and backward, and one byte a value kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.numba_loops import arrays, compiled, like, wide
from regard.core.parallel import spread

GRAIN = 4096  # values that one thread takes at a time


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
    flat = arrays(x.view(-1), drawn.view(-1), made.view(-1))
    spread(_sieve, (*flat, np.uint8(below), np.float32(scale), GRAIN), -(-x.numel() // GRAIN), x.numel() // 4)
    return made


@compiled
def _sieve(x: Any, drawn: Any, made: Any, below: Any, scale: Any, grain: int, first: int, last: int) -> None:
    part = slice(first * grain, last * grain)
    x, drawn, made = x[part], drawn[part], made[part]
    for i in range(len(x)):  # from 0: where it might be negative, the compiler takes one at a time
        made[i] = like(wide(x[i]) * scale if drawn[i] >= below else np.float32(0), x[i])
