"""Pre-training: to tell words that were masked, and whether one text follows another; or, from left to right, the word that follows.
Devlin et al. 2019, section 3.1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from regard.networks.base import Attentions, EncoderOutput
from regard.networks.bert import Bert, MaskedWords
from regard.networks.loss import chunked_cross_entropy
from regard.tasks.pretrain.batch import BertAnswers, BertBatch
from regard.tasks.pretrain.masking import NOTHING
from regard.training.objective import AnsweringNetwork, Loss


class PretrainNetwork(AnsweringNetwork):
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

    def attentions(self) -> Attentions:
        return self.reader.attentions()

    def infer(self, batch: BertBatch, *, weights: bool = False) -> BertAnswers:
        encoded, log_p = self(batch, weights=weights), None
        if self.words is not None and batch.places is not None:
            log_p = self.words.log_p(encoded.states[batch.places[:, 0], batch.places[:, 1]])
        follows = None if self.follows is None else self.follows(encoded.final).float().log_softmax(-1)
        return BertAnswers(log_p, follows, encoded.looks)
