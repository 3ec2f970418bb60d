"""Scores that read what earlier looks took: one query at a time.  Two feel it inside the tanh of an additive score, one adds it."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.memory import AttentionHistory, Memory
from regard.attention.score import AdditiveForm, PrecomputedForm, Score, by_head, weight
from regard.core.errors import ConfigError, message


class _Sensing(Score):
    """`v . tanh(W q + V h + sense(past) + b)`: an additive score that also feels the past of each place."""

    sequential = True

    def __init__(self, query_size: int, key_size: int, size: int, heads: int) -> None:
        super().__init__()
        self.w1, self.w2, self.v = weight(heads, size, key_size), weight(heads, size, query_size), weight(heads, size)
        self.b = nn.Parameter(torch.zeros(heads, size))

    @abstractmethod
    def sense(self, past: AttentionHistory) -> Float[Tensor, "B H K E"]: ...

    @final
    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K E"]:
        return by_head(keys, self.w1)

    @final
    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> AdditiveForm:
        return AdditiveForm(by_head(query, self.w2) + self.b[:, None], memory.keys + self.sense(_past(memory)), self.v)


class LocationSensitive(_Sensing):
    """`v . tanh(W s + V h + U f + b)`, f = F * (the last weights): additive, and each place knows what was just taken around it, through
    `channels` filters of `width` places.  Chorowski et al. 2015, section 2.2, eq. 8-9.

    Padding was never taken, so the filters see zeros there, as beyond either end.  Raises ConfigError where `width` is even.

    Use it where the look moves on step by step, as in speech and spelling: it can learn to go one further.  Recurrent decoders only.

    Cost: (m + n) d^2 for both sides, m n (d + channels (d + width)) for the looks.
    """

    def __init__(self, query_size: int, key_size: int, size: int, channels: int = 10, width: int = 31, *, heads: int = 1) -> None:
        super().__init__(query_size, key_size, size, heads)
        if width % 2 == 0:
            do = f"Write {width + 1}."
            raise ConfigError(message("location-sensitive", "an odd width, with the place in its middle", str(width), do))
        self.filters, self.u = weight(heads, channels, width), weight(heads, size, channels)

    def sense(self, past: AttentionHistory) -> Float[Tensor, "B H K E"]:
        width = self.filters.shape[-1]
        around = F.pad(past.last, (width // 2, width // 2)).unfold(-1, width, 1)
        return by_head(by_head(around, self.filters), self.u)


class AdditiveCoverage(_Sensing):
    """`v . tanh(W s + V h + w c + b)`, c = all that was taken so far: additive, and each place knows how much it was looked at.
    See et al. 2017, section 2.3, eq. 11.

    Use it where nothing should be said twice or left out, as in summaries and translation.  Recurrent decoders only.

    Cost: (m + n) d^2 for both sides, m n d tanh for the looks.
    """

    def __init__(self, query_size: int, key_size: int, size: int, *, heads: int = 1) -> None:
        super().__init__(query_size, key_size, size, heads)
        self.c = weight(heads, size, 1)

    def sense(self, past: AttentionHistory) -> Float[Tensor, "B H K E"]:
        return by_head(past.total[..., None], self.c)


class Coverage(Score):
    """`w c`, c = all that was taken so far: one learned number a head, begun at -1, so that what was taken is wanted less.
    See et al. 2017, section 2.3, eq. 11 (there a vector, inside the tanh).

    Use it added to a score, `scaled + coverage`: the cheapest way not to read a place twice.  Recurrent decoders only.

    Cost: m n.
    """

    sequential = True
    reads = frozenset()

    def __init__(self, *, heads: int = 1) -> None:
        super().__init__()
        self.w = nn.Parameter(-torch.ones(heads))

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K 0"]:
        return keys[..., :0]

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> PrecomputedForm:
        return PrecomputedForm((self.w[:, None] * _past(memory).total)[:, :, None])


def _past(memory: Memory) -> AttentionHistory:
    assert memory.past is not None  # Attention gives one to whatever is sequential
    return memory.past
