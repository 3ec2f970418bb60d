"""The cross-entropy of words, plain and in chunks: the same numbers, but in chunks the whole table of logits never exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from regard.core.optional import module
from regard.core.products import matmul

LOWEST = -1e30  # log 0: finite, so that no gradient is NaN
CELLS = 4_000_000  # logits of a chunk: many enough for the matrix products, few enough to stay near the processor


def costs(log_p: Float[Tensor, "N V"], words: Int[Tensor, " N"]) -> Float[Tensor, "N 2"]:
    """Of each row the cost of its word and the mean cost of all words, in nats."""
    return -torch.stack([log_p.gather(-1, words[:, None])[:, 0], log_p.mean(-1)], -1)


def objective(costs: Float[Tensor, "N 2"], smoothing: float) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
    """The summed objective, and the plain cross-entropy of each word, in nats, from their costs.

    smoothing: the share of the target's probability that is spread evenly over all words.  Szegedy et al. 2016, section 7.
    """
    nats, spread = costs.unbind(-1)
    return (1 - smoothing) * nats.sum() + smoothing * spread.sum(), nats.detach()


def in_chunks(told: Callable[..., Tensor], cells: int, *rows: Tensor) -> Tensor:
    """`told(*rows)`, which goes row by row, for some rows at a time, each part made again in the backward pass: what it makes on
    the way never exists whole.  cells: how many numbers that is for a row."""
    parts = zip(*(t.split(max(1, CELLS // cells)) for t in rows), strict=True)
    return torch.cat([cast(Tensor, checkpoint(told, *part, use_reentrant=False, preserve_rng_state=False)) for part in parts])


def chunked_cross_entropy(
    states: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"],
    words: Int[Tensor, " N"],
    smoothing: float = 0.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
    """`objective(costs(log_softmax(states @ weight.T + bias), words), smoothing)`: logits and their gradients are made chunk by chunk.

    Products run in the autocast type where autocast is on; sums of probabilities always in float32 or better.
    """
    return _Chunked.apply(states, weight, bias, words, smoothing)


def shares(
    logits: Float[Tensor, "N V"], bias: Float[Tensor, " V"], words: Int[Tensor, " N"], less: float
) -> tuple[Float[Tensor, "N V"], Float[Tensor, " V"], Float[Tensor, " N"], Float[Tensor, " N"]]:
    """softmax(logits + bias), less `less` for the word that is right, in the type of the logits, and its sum over the rows; the log of each
    softmax's denominator, and the cross-entropy of each row, in float32 or better.  The plain twin of the compiled loop."""
    wide = torch.add(logits, bias)  # in float32 or better: bias is
    d, right = wide.softmax(-1), wide.gather(-1, words[:, None])[:, 0]
    lse = wide.amax(-1) - d.amax(-1).log()  # the best word's share is never 0
    d.scatter_add_(1, words[:, None], torch.full_like(words[:, None], -less, dtype=d.dtype))
    return d.to(logits.dtype), d.sum(0), lse, lse - right


def _shares(device: str, low: torch.dtype) -> Callable[..., tuple[Tensor, ...]]:
    """Compiled loops are many times faster than PyTorch's passes over logits, but for the products beside them."""
    loops = module("networks.kernels.loss_loops") if device == "cpu" and low in (torch.float32, torch.bfloat16) else None
    return loops.shares if loops else shares


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, words: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        device = states.device.type
        low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
        exact = torch.promote_types(low, torch.float32)
        needs = any(ctx.needs_input_grad)
        with torch.autocast(device, enabled=False):
            w, x = weight.to(low), states.to(low)
            mean = x.to(exact) @ weight.to(exact).mean(0) + bias.mean()  # of the logits of each word
            nats, lse = torch.empty(len(x), dtype=exact, device=x.device), torch.empty(len(x), dtype=exact, device=x.device)
            d_states = torch.empty(x.shape, dtype=exact, device=x.device)
            d_weight, d_bias = torch.zeros_like(weight, dtype=exact), torch.zeros_like(bias, dtype=exact)
            rows, made_by = max(1, CELLS // len(w)), _shares(device, low)
            for part in (slice(i, i + rows) for i in range(0, len(x), rows)):
                d, sums, lse[part], nats[part] = made_by(matmul(x[part], w.T), bias, words[part], 1 - smoothing)
                if needs:
                    d_states[part] = matmul(d, w)
                    d_weight.add_(matmul(d.T, x[part]))
                    d_bias.add_(sums)
            if needs and smoothing:  # the even share of the target's probability
                even = smoothing / len(w)
                d_states.sub_(even * weight.to(exact).sum(0))
                d_weight.sub_(even * x.to(exact).sum(0))
                d_bias.sub_(even * len(x))
        ctx.save_for_backward(d_states.to(states.dtype), d_weight.to(weight.dtype), d_bias.to(bias.dtype))
        ctx.mark_non_differentiable(nats)
        return (1 - smoothing) * nats.sum() + smoothing * (lse - mean).sum(), nats

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        d_states, d_weight, d_bias = ctx.saved_tensors
        return d_states * grad, d_weight * grad, d_bias * grad, None, None
