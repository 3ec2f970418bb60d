"""Scores by where a query and a place stand, whatever the place holds.  Most are biases: added to a score that reads both, as in
`scaled + alibi`; alone they are legal scores too."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory
from regard.attention.score import PrecomputedForm, Score, by_head, weight
from regard.core.errors import ConfigError, DataError, message


class _Placed(Score):
    """A score that keeps nothing of the keys."""

    reads = frozenset({"places"})

    @final
    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K 0"]:
        return keys[..., :0]


class Location(_Placed):
    """`(W q)_k`: from the query alone, one number for each of `max` places.  Luong et al. 2015, section 3.1, eq. 8 (location).

    Raises DataError where a real place stands at `max` or beyond.

    Use it as a baseline: it knows where it looks, and not at what.

    Cost: m d max for the table, m n to read it.
    """

    reads = frozenset({"query", "places"})

    def __init__(self, query_size: int, max: int, *, heads: int = 1) -> None:
        super().__init__()
        self.w = weight(heads, max, query_size)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> PrecomputedForm:
        most = self.w.shape[1]
        if bool((memory.length > most).any()):
            do = "Cut or leave out what is longer, or train with a larger max."
            raise DataError(message("location", f"at most {most} places", f"{int(memory.length.max())} places", do))
        table, place = by_head(query, self.w), memory.at.clamp(0, most - 1)[:, None, None]  # clamped: padding may stand anywhere
        return PrecomputedForm(table.gather(-1, place.expand(*table.shape[:3], -1)))


class Alibi(_Placed):
    """`-s |i - j|`: the further, the less; no parameters, s = 2^(-8 h / H) for head h of H.  Press et al. 2022, section 3.

    Where H is no power of two, the slopes of the power below come first, then every other one of the power above, as in the authors'
    code.  Looks may go both ways, so the distance is taken without its sign.

    Use it added to scaled in a Transformer with `positions: none`: it goes on to sequences longer than those of the training.

    Cost: m n.
    """

    def __init__(self, *, heads: int = 1) -> None:
        super().__init__()
        self.slope = nn.Buffer(torch.tensor(_slopes(heads)), persistent=False)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> PrecomputedForm:
        return PrecomputedForm((-self.slope[:, None, None] * _ahead(memory, at).abs()[:, None]).to(query))


class Relative(_Placed):
    """`q . a_c / sqrt(D)`, c = j - i cut to [-max, max]: a learned vector for each distance, shared by the heads.  Shaw et al. 2018,
    sections 3.2 and 3.3, eq. 5 (its term of the keys; the values have none here).

    Use it added to scaled: `scaled + relative(16)` is Shaw's score; what lies more than `max` away is all alike.

    Cost: m d max for the table, m n to read it.
    """

    reads = frozenset({"query", "places"})

    def __init__(self, query_size: int, max: int = 16) -> None:
        super().__init__()
        self.table = weight(2 * max + 1, query_size)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> PrecomputedForm:
        most = len(self.table) // 2
        near = (_ahead(memory, at).clamp(-most, most) + most)[:, None]
        told = query @ self.table.T / math.sqrt(query.shape[-1])
        return PrecomputedForm(told.gather(-1, near.expand(-1, told.shape[1], -1, -1)))


class _Bucketed(_Placed):
    """A learned number for each head and bucket of distances: near ones have a bucket each, further ones share, the wider the further,
    and from `distance` on there is one."""

    def __init__(self, buckets: int, each: int, distance: int, heads: int) -> None:
        """each: how many of the buckets one direction has."""
        super().__init__()
        if distance <= each // 2:
            received = f"distance={distance} with {each // 2} buckets of a single distance"
            raise ConfigError(
                message("t5", "a distance beyond the single ones", received, "Raise distance, or take fewer buckets.")
            )
        self.table = weight(heads, buckets)
        self.buckets = nn.Buffer(_buckets(each, distance), persistent=False)

    @abstractmethod
    def bucket(self, ahead: Int[Tensor, "B Q K"]) -> Int[Tensor, "B Q K"]:
        """Which bucket a place so far ahead is in (behind: negative)."""

    @final
    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> PrecomputedForm:
        return PrecomputedForm(self.table[:, self.bucket(_ahead(memory, at))].transpose(0, 1).to(query))

    @final
    def of(self, far: Int[Tensor, "B Q K"]) -> Int[Tensor, "B Q K"]:
        """The bucket of a distance within its direction."""
        return self.buckets[far.clamp(max=len(self.buckets) - 1)]


class T5(_Bucketed):
    """`b_bucket(j - i)`: a learned number a head for each bucket of distances, half of the `buckets` for places behind and half for
    those ahead, logarithmic up to `distance`.  Raffel et al. 2020, section 2.1.

    Raises ConfigError where `buckets` is odd or `distance` too short for them.

    Use it added to a score in an encoder, `dot + t5` as in T5: it learns which distances count, and needs no other positions.

    Cost: m n.
    """

    def __init__(self, buckets: int = 32, distance: int = 128, *, heads: int = 1) -> None:
        if buckets % 2 or buckets < 4:
            do = "Write t5(32)."
            raise ConfigError(message("t5", "an even number of buckets, at least 4", str(buckets), do))
        super().__init__(buckets, buckets // 2, distance, heads)

    def bucket(self, ahead: Int[Tensor, "B Q K"]) -> Int[Tensor, "B Q K"]:
        return self.of(ahead.abs()) + (ahead > 0) * (self.table.shape[1] // 2)


class T5Causal(_Bucketed):
    """`b_bucket(max(i - j, 0))`: as t5, with all `buckets` for places behind; what is ahead counts as near.  Raffel et al. 2020,
    section 2.1.

    Raises ConfigError where `distance` is too short for the buckets.

    Use it added to a score in a decoder's self-attention, which never looks ahead.

    Cost: m n.
    """

    def __init__(self, buckets: int = 32, distance: int = 128, *, heads: int = 1) -> None:
        super().__init__(buckets, buckets, distance, heads)

    def bucket(self, ahead: Int[Tensor, "B Q K"]) -> Int[Tensor, "B Q K"]:
        return self.of((-ahead).clamp(min=0))


def _ahead(memory: Memory, at: Int[Tensor, "B Q"]) -> Int[Tensor, "B Q K"]:
    """j - i: how far a place lies ahead of the query."""
    return memory.at[:, None] - at[:, :, None]


def _slopes(heads: int) -> list[float]:
    near = 2 ** int(math.log2(heads))
    first = [2 ** (-8 * (h + 1) / near) for h in range(near)]
    return first if near == heads else first + _slopes(2 * near)[0::2][: heads - near]


def _buckets(count: int, distance: int) -> Int[Tensor, " K"]:
    """The bucket of each distance from 0 to `distance`: the lower half hold one each, the upper half grow by a factor.

    Made once, in float32 on the CPU, so that a boundary lies at the same place on every machine.
    """
    alone = count // 2
    far = torch.arange(distance + 1, device="cpu")
    share = torch.log(far.clamp(min=alone).float() / alone) / math.log(distance / alone)
    return torch.where(far < alone, far, (alone + (share * (count - alone)).long()).clamp(max=count - 1))
