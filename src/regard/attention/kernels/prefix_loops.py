"""softmax(scores) times the values over every prefix, in one pass over the places, compiled: see `regard/kernels/prefix.h`.

Forward: the running best score, total and sum, as in `prefix.Summary.then`, and the share p_t = e^{s_t} / sum_{k<=t} e^{s_k} that a place
has of its own prefix.  Backward: R_k = g_k + (1 - p_{k+1}) R_{k+1}, dv_k = p_k R_k, ds_k = v_k . dv_k - p_k C_k, where C gathers g_k . o_k
as R does g_k; no exponential is taken again.  Sums and shares are float64: in float32 they drift by 1e-5 over 32,768 places.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.loops import call

WIDTH = 32  # of the values of a part: parts of a row run side by side; 8,192 places of 128, forward and back, 5 to 7 ms where 64 takes 8


def prefix(
    top: Float[Tensor, " R"],
    total: Float[Tensor, " R"],
    sum: Float[Tensor, "R E"],
    scores: Float[Tensor, "R T"],
    seen: Bool[Tensor, "R T"],
    values: Float[Tensor, "R T E"],
) -> tuple[Float[Tensor, "R T E"], Float[Tensor, " R"], Float[Tensor, " R"], Float[Tensor, "R E"]]:
    """What is read of every prefix, behind a summary of what came before; and the summary behind all.  float32."""
    return _Prefix.apply(top, total, sum, scores, seen, values)


class _Prefix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> tuple[Tensor, ...]:
        top, total, sum, scores, seen, values = (t.contiguous() for t in given)
        R, T, E = values.shape
        context, share = torch.empty_like(values), scores.new_empty(R, T, dtype=torch.float64)
        left = (torch.empty_like(top), torch.empty_like(total), torch.empty_like(sum))
        every = (top, total, sum, scores, seen, values, context, share, *left)
        call("prefix_forward", every, units=R * -(-E // WIDTH), steps=values.numel() * 2)
        ctx.save_for_backward(total, values, context, share, left[1])
        ctx.mark_non_differentiable(left[0])
        return context, *left

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_context: Tensor, _: Tensor, d_total: Tensor, d_sum: Tensor) -> tuple[Tensor | None, ...]:
        total, values, context, share, last_total = ctx.saved_tensors
        R, T, E = values.shape
        parts = -(-E // WIDTH)
        d_context, d_sum = d_context.contiguous(), d_sum.contiguous()
        d_values, d_scores = torch.empty_like(values), values.new_empty(R, parts, T)
        d_before, d_all = torch.empty_like(d_sum), d_total.new_empty(R, parts)
        taken = (total, last_total, values, share, d_context, context, d_total.contiguous(), d_sum)
        made = (d_values, d_scores, d_before, d_all)
        call("prefix_backward", (*taken, *made), units=R * parts, steps=values.numel() * 2)
        return None, d_all.sum(1), d_before, d_scores.sum(1), None, d_values
