"""Sparse weightings: most places get exactly nothing, and what is taken still has a gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory
from regard.attention.weighting import Weighting, Weights, at_least_float32
from regard.core.errors import ConfigError, message
from regard.core.optional import in_a_graph

LEAST = 1.01  # alpha: nearer to 1 all is softmax, and (alpha - 1)^2 in the gradient too small for float32
ROUNDS = 40  # of Newton's method; ten are the most that were seen, over 3,000 places
GRAPH_ROUNDS = 12


class Sparsemax(Weighting):
    """`max(score - t, 0)`, t such that they sum to 1: the point of the simplex that is nearest to the scores.
    Martins & Astudillo 2016, section 2.2, algorithm 1.

    Use it where few places count and the rest should be out for good, also in the picture; a place without weight gets no gradient,
    so scores that begin large learn slowly.

    Cost: m n log n, for a sort.
    """

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        scores = at_least_float32(scores)  # sums of sorted scores cancel
        top = scores.masked_fill(~mask, -torch.inf).amax(-1, keepdim=True)
        z = scores - torch.where(top.isfinite(), top, 0.0).detach()  # shifted: the largest is 0, and precision is kept
        z = z.masked_fill(~mask, -2.0)  # anything more than 1 below the largest gets nothing
        ordered = z.sort(-1, descending=True).values
        rank = torch.arange(1, z.shape[-1] + 1, device=z.device)
        support = (1 + rank * ordered > ordered.cumsum(-1)).sum(-1, keepdim=True).clamp(min=1)
        threshold = (ordered.cumsum(-1).gather(-1, support - 1) - 1) / support
        return Weights((z - threshold).clamp(min=0) * mask)


class Entmax15(Weighting):
    """`max(score / 2 - t, 0)^2`, t such that they sum to 1: entmax with alpha = 1.5, half way from softmax to sparsemax.
    Peters et al. 2019, section 3.

    Use it where sparsemax is too strict: still exact zeros, but smooth where a place comes into play.

    Cost: m n for each of some five rounds.
    """

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(entmax(scores, mask, scores.new_full((1, 1, 1), 1.5)))


class Entmax(Weighting):
    """`max((alpha - 1) score - t, 0)^(1 / (alpha - 1))`, t such that they sum to 1: each head learns how sparse it is.
    Correia et al. 2019, section 3.

    alpha: where it begins, between 1.01 and 2.  It is kept there: alpha = 1.01 + 0.99 sigmoid(a), with one a a head, learned by
    its exact gradient (proposition 1).  Towards 1 it is softmax, towards 2 sparsemax.  Raises ConfigError for an alpha beyond.

    Use it where it is not known how sparse to look, above all with several heads: they part into broad and sharp ones.

    Cost: m n for each of some five rounds.
    """

    def __init__(self, alpha: float = 1.5, *, heads: int = 1) -> None:
        super().__init__()
        if not LEAST < alpha < 2:
            do = "Begin at 1.5; write softmax for 1, sparsemax for 2."
            raise ConfigError(message("entmax", f"an alpha between {LEAST} and 2", str(alpha), do))
        share = (alpha - LEAST) / (2 - LEAST)
        self.a = nn.Parameter(torch.full((heads, 1, 1), math.log(share / (1 - share))))

    @property
    def alpha(self) -> Float[Tensor, "H 1 1"]:
        return LEAST + (2 - LEAST) * torch.sigmoid(self.a)

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(entmax(scores, mask, self.alpha))


def entmax(
    scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], alpha: Float[Tensor, "#H 1 1"]
) -> Float[Tensor, "B H Q K"]:
    """alpha-entmax of what is in sight, 1 < alpha <= 2, with gradients for scores and alpha; in at least float32."""
    scores = at_least_float32(scores)
    return _Entmax.apply(scores, mask, alpha.to(scores.dtype))


class _Entmax(torch.autograd.Function):
    """Solved without a trace; the gradients are known.  Peters et al. 2019 (scores); Correia et al. 2019, proposition 1 (alpha)."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, mask: Tensor, alpha: Tensor) -> Tensor:
        p = _solved(scores, mask, alpha)
        ctx.save_for_backward(p, alpha)
        return p

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor | None]:
        p, alpha = ctx.saved_tensors
        curve = torch.where(p > 0, p ** (2 - alpha), 0.0)
        total = curve.sum(-1, keepdim=True)
        skewed = curve / total.where(total > 0, 1.0)
        d_scores = curve * (grad - (grad * skewed).sum(-1, keepdim=True))
        if not ctx.needs_input_grad[2]:
            return d_scores, None, None
        bits = torch.xlogy(p, p)
        slope = (p - skewed) / (alpha - 1) ** 2 - (bits - skewed * bits.sum(-1, keepdim=True)) / (alpha - 1)
        return d_scores, None, (grad * slope).sum_to_size(alpha.shape)


def _solved(scores: Tensor, mask: Tensor, alpha: Tensor) -> Tensor:
    """By Newton's method on t, from below, until nothing moves: no row waits for another, and none moves once it is done.

    With r = 1 / (alpha - 1), (sum max(z - t, 0)^r)^(1/r) falls with t, is convex, being a norm, and at least 1 at the start: so t
    only rises, never past where it is 1, and soon is there, as norms are nearly straight.
    """
    power = 1 / (alpha - 1)
    top = scores.masked_fill(~mask, -torch.inf).amax(-1, keepdim=True)
    z = ((alpha - 1) * (scores - torch.where(top.isfinite(), top, 0.0))).masked_fill(~mask, -2.0)  # below any t
    t, near = torch.full_like(top, -1.0), 4 * torch.finfo(scores.dtype).eps
    graph = in_a_graph()  # one is the same for any numbers, so nobody looks whether they still move
    for _ in range(GRAPH_ROUNDS if graph else ROUNDS):
        x = (z - t).clamp(min=0)
        low = torch.where(x > 0, x ** (power - 1), 0.0)
        total = (low * x).sum(-1, keepdim=True)
        step = (total ** (alpha - 1) - 1) / (low.sum(-1, keepdim=True) * total ** (alpha - 2))
        moves = step > near  # false, too, where nothing is in sight
        if not graph and not bool(moves.any()):
            break
        t = torch.where(moves, t + step, t)
    p = (z - t).clamp(min=0) ** power
    total = p.sum(-1, keepdim=True)
    return p / total.where(total > 0, 1.0)
