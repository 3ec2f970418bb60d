"""The encoder-decoder, from a source to a target: embed, encode, write, read off words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.weighting import SampledLogProb
from regard.core.errors import ConfigError, message
from regard.networks.base import Attentions, Decoder, DecoderOutput, Encoder, EncoderOutput, Looks, positions
from regard.networks.embedding import Embedding
from regard.networks.heads import Head

Source = Int[Tensor, "B K"] | Float[Tensor, "B K P"]  # words, or the cells of images
Penalty = Callable[[Looks, Bool[Tensor, "B T"]], Tensor]  # from looks and which targets are real


@dataclass(frozen=True)
class Writing:
    """Where the writing of a target stands: the states of the decoder and of the head."""

    decoder: Any
    head: Any


class EncoderDecoder(nn.Module):
    """Any encoder, any decoder.  Sutskever et al. 2014; Cho et al. 2014.

    source: what makes vectors (B K D) of a source and its positions: of words an `Embedding`, of other things a module of their own.
    Raises ConfigError where a look mixes probabilities and the head cannot, or the other way round.
    """

    def __init__(self, source: nn.Module, encoder: Encoder, target: Embedding, decoder: Decoder, head: Head) -> None:
        super().__init__()
        _refuse_mixtures(encoder, decoder, head)
        self.source, self.encoder, self.target, self.decoder, self.head = source, encoder, target, decoder, head

    def encode(self, words: Source, valid: Bool[Tensor, "B K"], *, weights: bool = False) -> EncoderOutput:
        """Read a source.  valid: True = a real word (or cell); padding lies on the right."""
        at = positions(torch.zeros(len(words), dtype=torch.long, device=words.device), words.shape[1])
        return self.encoder(self.source(self.head.read(words), at), valid, weights=weights)

    def start(self, encoded: EncoderOutput, words: Source) -> Writing:
        """The state before the first word.  words: of the source that was encoded."""
        return Writing(self.decoder.start(encoded), self.head.start(encoded, words))

    def write(self, words: Int[Tensor, "B T"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        """Read words that were written, from the start sign on, and go on from the decoder's `state` (decoder.start)."""
        return self.decoder(self.target(self.head.wrote(words), positions(state.at, words.shape[1])), state, weights=weights)

    def forward(self, words: Int[Tensor, "B T"], state: Writing) -> tuple[Float[Tensor, "B T V"], Writing]:
        """The log-probabilities of what follows each of the words, which were written, from the start sign on."""
        written, decoder = self.write(words, state.decoder, weights=self.head.looks)
        log_p, head = self.head(written, words, state.head)
        return log_p, Writing(decoder, head)

    def step(self, words: Int[Tensor, " B"], state: Writing) -> tuple[Float[Tensor, "B V"], Writing]:
        """The log-probabilities of the next word, after one more word: the step that search takes."""
        log_p, state = self(words[:, None], state)
        return log_p[:, 0], state

    def loss(
        self,
        words: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: Writing,
        *,
        smoothing: float = 0.0,
        penalty: Penalty | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"], SampledLogProb | None]:
        """The summed objective, the cross-entropy of each real target in nats, and what was drawn while writing.

        words: what the decoder reads; targets: what follows each; state: that of `start`; smoothing: see `Head.loss`; penalty: on
        where it looked, added to the objective.
        """
        written, _ = self.write(words, state.decoder, weights=self.head.looks or penalty is not None)
        total, nats = self.head.loss(written, targets, real, state.head, smoothing=smoothing)
        return total if penalty is None else total + penalty(written.looks, real), nats, written.choice

    def looked(self, words: Int[Tensor, "B T"], state: Writing) -> Looks:
        """Where decoder and head look while they go on from `words`."""
        written, _ = self.write(words, state.decoder, weights=True)
        return self.head.shown(written, words, state.head)

    def attentions(self) -> Attentions:
        """What makes the looks of encoder and decoder."""
        return self.encoder.attentions() | self.decoder.attentions()


def _refuse_mixtures(encoder: Encoder, decoder: Decoder, head: Head) -> None:
    mixing = [x for net in (encoder, decoder) for x in net.modules() if isinstance(x, Attention) and x.weighting.mixes]
    if len(mixing) > decoder.mixes:
        received = f"it in {type(decoder).__name__}" if not decoder.mixes else "another such look beside it"
        expected = "the look at the source of a recurrent decoder in Bahdanau's or Luong's order, and no other"
        raise ConfigError(message("an exact marginal weighting", expected, received, "Use weighting: softmax there."))
    if decoder.mixes and not head.mixes:
        received = type(head).__name__
        do = "Use head: words, or another weighting."
        raise ConfigError(
            message("an exact marginal weighting", "a head of words, which mixes their probabilities", received, do)
        )
    if head.mixes and not decoder.mixes:
        expected = "a recurrent decoder in Bahdanau's or Luong's order, with weighting: marginal"
        raise ConfigError(message(type(head).__name__, expected, type(decoder).__name__, "Use head: words."))
