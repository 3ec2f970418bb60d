"""Weightings: how much of each place in sight is taken.  Never negative, zero out of sight, all zero with nothing in sight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory
from regard.core.optional import in_a_graph

# PyTorch's softmax over fewer places than a vector register holds (16 floats in AVX-512) goes one by one: 2.2 ms over
# (140, 4, 15, 15) on one core, against 0.2 ms over (140, 4, 15, 16).  So fewer are filled up with places out of sight.
LANES = 16


class SampledLogProb(NamedTuple):
    """What a sampled look must tell its loss (REINFORCE); the same shape for both."""

    log_prob: Float[Tensor, "*any"]
    entropy: Float[Tensor, "*any"]


class Weights(NamedTuple):
    """values: "B H Q K", how much is taken.  choice: "B H Q", where the taking was drawn."""

    values: Float[Tensor, "B H Q K"]
    choice: SampledLogProb | None = None


class Annealed(ABC):
    """What changes while a net is trained: the trainer tells it, before each update, how much of the training is done, in [0, 1]."""

    @abstractmethod
    def anneal(self, done: float) -> None: ...


class Weighting(nn.Module, ABC):
    """How much of each place is taken, from scores and sight.  A new weighting is one class with a `forward`."""

    softmax = False  # is exactly the softmax: fused kernels may take its place
    normal = True  # sums to one where anything is in sight
    sequential = False  # reads the past: one query at a time
    places = False  # depends on the true positions, not on the scores alone
    mixes = False  # its weights are probabilities of single places, which a head of words mixes
    draws = False  # is trained by what it drew: hands over a `choice`, and no gradient

    @abstractmethod
    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        """scores: any finite numbers, also out of sight; mask: True = may look; memory: what is looked at (its `past`: what earlier
        looks took, where `sequential`); at: true positions of the queries."""


def masked_softmax(scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"]) -> Float[Tensor, "B H Q K"]:
    """softmax over what is in sight.  Finite instead of -inf, so that a row with nothing in sight is 0 and its gradient too, never NaN."""
    lowest, places = torch.finfo(scores.dtype).min, scores.shape[-1]
    seen = scores.masked_fill(~mask, lowest)
    if places < LANES and not in_a_graph():
        seen = F.pad(seen, (0, LANES - places), value=lowest)
    return seen.softmax(-1)[..., :places] * mask


def one_hot(place: Int[Tensor, "B H Q"], like: Float[Tensor, "B H Q K"]) -> Float[Tensor, "B H Q K"]:
    """1 at each row's place, 0 elsewhere."""
    return (place[..., None] == torch.arange(like.shape[-1], device=place.device)).to(like)


def at_least_float32(scores: Float[Tensor, "B H Q K"]) -> Float[Tensor, "B H Q K"]:
    """Wide enough for sums, logarithms and draws."""
    return scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores


class Softmax(Weighting):
    """`exp(score) / sum exp(score)`: soft attention, some of every place.  Bahdanau et al. 2015, section 3.1, eq. 6.

    Use it unless there is a reason not to: it is the easiest to train.

    Cost: m n.
    """

    softmax = True

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(masked_softmax(scores, mask))


class Marginal(Weighting):
    """`p(y) = sum_k p(k) p(y | place k)`: hard attention without draws, summed over all places by a head of words; p(k) is the softmax.
    Wu et al. 2018; Shankar et al. 2018.

    What is mixed is what each place alone would say, not what lies there (`mixes`): one place is read at a time, and which is never
    drawn, so the gradient is exact.  Recurrent decoders with a head of words.

    Use it where each word comes from one place, as in spelling, inflection and transliteration, where Wu et al. found it better than
    soft attention and than draws.

    Cost: m n for the weights, and m n words to be said instead of m: a vocabulary of V costs m n d V.
    """

    mixes = True

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(masked_softmax(scores, mask))


class Sigmoid(Weighting):
    """`1 / (1 + exp(-(score + b)))`: each place for itself, none at the cost of another.  Ramapuram et al. 2024, section 2.

    bias: b, the same for all.  At 0 a score of 0 takes half of each place; their advice is -ln n for n places, so that all together
    begin near 1.

    Use it where several places count in full, or none: weights need not sum to 1.

    Cost: m n.
    """

    normal = False

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = bias

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        return Weights(torch.sigmoid(at_least_float32(scores) + self.bias) * mask)
