"""The Transformer whose own looks are recurrent nets.  Feng et al. 2024."""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.aaren import Aaren, PrefixSummary, RememberedPrefix
from regard.attention.weighting import SampledLogProb
from regard.networks.transformer import DecoderLayerBase, EncoderLayerBase, LayerOutput


class AarenEncoderLayer(EncoderLayerBase):
    """An Aaren reads from left to right, then a feed-forward net: no place knows what stands behind it."""

    attention: Aaren

    def look(
        self, y: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], weights: bool
    ) -> tuple[Float[Tensor, "B K D"], Tensor | None, SampledLogProb | None]:
        read = self.attention(y, self.attention.start(y), valid, weights=weights)
        return read.context, read.weights, None


class AarenDecoderLayer(DecoderLayerBase):
    """An Aaren over what was written, a look at the source, a feed-forward net.  What is kept of one's own past is O(1)."""

    own: Aaren

    def start(self, none: Float[Tensor, "B 0 D"]) -> PrefixSummary | RememberedPrefix:
        return self.own.start(none)

    def look_back(self, y: Float[Tensor, "B T D"], own: Any, at: Int[Tensor, "B T"], weights: bool) -> LayerOutput:
        read = self.own(y, own, weights=weights)
        return LayerOutput(read.context, read.state, read.weights, None)
