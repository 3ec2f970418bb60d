"""The cross-entropy of words, plain and in chunks: the same numbers, but in chunks the whole table of logits never exists."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

ROWS = 512  # words of a chunk: large enough for the matrix products, small enough for one reused buffer


def cross_entropy(
    logits: Float[Tensor, "N V"], words: Int[Tensor, "N"], smoothing: float = 0.0
) -> tuple[Float[Tensor, ""], Float[Tensor, "N"]]:
    """The summed objective, and the plain cross-entropy of each word, in nats.

    smoothing: the share of the target's probability that is spread evenly over all words.  Szegedy et al. 2016, section 7.
    The plain twin of `chunked_cross_entropy`.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    lse = logits.logsumexp(-1)
    nats = lse - logits.gather(-1, words[:, None])[:, 0]
    spread = lse - logits.mean(-1)
    return (1 - smoothing) * nats.sum() + smoothing * spread.sum(), nats.detach()


def chunked_cross_entropy(
    states: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, "V"],
    words: Int[Tensor, "N"],
    smoothing: float = 0.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, "N"]]:
    """`cross_entropy(states @ weight.T + bias, words, smoothing)`, logits and their gradients made chunk by chunk in the forward pass.

    Products run in the autocast type where autocast is on; sums of probabilities always in float32 or better.
    """
    return _Chunked.apply(states, weight, bias, words, smoothing)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, words: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        device = states.device.type
        low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
        exact = torch.promote_types(low, torch.float32)
        needs = any(ctx.needs_input_grad)
        with torch.autocast(device, enabled=False):
            w, x = weight.to(low), states.to(low)
            d_states = torch.empty_like(x)
            d_weight, d_bias = torch.zeros_like(weight, dtype=exact), torch.zeros_like(bias, dtype=exact)
            nats, spread = torch.empty(len(x), dtype=exact, device=x.device), torch.empty(len(x), dtype=exact, device=x.device)
            for i in range(0, len(x), ROWS):
                rows, target = slice(i, i + ROWS), words[i : i + ROWS, None]
                logits = (x[rows] @ w.T).to(exact).add_(bias)
                top = logits.amax(-1, keepdim=True)
                hit, mean = logits.gather(-1, target)[:, 0], logits.mean(-1)
                p = logits.sub_(top).exp_()
                total = p.sum(-1, keepdim=True)
                lse = (total.log() + top)[:, 0]
                nats[rows], spread[rows] = lse - hit, lse - mean
                if needs:
                    p.div_(total).sub_(smoothing / len(w))
                    p.scatter_add_(1, target, torch.full_like(hit, smoothing - 1)[:, None])
                    d = p.to(low)
                    d_states[rows] = d @ w
                    d_weight.add_(d.T @ x[rows])
                    d_bias.add_(p.sum(0))
        ctx.save_for_backward(d_states.to(states.dtype), d_weight.to(weight.dtype), d_bias.to(bias.dtype))
        ctx.mark_non_differentiable(nats)
        return (1 - smoothing) * nats.sum() + smoothing * spread.sum(), nats

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        d_states, d_weight, d_bias = ctx.saved_tensors
        return d_states * grad, d_weight * grad, d_bias * grad, None, None
