"""Pre-training: to tell words that were masked, and whether one text follows another; or, from left to right, the word that follows.
Devlin et al. 2019, section 3.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.networks.base import EncoderOutput, of_rows
from regard.networks.bert import Bert, MaskedWords
from regard.networks.loss import chunked_cross_entropy
from regard.training.objective import Loss, TaskNetwork

NOTHING = -1  # at places where nothing is to be told
PART = 1024  # words that are judged at a time: the probabilities of all of a vocabulary take room


@dataclass(frozen=True, eq=False)
class BertBatch:
    """Texts side by side.  targets: what is to be told at each place, or -1; follows: 0 where the second text follows the first, 1 where
    it does not, -1 where there is no second."""

    words: Int[Tensor, "B K"]
    valid: Bool[Tensor, "B K"]
    segments: Int[Tensor, "B K"]
    targets: Int[Tensor, "B K"]
    follows: Int[Tensor, " B"]


class PretrainFigures(NamedTuple):
    """Of each row: how many words were to be told, how many of them were, in how many nats; and the log-probability that the second
    text follows, and that it does not."""

    asked: Int[Tensor, " B"]
    right: Int[Tensor, " B"]
    nats: Float[Tensor, " B"]
    follows: Float[Tensor, "B 2"] | None
    best: Int[Tensor, " N"]


class PretrainNetwork(TaskNetwork):
    """Cross-entropy of the words to be told, and of whether the second text follows.

    The second counts, in each row, as much as the mean word does: where both are learnt, the loss of a word is the sum of the two means, as
    in the paper's code.  words, follows: None where it is not learnt.
    """

    def __init__(self, reader: Bert, words: MaskedWords | None, follows: nn.Linear | None) -> None:
        super().__init__()
        self.reader, self.words, self.follows = reader, words, follows

    def forward(self, batch: BertBatch, *, weights: bool = False) -> EncoderOutput:
        return self.reader(batch.words, batch.valid, segments=batch.segments, weights=weights)

    def loss(self, batch: BertBatch) -> Loss:
        """Summed over words, or over pairs where no words are told; in nats."""
        encoded = self(batch)
        chosen, known = batch.targets != NOTHING, batch.follows >= 0
        count = chosen.sum(1) if self.words is not None else known.long()
        total = nats = encoded.states.new_zeros((), dtype=torch.float32)
        if self.words is not None and chosen.any():
            told, each = chunked_cross_entropy(*self.words.parts(encoded.states[chosen]), batch.targets[chosen])
            total, nats = total + told, nats + each.sum()
        if self.follows is not None and known.any():
            scores = self.follows(encoded.final[known]).float()
            sum_ = (F.cross_entropy(scores, batch.follows[known], reduction="none") * count[known]).sum()
            total, nats = total + sum_, nats + sum_.detach()
        return Loss(total, nats, max(int(count.sum()), 1))

    @torch.no_grad()
    def judged(self, batch: BertBatch) -> PretrainFigures:
        """How well each row was told."""
        encoded, chosen = self(batch), batch.targets != NOTHING
        states, wanted, row = encoded.states[chosen], batch.targets[chosen], chosen.nonzero()[:, 0]
        count = chosen.sum(1)
        if self.words is None:
            return PretrainFigures(count, torch.zeros_like(count), torch.zeros(len(count)), self.next(encoded), row.new_zeros(0))
        best, nats = [], []
        for some, right in zip(states.split(PART), wanted.split(PART), strict=True):
            log_p = self.words.log_p(some)
            best.append(log_p.argmax(-1))
            nats.append(-log_p.gather(1, right[:, None])[:, 0])
        told = torch.cat(best)
        same = torch.zeros_like(count).index_add(0, row, (told == wanted).long())
        return PretrainFigures(count, same, torch.zeros(len(count)).index_add(0, row, torch.cat(nats)), self.next(encoded), told)

    @torch.no_grad()
    def told(
        self, batch: BertBatch, places: Int[Tensor, "N 2"], *, weights: bool = False
    ) -> tuple[Float[Tensor, "N V"] | None, Float[Tensor, "B 2"] | None, list[dict[str, np.ndarray]]]:
        """The log-probabilities of all words at places (row, place), those of the next sentence, and where each row looked."""
        encoded = self(batch, weights=weights)
        log_p = None if self.words is None else self.words.log_p(encoded.states[places[:, 0], places[:, 1]])
        return log_p, self.next(encoded), of_rows(encoded.looks, batch.valid)

    def next(self, encoded: EncoderOutput) -> Float[Tensor, "B 2"] | None:
        """The log-probability that the second text follows (0) or does not (1)."""
        return None if self.follows is None else self.follows(encoded.final).float().log_softmax(-1)
