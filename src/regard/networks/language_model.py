"""The language model: a net that writes on from what it wrote alone: no source, no encoder."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.networks.base import Attentions, Decoder, DecoderOutput, EncoderOutput, Looks, positions
from regard.networks.cells import Stack
from regard.networks.dropout import Dropout
from regard.networks.embedding import Embedding
from regard.networks.heads import WordsHead
from regard.networks.recurrent import RecurrentState


class CellsDecoder(Decoder):
    """`h_t = cell(h_{t-1}, w_t)`: cells alone, from a state of zeros.  Mikolov et al. 2010, section 2.

    What was encoded says only how many rows there are.  Under a `SelfAttentiveDecoder` it looks back at its own states.
    """

    def __init__(self, stack: Stack, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.stack, self.dropout, self.size = stack, Dropout(dropout), stack.size

    def start(self, encoded: EncoderOutput) -> RecurrentState:
        zero = encoded.states.new_zeros(len(encoded.states), self.stack.size)
        return RecurrentState(
            torch.zeros_like(encoded.valid[:, :1].sum(1)), tuple(cell.start(zero) for cell in self.stack.cells), None, zero[:, :0]
        )

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        h, cells = self.stack.over(x, state.cells)
        return DecoderOutput(self.dropout(h), {}), RecurrentState(state.at + x.shape[1], cells, None, state.source)


class LanguageNet(nn.Module):
    """`p(w_1 ... w_n) = prod_t p(w_t | w_1 ... w_{t-1})`: an embedding, a decoder without a source, and what reads words off it.
    Bengio et al. 2003, section 1.1 (eq. of the joint probability)."""

    def __init__(self, embed: Embedding, decoder: Decoder, head: WordsHead) -> None:
        super().__init__()
        self.embed, self.decoder, self.head = embed, decoder, head

    def start(self, rows: int) -> Any:
        """The state before the first word, for so many rows."""
        none = self.embed.table.weight.new_zeros(rows, 0, self.decoder.size)
        valid = torch.zeros(rows, 0, dtype=torch.bool, device=none.device)
        return self.decoder.start(EncoderOutput(none, valid, none[:, :, :0].sum(1)))

    def write(self, words: Int[Tensor, "B T"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        """Read words, each after those before it, from the start sign on."""
        return self.decoder(self.embed(words, positions(state.at, words.shape[1])), state, weights=weights)

    def forward(self, words: Int[Tensor, "B T"], state: Any) -> tuple[Float[Tensor, "B V"], Any]:
        """The log-probabilities of what follows the last of the words."""
        written, state = self.write(words, state)
        return self.head.log_p(written.states[:, -1]), state

    def loss(
        self,
        words: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: Any,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"], Any]:
        """The summed objective, the cross-entropy of each real target in nats, and the state behind the words."""
        written, state = self.write(words, state)
        return *self.head.loss(written, targets, real, None, smoothing=smoothing), state

    def looked(self, words: Int[Tensor, "B T"], state: Any) -> Looks:
        """Where it looks while it reads on: "B H T K" by layer, the last K = T columns the words themselves."""
        return self.write(words, state, weights=True)[0].looks

    def attentions(self) -> Attentions:
        """What makes these looks, in their order."""
        return {f"past.{i}": look for i, look in enumerate(self.decoder.attentions().values())}
