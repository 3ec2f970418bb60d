"""Weightings: how much of each place in sight is taken.  Never negative, zero out of sight, all zero with nothing in sight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory

# PyTorch's softmax over fewer places than a vector register holds (16 floats in AVX-512) goes one by one: 2.2 ms over
# (140, 4, 15, 15) on one core, against 0.2 ms over (140, 4, 15, 16).  So fewer are filled up with places out of sight.
LANES = 16


class Choice(NamedTuple):
    """What a sampled look must tell its loss (REINFORCE); the same shape for both."""

    log_prob: Float[Tensor, "*any"]
    entropy: Float[Tensor, "*any"]


class Weights(NamedTuple):
    """values: "B H Q K", how much is taken.  choice: "B H Q", where the taking was drawn."""

    values: Float[Tensor, "B H Q K"]
    choice: Choice | None = None


class Annealed(ABC):
    """What changes while a net is trained: the trainer tells it, before each update, how much of the training is done, in [0, 1]."""

    @abstractmethod
    def anneal(self, done: float) -> None: ...


class Weighting(nn.Module, ABC):
    """How much of each place is taken, from scores and sight.  A new weighting is one class with a `forward`."""

    softmax = False  # is exactly the softmax: fused kernels may take its place
    normal = True  # sums to one where anything is in sight
    sequential = False  # reads the past: one query at a time
    mixes = False  # its weights are probabilities of single places, which a head of words mixes

    @abstractmethod
    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, "B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        """scores: any finite numbers, also out of sight; mask: True = may look; memory: what is looked at (its `past`: what earlier
        looks took, where `sequential`); at: true positions of the queries."""


def masked_softmax(scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, "B #H Q K"]) -> Float[Tensor, "B H Q K"]:
    """softmax over what is in sight.  Finite instead of -inf, so that a row with nothing in sight is 0 and its gradient too, never NaN."""
    lowest, places = torch.finfo(scores.dtype).min, scores.shape[-1]
    seen = scores.masked_fill(~mask, lowest)
    if places < LANES:
        seen = F.pad(seen, (0, LANES - places), value=lowest)
    return seen.softmax(-1)[..., :places] * mask


class Softmax(Weighting):
    """exp(score), normalised: soft attention.  Bahdanau et al. 2015, eq. 6."""

    softmax = True

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, "B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(masked_softmax(scores, mask))


class Sparsemax(Weighting):
    """Projection of the scores onto the simplex; most places get exactly 0.  Martins & Astudillo 2016, section 2.2, algorithm 1."""

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, "B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        scores = scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores  # sums of sorted scores cancel
        top = scores.masked_fill(~mask, -torch.inf).amax(-1, keepdim=True)
        z = scores - torch.where(top.isfinite(), top, 0.0).detach()  # shifted: the largest is 0, and precision is kept
        z = z.masked_fill(~mask, -2.0)  # anything more than 1 below the largest gets nothing
        ordered = z.sort(-1, descending=True).values
        rank = torch.arange(1, z.shape[-1] + 1, device=z.device)
        support = (1 + rank * ordered > ordered.cumsum(-1)).sum(-1, keepdim=True).clamp(min=1)
        threshold = (ordered.cumsum(-1).gather(-1, support - 1) - 1) / support
        return Weights((z - threshold).clamp(min=0) * mask)


class Hard(Weighting):
    """One place: drawn in training, its log-probability told to the loss (REINFORCE); the best in use.  Xu et al. 2015, section 4.1."""

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, "B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        scores = scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores
        seen = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        if not self.training:
            return Weights(_one_hot(seen.argmax(-1), scores) * mask)
        log_p = seen.log_softmax(-1)
        noise = torch.empty_like(log_p).exponential_().clamp_min(torch.finfo(scores.dtype).tiny)
        place = (log_p.detach() - noise.log()).masked_fill(~mask, -torch.inf).argmax(-1)  # Gumbel-max: a draw from exp(log_p)
        something = mask.any(-1)
        entropy = -(log_p.exp() * log_p.masked_fill(~mask, 0.0)).sum(-1) * something
        taken = log_p.gather(-1, place[..., None])[..., 0] * something
        return Weights(_one_hot(place, scores) * mask, Choice(taken, entropy))


def _one_hot(place: Tensor, like: Tensor) -> Tensor:
    return F.one_hot(place, like.shape[-1]).to(like)
