"""Memory: what a query may look at.  A source sentence, and also a Transformer's own past: the same thing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.core.optional import in_a_graph
from regard.core.state import tree_map


class AttentionHistory(NamedTuple):
    """What earlier looks took of each place, before fade and dropout; only for looks that go one query at a time.

    looks: how many there were since the place was there: whether nothing was taken yet, or nothing at all.
    """

    last: Float[Tensor, "B H K"]
    total: Float[Tensor, "B H K"]
    looks: Int[Tensor, "B K"]


@dataclass(frozen=True)
class Memory:
    """Places that a query may look at, in order of position.  It never changes: `extend` gives a new one.

    keys:   "B H K D", what the score prepared, once per memory; a tuple of such for a sum of scores
    values: "B H K E", what is gathered
    valid:  "B K", True: a real place; False: padding, which nobody sees (in a memory that grows it lies on the left)
    at:     "B K", the true position of each place: survives dropping, left padding, windows
    past:   what earlier looks took, where the score or the weighting reads it
    """

    keys: Any
    values: Float[Tensor, "B H K E"]
    valid: Bool[Tensor, "B K"]
    at: Int[Tensor, "B K"]
    past: AttentionHistory | None = field(default=None, metadata={"own": True})

    @property
    def length(self) -> Int[Tensor, " B"]:
        """One past the last real position; 0 where nothing is real."""
        return F.pad(torch.where(self.valid, self.at + 1, 0), (1, 0)).amax(-1)

    def extend(self, more: Memory) -> Memory:
        """The places of `more` behind these."""
        return tree_map(lambda a, b: torch.cat([a, b], _axis(a)), self, more)

    def latest(self, count: float) -> Memory:
        """Forget all but the last `count` places: for scopes that look only so far back."""
        K = self.valid.shape[1]
        if K <= count and not (in_a_graph() and count < inf):  # a graph is one for memories of any length
            return self
        kept = min(K, int(count))
        return tree_map(lambda t: t.narrow(_axis(t), K - kept, kept), self)

    def after(self, taken: Float[Tensor, "B H K"]) -> Memory:
        """The same memory once `taken` was taken of its places."""
        return replace(self, past=AttentionHistory(taken, self.past.total + taken, self.past.looks + 1)) if self.past else self


def _axis(t: Tensor) -> int:
    """Where K lies: "B K" or "B H K ..."."""
    return 1 if t.dim() == 2 else 2
