"""Monotonic weightings: what is looked at only moves on, from left to right."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory
from regard.attention.weighting import Weighting, Weights, at_least_float32
from regard.core.optional import Scan, scan_in_use


class _Monotonic(Weighting):
    """From the place that was taken last, place after place is taken with probability p = sigmoid(score + r), or passed by for good.

    r: where the offset begins, learned, one a head: at 0 a step of one place is expected where scores are 0; at -4, one of 55.
    """

    normal = False
    sequential = True

    def __init__(self, r: float = 0.0, *, heads: int = 1) -> None:
        super().__init__()
        self.r = nn.Parameter(torch.full((heads, 1), float(r)))

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        """One query.  Weights sum to at most 1: the rest is the chance that nothing was taken, and then nothing is from there on."""
        assert memory.past is not None  # Attention gives one to whatever is sequential
        energy, seen = at_least_float32(scores)[:, :, 0] + self.r, mask[:, :, 0]
        first = (torch.arange(energy.shape[-1], device=energy.device) == 0).to(energy)  # before the first look, the first place
        begun = (memory.past.looks > 0).any(-1)
        before = torch.where(begun[:, None, None], memory.past.last, first)
        return Weights(self.moved(energy, seen, before)[:, :, None])

    @abstractmethod
    def moved(
        self, energy: Float[Tensor, "B H K"], seen: Bool[Tensor, " B #H K"], before: Float[Tensor, "B H K"]
    ) -> Float[Tensor, "B H K"]:
        """What is taken now, where `before` was taken last."""

    def expected(
        self, energy: Float[Tensor, "B H K"], seen: Bool[Tensor, " B #H K"], before: Float[Tensor, "B H K"]
    ) -> Float[Tensor, "B H K"]:
        """How likely each place is to be taken, the mean over all ways; in training with noise, which pushes p to 0 or 1.
        Raffel et al. 2017, section 2.3, eq. 12-14, and "Encouraging discreteness" (noise of variance 1)."""
        noise = torch.randn_like(energy) if self.training else 0.0
        p = torch.sigmoid(energy + noise) * seen
        return p * arrived(1 - p, before)


class Monotonic(_Monotonic):
    """`a_j = p_j q_j, q_j = (1 - p_{j-1}) q_{j-1} + a'_j`, p = sigmoid(score + r), a' what was taken last: expected in training; in use
    hard, the first place from the last one on with p >= 1/2, or nothing.  Raffel et al. 2017, section 2.2-2.3, eq. 6-14.

    What is passed by is never seen again, and after nothing comes nothing.  r: where the learned offset begins (their -4 to -1 for
    long sources: the first looks then reach far).

    Use it where target and source have one order: spelling, speech.  In use it needs no more of the source than was read so far.
    Recurrent decoders only.

    Cost: m n log n in training; in use m + n, places being passed only once (here n are scored at every look).
    """

    def moved(
        self, energy: Float[Tensor, "B H K"], seen: Bool[Tensor, " B #H K"], before: Float[Tensor, "B H K"]
    ) -> Float[Tensor, "B H K"]:
        if self.training:
            return self.expected(energy, seen, before)
        taken = (before.cumsum(-1) > 0) & seen & (energy >= 0)
        return (taken & (taken.cumsum(-1) == 1)).to(energy)


class MonotonicSoft(_Monotonic):
    """`a_j = p_j q_j, q_j = (1 - p_{j-1}) q_{j-1} + a'_j`, p = sigmoid(score + r), a' what was taken last: as monotonic, expected in use
    too.  Raffel et al. 2017, section 2.3, eq. 12-14.

    Use it where monotonic, made hard in use, loses what it had learned; it then wants the whole source.  Recurrent decoders only.

    Cost: m n log n.
    """

    def moved(
        self, energy: Float[Tensor, "B H K"], seen: Bool[Tensor, " B #H K"], before: Float[Tensor, "B H K"]
    ) -> Float[Tensor, "B H K"]:
        return self.expected(energy, seen, before)


def arrived(stay: Float[Tensor, "B H K"], came: Float[Tensor, "B H K"]) -> Float[Tensor, "B H K"]:
    """q_j = stay_{j-1} q_{j-1} + came_j, in log2 K rounds (Hillis & Steele 1986).  Sums and products of what is never negative:
    exact where the closed form (appendix C.1), which divides by products of `stay`, runs out of digits."""
    if (scan := scan_in_use()) is not None:
        return _arrived_in_turn(scan, stay, came)
    size = came.shape[-1]
    stay = F.pad(stay, (1, 0))[..., :size]
    far = 1
    while far < size:
        came = came + stay * F.pad(came, (far, 0))[..., :size]
        stay = stay * F.pad(stay, (far, 0))[..., :size]
        far *= 2
    return came


def _arrived_in_turn(scan: Scan, stay: Float[Tensor, "B H K"], came: Float[Tensor, "B H K"]) -> Float[Tensor, "B H K"]:
    """The same place after place: in a graph, whose operations are the same for any number of places."""

    def step(place: Float[Tensor, "N 2"], left: Float[Tensor, "N 1"]) -> tuple[Tensor, Tensor]:
        here = left + place[:, 1:]
        return here, place[:, :1] * here

    places = torch.stack([stay.flatten(0, 1), came.flatten(0, 1)], -1).transpose(0, 1)
    told, _ = scan(step, places, torch.zeros_like(places[0, :, :1]))
    return told[..., 0].unflatten(0, came.shape[:2])
