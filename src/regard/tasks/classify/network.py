"""Classification (N-1): one label for a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from regard.attention.pooling import hop_overlap
from regard.data.tokenizer import BOS, UNK
from regard.networks.base import Attentions, Looks
from regard.networks.char_cnn import CharCNN
from regard.networks.dropout import Dropout
from regard.networks.pooling import Pooling
from regard.networks.text_encoder import TextEncoder
from regard.tasks.classify.batch import ClassAnswers, ClassBatch
from regard.training.objective import AnsweringNetwork, Loss


class ClassScores(NamedTuple):
    """labels: "B N"; looks: where the encoder and the pool looked, if asked; overlap: of the pool's hops, where it is penalised."""

    labels: Float[Tensor, "B N"]
    looks: Looks
    overlap: Float[Tensor, " B"] | None


class ClassifyNetwork(AnsweringNetwork):
    """Cross-entropy of the label, read off a summary of the states.

    summing: how the states become one vector.  smoothing: share of the probability that is spread over all labels.  weights: how much
    the loss of a text counts in training, by its label; None: all the same.  penalty: times the overlap of the pool's hops, Lin et al.
    2017, section 2.2.  unseen: share of the words that training reads as unknown, so that it learns what those are.
    """

    def __init__(
        self,
        reader: TextEncoder,
        summing: Pooling,
        *,
        labels: int,
        spelling: CharCNN | None = None,
        dropout: float = 0.0,
        smoothing: float = 0.0,
        weights: Sequence[float] | None = None,
        penalty: float = 0.0,
        unseen: float = 0.0,
    ) -> None:
        super().__init__()
        self.reader, self.summing, self.spelling, self.dropout = reader, summing, spelling, Dropout(dropout)
        self.smoothing, self.penalty, self.unseen = smoothing, penalty, unseen
        self.scores = nn.Linear(summing.size, labels)
        self.weights: Tensor | None
        self.register_buffer("weights", None if weights is None else torch.tensor(weights), persistent=False)

    def forward(self, batch: ClassBatch, *, weights: bool = False) -> ClassScores:
        words, valid = batch.words.source, batch.words.source_valid
        if self.training and self.unseen:
            told = valid & (words != BOS)  # the symbol whose state sums a text up is always there
            words = words.masked_fill(told & (torch.rand(words.shape, device=words.device) < self.unseen), UNK)
        beside = None
        if self.spelling is not None and batch.letters is not None and batch.spelled is not None:
            beside = F.embedding(batch.spelled, self.spelling(batch.letters))
        encoded = self.reader(words, valid, beside, weights=weights)
        penalised = self.training and self.penalty > 0
        vector, pooled = self.summing(encoded, weights=weights or penalised)
        overlap = hop_overlap(pooled.float()) if penalised and pooled is not None else None
        looks = {**encoded.looks, **({} if pooled is None else {"pool": pooled})}
        return ClassScores(self.scores(self.dropout(vector)), looks, overlap)

    def loss(self, batch: ClassBatch) -> Loss:
        """Summed over texts, in nats."""
        labels, _, overlap = self(batch)
        assert batch.label is not None
        labels = labels.float()
        each = F.cross_entropy(labels, batch.label, reduction="none", label_smoothing=self.smoothing)
        total = (each if self.weights is None else each * self.weights[batch.label]).sum()
        if overlap is not None:
            total = total + self.penalty * overlap.sum()
        nats = F.cross_entropy(labels.detach(), batch.label, reduction="sum")
        return Loss(total, nats, len(batch.label))

    def attentions(self) -> Attentions:
        return self.reader.attentions() | self.summing.attentions()

    def infer(self, batch: ClassBatch, *, weights: bool = False) -> ClassAnswers:
        """The log-probability of each label, and where it looked."""
        labels, looks, _ = self(batch, weights=weights)
        return ClassAnswers(labels.float().log_softmax(-1), looks)
