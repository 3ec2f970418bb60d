"""Scopes: which places are in sight, by true position.  Combine them with & | ~."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.ground.errors import ConfigError, message

Reach = tuple[float, float]  # at most so many places back, and ahead


class Sight(NamedTuple):
    """mask: which places may be taken, True = may look.  fade: in (0, 1], by how much the weight of each is reduced, after weighting."""

    mask: Bool[Tensor, "B #H Q K"]
    fade: Float[Tensor, "B #H Q K"] | None = None


class Scope(nn.Module, ABC):
    """Which places each query may see.  A new scope is one class with a `forward` and, where it is bounded, a `reach`."""

    reach: Reach = (math.inf, math.inf)  # at most so far back and ahead: lets memory forget
    fades = False  # may hand over a fade: cannot be negated
    whole = False  # must know where the memory ends: refused where a memory grows

    @abstractmethod
    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        """query: the asking states; at, k_at: true positions of queries and places; length: one past the last real place, for each
        query: the memory's end, or the query's own place where another scope lets it see no further."""

    def __and__(self, other: Scope) -> Scope:
        return And(self, other)

    def __or__(self, other: Scope) -> Scope:
        return Or(self, other)

    def __invert__(self) -> Scope:
        return Not(self)


class Everywhere(Scope):
    """Every place: global attention.  Luong et al. 2015, section 3.1."""

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        return Sight(torch.ones(len(at), 1, at.shape[1], k_at.shape[1], dtype=torch.bool, device=at.device))


class Causal(Scope):
    """Places up to the query's own: `k <= q`.  Vaswani et al. 2017, section 3.2.3."""

    reach = (math.inf, 0)

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        return Sight((k_at[:, None] <= at[:, :, None])[:, None])


class Window(Scope):
    """Places from `back` before the query to `ahead` after it: restricted self-attention.  Vaswani et al. 2017, section 4.

    Window(r) looks r to both sides, 2r + 1 places; Window(back, ahead) names each side.
    """

    def __init__(self, back: int, ahead: int | None = None) -> None:
        super().__init__()
        self.back, self.ahead = back, back if ahead is None else ahead
        if self.back < 0 or self.ahead < 0:
            raise ConfigError(
                message("window", "counts of 0 or more", f"back={self.back}, ahead={self.ahead}", "Name how far it looks.")
            )
        self.reach = (self.back, self.ahead)

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        far = k_at[:, None] - at[:, :, None]
        return Sight(((far >= -self.back) & (far <= self.ahead))[:, None])


class And(Scope):
    """What both see; fades multiply.  Where one never looks ahead, what the other sees ends at the query's own place."""

    def __init__(self, a: Scope, b: Scope) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.reach = (min(a.reach[0], b.reach[0]), min(a.reach[1], b.reach[1]))
        self.fades, self.whole = a.fades or b.fades, (a.whole or b.whole) and self.reach[1] > 0

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        length = torch.minimum(length, at + 1) if self.reach[1] <= 0 else length
        (a, fa), (b, fb) = self.a(query, at, k_at, length), self.b(query, at, k_at, length)
        return Sight(a & b, fb if fa is None else fa if fb is None else fa * fb)


class Or(Scope):
    """What either sees; where both do, in the brighter light."""

    def __init__(self, a: Scope, b: Scope) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.reach = (max(a.reach[0], b.reach[0]), max(a.reach[1], b.reach[1]))
        self.fades, self.whole = a.fades or b.fades, a.whole or b.whole

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        a, b = self.a(query, at, k_at, length), self.b(query, at, k_at, length)
        light = [s.mask.to(query) * (1.0 if s.fade is None else s.fade) for s in (a, b)] if self.fades else None
        return Sight(a.mask | b.mask, torch.maximum(*light) if light else None)


class Not(Scope):
    """What the other does not see.  A scope that fades has no opposite: refused."""

    def __init__(self, a: Scope) -> None:
        super().__init__()
        if a.fades:
            raise ConfigError(message("~scope", "a scope that does not fade", "one that does", "Negate its crisp parts instead."))
        self.a, self.whole = a, a.whole

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> Sight:
        return Sight(~self.a(query, at, k_at, length).mask)
