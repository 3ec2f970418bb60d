"""Scopes: which places are in sight, by true position.  Combine them with & | ~."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.core.errors import ConfigError, message

Reach = tuple[float, float]  # at most so many places back, and ahead


class AttentionMask(NamedTuple):
    """mask: which places may be taken, True = may look.  fade: in (0, 1], by how much the weight of each is reduced, after weighting."""

    mask: Bool[Tensor, " B #H Q K"]
    fade: Float[Tensor, " B #H Q K"] | None = None


class Scope(nn.Module, ABC):
    """Which places each query may see.  A new scope is one class with a `forward` and, where it is bounded, a `reach`."""

    reach: Reach = (math.inf, math.inf)  # at most so far back and ahead: lets memory forget
    fades = False  # may hand over a fade: cannot be negated
    whole = False  # must know where the memory ends: refused where a memory grows
    exact = False  # sees all that is within reach
    ends = True  # asks for `length`, which costs a few steps to know

    @abstractmethod
    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        """query: the asking states; at, k_at: true positions of queries and places; length: one past the last real place, for each
        query: the memory's end, or the query's own place where another scope lets it see no further."""

    def __and__(self, other: Scope) -> Scope:
        return And(self, other)

    def __or__(self, other: Scope) -> Scope:
        return Or(self, other)

    def __invert__(self) -> Scope:
        return Not(self)


class Everywhere(Scope):
    """`k < n`: every place, global attention.  Luong et al. 2015, section 3.1.

    Use it on sources of a sentence or a few: nothing can be missed.

    Cost: m n places.
    """

    exact, ends = True, False

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask(torch.ones(len(at), 1, at.shape[1], k_at.shape[1], dtype=torch.bool, device=at.device))


class Causal(Scope):
    """`k <= q`: places up to the query's own.  Vaswani et al. 2017, section 3.2.3.

    Use it where what is looked at is still being written; decoders add it to any scope of their own past.

    Cost: m n / 2 places that count, where the queries are the places; all m n are scored.
    """

    reach = (math.inf, 0)
    exact, ends = True, False

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask((k_at[:, None] <= at[:, :, None])[:, None])


class Window(Scope):
    """`q - back <= k <= q + ahead`: the places around the query's own, restricted self-attention.  Vaswani et al. 2017, section 4.

    Window(r) looks r to both sides, 2r + 1 places; Window(back, ahead) names each side.  Raises ConfigError for counts below 0.

    Use it in self-attention over long texts, where what matters is near; layers above each other reach further.

    Cost: m (back + 1 + ahead) places that count; a decoder forgets what lies further back, self-attention over more than 256 places
    leaves the others out, elsewhere all m n are scored.
    """

    exact, ends = True, False

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
    ) -> AttentionMask:
        far = k_at[:, None] - at[:, :, None]
        return AttentionMask(((far >= -self.back) & (far <= self.ahead))[:, None])


class Dilated(Scope):
    """`(q - k) mod step = 0`: every `step`-th place, counted from the query's own.  Child et al. 2019, section 4.3; Beltagy et al. 2020,
    section 3.1.

    With a window it is Beltagy et al.'s dilated one: `window(64) & dilated(4)`.  Raises ConfigError for a step below 1.

    Use it where much must be overlooked from afar, beside a scope that sees what is near: `window(8) | dilated(8)`.

    Cost: m n / step places that count; all m n are scored.
    """

    ends = False

    def __init__(self, step: int) -> None:
        super().__init__()
        if step < 1:
            raise ConfigError(message("dilated", "a step of 1 or more", str(step), "Name which places it sees: every how many."))
        self.step = step

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask(((k_at[:, None] - at[:, :, None]) % self.step == 0)[:, None])


class Prefix(Scope):
    """`k < count`: the first places alone, whoever asks.  Raffel et al. 2020, section 3.2.1 (the prefix of a prefix LM).

    `causal | prefix(count)` is a prefix LM: the prefix is read in both directions, what follows in one.  Raises ConfigError for a
    count below 1.

    Use it where a text begins with what it is about: a task's name, a question, a source written before its target.

    Cost: m count places that count; all m n are scored.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.ends = _first("prefix", count), False
        self.reach = (math.inf, count - 1)  # no query stands before place 0

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask((k_at < self.count)[:, None, None].expand(-1, 1, at.shape[1], -1))


class Global(Scope):
    """`k < count or q < count`: the first places are seen by all and see all.  Beltagy et al. 2020, section 3.1 (global attention).

    Raises ConfigError for a count below 1.

    Use it beside a window, `window(8) | global(1)`: what is far apart meets in the first places, two layers up.

    Cost: (m + n) count places that count; all m n are scored.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.ends = _first("global", count), False

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask(((k_at < self.count)[:, None] | (at < self.count)[:, :, None])[:, None])


def _first(what: str, count: int) -> int:
    if count < 1:
        raise ConfigError(message(what, "a count of 1 or more", str(count), "Name how many places come first."))
    return count


class And(Scope):
    """What both see; fades multiply.  Where one never looks ahead, what the other sees ends at the query's own place."""

    def __init__(self, a: Scope, b: Scope) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.reach = (min(a.reach[0], b.reach[0]), min(a.reach[1], b.reach[1]))
        self.fades, self.whole = a.fades or b.fades, (a.whole or b.whole) and self.reach[1] > 0
        self.exact, self.ends = a.exact and b.exact, a.ends or b.ends

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        length = torch.minimum(length, at + 1) if self.reach[1] <= 0 else length
        (a, fa), (b, fb) = self.a(query, at, k_at, length), self.b(query, at, k_at, length)
        return AttentionMask(a & b, fb if fa is None else fa if fb is None else fa * fb)


class Or(Scope):
    """What either sees; where both do, in the brighter light."""

    def __init__(self, a: Scope, b: Scope) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.reach = (max(a.reach[0], b.reach[0]), max(a.reach[1], b.reach[1]))
        self.fades, self.whole, self.ends = a.fades or b.fades, a.whole or b.whole, a.ends or b.ends

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        a, b = self.a(query, at, k_at, length), self.b(query, at, k_at, length)
        light = [s.mask.to(query) * (1.0 if s.fade is None else s.fade) for s in (a, b)] if self.fades else None
        return AttentionMask(a.mask | b.mask, torch.maximum(*light) if light else None)


class Not(Scope):
    """What the other does not see.  A scope that fades has no opposite: refused."""

    def __init__(self, a: Scope) -> None:
        super().__init__()
        if a.fades:
            raise ConfigError(message("~scope", "a scope that does not fade", "one that does", "Negate its crisp parts instead."))
        self.a, self.whole, self.ends = a, a.whole, a.ends

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        return AttentionMask(~self.a(query, at, k_at, length).mask)
