"""From a source to a target: embed, encode, write, read off words."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.networks.coder import Decoder, Encoded, Encoder, Written, positions
from regard.networks.embed import Embed
from regard.networks.heads import Head


class EncoderDecoder(nn.Module):
    """Any encoder, any decoder.  Sutskever et al. 2014; Cho et al. 2014."""

    def __init__(self, source: Embed, encoder: Encoder, target: Embed, decoder: Decoder, head: Head) -> None:
        super().__init__()
        self.source, self.encoder, self.target, self.decoder, self.head = source, encoder, target, decoder, head

    def encode(self, words: Int[Tensor, "B K"], valid: Bool[Tensor, "B K"], *, weights: bool = False) -> Encoded:
        """Read a source.  valid: True = a real word; padding lies on the right."""
        at = positions(words.new_zeros(len(words)), words.shape[1])
        return self.encoder(self.source(words, at), valid, weights=weights)

    def write(self, words: Int[Tensor, "B T"], state: Any, *, weights: bool = False) -> tuple[Written, Any]:
        """Read words that were written, from the start sign on, and go on from `state` (decoder.start)."""
        return self.decoder(self.target(words, positions(state.at, words.shape[1])), state, weights=weights)

    def step(self, words: Int[Tensor, "B"], state: Any) -> tuple[Float[Tensor, "B V"], Any]:
        """The log-probabilities of the next word, after one more word: the step that search takes."""
        written, state = self.write(words[:, None], state)
        logits = self.head(written.states[:, 0])
        return logits.log_softmax(-1, dtype=torch.promote_types(logits.dtype, torch.float32)), state
