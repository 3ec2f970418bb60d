"""The text encoder: words to states, for every task that says something of a text and writes none."""

from __future__ import annotations

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.networks.base import Attentions, Encoder, EncoderOutput, positions
from regard.networks.embedding import Embedding


class TextEncoder(nn.Module):
    """An embedding and an encoder.  size: width of the states."""

    def __init__(self, embed: Embedding, encoder: Encoder) -> None:
        super().__init__()
        self.embed, self.encoder, self.size = embed, encoder, encoder.size

    def forward(
        self,
        words: Int[Tensor, "B K"],
        valid: Bool[Tensor, "B K"],
        beside: Float[Tensor, "B K E"] | None = None,
        *,
        segments: Int[Tensor, "B K"] | None = None,
        weights: bool = False,
    ) -> EncoderOutput:
        """valid: True = a real word; padding lies on the right.  beside: what else is known of each word, see `Embedding`.  segments: which
        of two texts each word is of; only a reader that tells them apart (`bert.Bert`) makes use of it."""
        at = positions(words.new_zeros(len(words)), words.shape[1])
        return self.encoder(self.embed(words, at, beside), valid, weights=weights)

    def attentions(self) -> Attentions:
        """What makes the looks that it tells."""
        return self.encoder.attentions()
