"""Interventions that choose the places of each row by what it takes of them: for measuring whether a look is an explanation.

DeYoung et al. 2020, section 4 (comprehensiveness and sufficiency), for every row of a look at once.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from regard.attention.hard import uniform
from regard.attention.interventions import Intervention, WeightRows, erase_places
from regard.core.errors import ArgumentError, message


@dataclass(frozen=True)
class RankedErasure(Intervention):
    """Some places of each row are erased, as by `Erase`.  share: of the places in sight, rounded up; None: one place.

    With head=None the places are those that the heads take most (or least) of together, the same for all of them.
    Raises ArgumentError for a share that is none.
    """

    _: KW_ONLY
    share: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.share is not None and not 0 < self.share <= 1:
            expected, do = "a share of the places, above 0 and at most 1", "Write share=0.1, or None for one place."
            raise ArgumentError(message(f"{self.name}: share", expected, repr(self.share), do))

    @abstractmethod
    def order(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        """Places with more come first."""

    def choose(self, rows: WeightRows) -> Bool[Tensor, "B H Q K"]:
        """The first places of each row, as many as `share` says; of equal ones those that stand first."""
        order = self.order(rows).masked_fill(~rows.seen, -torch.inf)
        rank = order.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
        sight = rows.seen.sum(-1, keepdim=True)
        count = torch.ones_like(sight) if self.share is None else (sight * self.share - 1e-6).ceil().clamp(min=1)
        return (rank < count) & rows.seen

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        return erase_places(rows.weights, self.choose(rows))

    def _taken(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        taken = rows.weights
        return taken.mean(1, keepdim=True).expand_as(taken) if self.head is None else taken


@dataclass(frozen=True)
class EraseMost(RankedErasure):
    """Without the places that it takes most of: what that costs is the look's comprehensiveness."""

    def order(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        return self._taken(rows)


@dataclass(frozen=True)
class KeepMost(EraseMost):
    """With nothing but the places that it takes most of: what that costs is the look's sufficiency."""

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        return erase_places(rows.weights, ~self.choose(rows))


@dataclass(frozen=True)
class EraseLeast(RankedErasure):
    """Without the places that it takes least of."""

    def order(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        return -self._taken(rows)


@dataclass(frozen=True)
class EraseRandom(RankedErasure):
    """Without places drawn by (seed, row, place), the same for every head, whoever else is in the batch."""

    _: KW_ONLY
    seed: int = 1

    def order(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        drawn = uniform(self.seed, rows.at.new_zeros(1), rows.at, rows.places)
        return drawn.to(rows.weights).expand_as(rows.weights)
