"""softmax(scores) times the values over every prefix, in one pass over the places, compiled.

Forward: the running best score, total and sum, as in `prefix.Summary.then`, and the share p_t = e^{s_t} / sum_{k<=t} e^{s_k} that a place
has of its own prefix.  Backward: R_k = g_k + (1 - p_{k+1}) R_{k+1}, dv_k = p_k R_k, ds_k = v_k . dv_k - p_k C_k, where C gathers g_k . o_k
as R does g_k; no exponential is taken again.  Sums and shares are float64: in float32 they drift by 1e-5 over 32,768 places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.numba_loops import arrays, compiled
from regard.core.parallel import spread

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
        every = arrays(top, total, sum, scores, seen, values, context, share, *left)
        spread(_forward, every, R * -(-E // WIDTH), values.numel() * 2)
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
        taken = arrays(total, last_total, values, share, d_context, context, d_total.contiguous(), d_sum)
        spread(_backward, (*taken, *arrays(d_values, d_scores, d_before, d_all)), R * parts, values.numel() * 2)
        return None, d_all.sum(1), d_before, d_scores.sum(1), None, d_values


@compiled
def _forward(
    top: Any, total: Any, sum: Any, scores: Any, seen: Any, values: Any, context: Any, share: Any,
    last_top: Any, last_total: Any, last_sum: Any, first: int, last: int,
) -> None:  # fmt: skip
    """Parts `first` to `last` of all rows; the first part of a row keeps what does not depend on the width."""
    _, T, E = values.shape
    parts = (E + WIDTH - 1) // WIDTH
    for n in range(first, last):
        row, begin = n // parts, n % parts * WIDTH
        width = min(WIDTH, E - begin)
        end = begin + width
        m, z = np.float64(top[row]), np.float64(total[row])
        held = np.empty(width, np.float64)
        for e in range(width):
            held[e] = sum[row, begin + e]
        for t in range(T):
            w = 0.0
            if seen[row, t]:
                s, v = np.float64(scores[row, t]), values[row, t, begin:end]
                if s > m or z == 0:
                    scale = np.exp(m - s) if z > 0 else 0.0
                    m, z, w = s, z * scale + 1, 1.0
                    for e in range(width):
                        held[e] = held[e] * scale + v[e]
                else:
                    w = np.exp(s - m)
                    z += w
                    for e in range(width):
                        held[e] += w * v[e]
            one, o = 1 / z if z > 0 else 0.0, context[row, t, begin:end]
            for e in range(width):
                o[e] = held[e] * one
            if begin == 0:
                share[row, t] = w * one
        for e in range(width):
            last_sum[row, begin + e] = held[e]
        if begin == 0:
            last_top[row], last_total[row] = m, z


@compiled
def _dot(a: Any, b: Any) -> Any:
    """In float64.  By itself: the compiler takes it in vectors, but not beside what writes."""
    sum = 0.0
    for e in range(len(a)):
        sum += np.float64(a[e]) * np.float64(b[e])
    return sum


@compiled
def _backward(
    total: Any, last_total: Any, values: Any, share: Any, d_context: Any, context: Any, d_last_total: Any, d_last_sum: Any,
    d_values: Any, d_scores: Any, d_sum: Any, d_total: Any, first: int, last: int,
) -> None:  # fmt: skip
    """From the last place to the first; d_scores and d_total in parts, to be summed."""
    _, T, E = values.shape
    parts = (E + WIDTH - 1) // WIDTH
    for n in range(first, last):
        row, part = n // parts, n % parts
        begin = part * WIDTH
        width = min(WIDTH, E - begin)
        end = begin + width
        held, scale = np.empty(width, np.float64), np.float64(1)
        c = -np.float64(d_last_total[row]) * last_total[row] if part == 0 else 0.0
        for e in range(width):
            held[e] = np.float64(d_last_sum[row, begin + e]) * last_total[row]
        for t in range(T - 1, -1, -1):
            g, d, p = d_context[row, t, begin:end], d_values[row, t, begin:end], share[row, t]
            c = c * scale + _dot(g, context[row, t, begin:end])
            for e in range(width):
                held[e] = held[e] * scale + g[e]
            d_scores[row, part, t] = p * (_dot(held, values[row, t, begin:end]) - c)
            for e in range(width):
                d[e] = p * held[e]
            scale = 1 - p
        one = scale / total[row] if total[row] > 0 else 0.0
        for e in range(width):
            d_sum[row, begin + e] = held[e] * one
        d_total[row, part] = -c * one
