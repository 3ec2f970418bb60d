"""Pooling, a text in one vector: what a classifier reads of the states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from regard.attention.pooling import Pool, StructuredPool
from regard.networks.base import Attentions, EncoderOutput


class PooledText(NamedTuple):
    """vector: zeros for a text without any place.  weights: "B H R K", where a look sums up and they were asked for."""

    vector: Float[Tensor, "B D"]
    weights: Float[Tensor, "B H R K"] | None = None


class Pooling(nn.Module, ABC):
    """From states to a vector.  size: its width."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    @abstractmethod
    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText: ...

    def attentions(self) -> Attentions:
        """What makes its weights, where a look sums up."""
        return {}


class LastPooling(Pooling):
    """`c = h_n`, of both directions side by side: the last word, or for the way back the first, where all has been read."""

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText:
        return PooledText(encoded.final)


class FirstPooling(Pooling):
    """`c = h_1`: the state of a symbol that stands before the text to sum it up.  Devlin et al. 2019, section 3 (`[CLS]`)."""

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText:
        return PooledText(encoded.states[:, 0] * encoded.valid[:, :1])


class MeanPooling(Pooling):
    """`c = 1/n sum_k h_k`: every place counts the same."""

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText:
        total = torch.where(encoded.valid[..., None], encoded.states, 0.0).sum(1)
        return PooledText(total / encoded.valid.sum(1, keepdim=True).clamp(min=1))


class MaxPooling(Pooling):
    """`c_i = max_k h_ki`: each number from the place where it is greatest.  Collobert et al. 2011, section 3.3.2; over recurrent states
    Lai et al. 2015, section 2.2."""

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText:
        best = encoded.states.masked_fill(~encoded.valid[..., None], torch.finfo(encoded.states.dtype).min).amax(1)
        return PooledText(torch.where(encoded.valid.any(1, keepdim=True), best, 0.0))


class AttentionPooling(Pooling):
    """The readings of a pool, its hops side by side.  Raffel & Ellis 2015, section 1; Lin et al. 2017, section 2.1.

    size: width of the states.
    """

    def __init__(self, pool: Pool | StructuredPool, *, size: int, hops: int = 1) -> None:
        super().__init__(hops * size)
        self.pool = pool

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> PooledText:
        reading = self.pool(encoded.states, encoded.valid, weights=weights)
        return PooledText(reading.context.flatten(1), reading.weights)

    def attentions(self) -> Attentions:
        return {"pool": self.pool.pool if isinstance(self.pool, StructuredPool) else self.pool}
