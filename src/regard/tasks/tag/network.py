"""Tagging (N-N): a tag for each token, and maybe one label for the sentence: slot filling, entities, parts of speech."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.pooling import Pool
from regard.data.tokenizer import UNK
from regard.networks.base import Attentions, EncoderOutput, Looks
from regard.networks.char_cnn import CharCNN
from regard.networks.dropout import Dropout
from regard.networks.subwords import of_words
from regard.networks.text_encoder import TextEncoder
from regard.tasks.subword_batches import Pieces
from regard.tasks.tag.batch import TagAnswers, TagBatch
from regard.tasks.tag.crf import ChainCRF
from regard.training.objective import AnsweringNetwork, Loss


class TagScores(NamedTuple):
    """tags: "B K N"; label: "B L", where there are labels; looks: where the encoder and the label's pool looked, if asked."""

    tags: Float[Tensor, "B K N"]
    label: Float[Tensor, "B L"] | None
    looks: Looks


class TagNetwork(AnsweringNetwork):
    """Cross-entropy of the tags, by place or of the whole sequence (`chain`), and of the label, read by a pool.

    Joint intent and slots: Liu & Lane 2016, section 3.2; Goo et al. 2018 (slot-gated).
    unseen: share of the words that training reads as unknown, so that it learns what those are.
    """

    def __init__(
        self,
        reader: TextEncoder,
        *,
        tags: int,
        spelling: CharCNN | None = None,
        chain: ChainCRF | None = None,
        labels: int = 0,
        pool: Pool | None = None,
        dropout: float = 0.0,
        unseen: float = 0.0,
    ) -> None:
        super().__init__()
        self.reader, self.spelling, self.chain, self.pool, self.dropout = reader, spelling, chain, pool, Dropout(dropout)
        self.unseen = unseen
        self.scores = nn.Linear(reader.size, tags)
        self.label = nn.Linear(reader.size, labels) if labels else None

    def forward(self, batch: TagBatch, *, weights: bool = False) -> TagScores:
        words, valid = batch.words.source, batch.words.source_valid
        if self.training and self.unseen:
            words = words.masked_fill(valid & (torch.rand(words.shape, device=words.device) < self.unseen), UNK)
        beside = None if self.spelling is None else F.embedding(batch.spelled, self.spelling(batch.letters))
        encoded = self._read(words, valid, beside, batch.pieces, weights)
        scores = self.scores(encoded.states)
        if self.label is None or self.pool is None:
            return TagScores(scores, None, encoded.looks)
        reading = self.pool(encoded.states, valid, weights=weights)
        looks = {**encoded.looks, **({} if reading.weights is None else {"pool": reading.weights})}
        return TagScores(scores, self.label(self.dropout(reading.context[:, 0])), looks)

    def _read(
        self,
        words: Int[Tensor, "B K"],
        valid: Bool[Tensor, "B K"],
        beside: Float[Tensor, "B K E"] | None,
        pieces: Pieces | None,
        weights: bool,
    ) -> EncoderOutput:
        """A state for each word."""
        if pieces is None:
            return self.reader(words, valid, beside, weights=weights)
        encoded = self.reader(pieces.numbers, pieces.valid, weights=weights)
        states = of_words(encoded.states, pieces.first)
        states = states if beside is None else torch.cat([states, beside.to(states.dtype)], -1)
        return replace(encoded, states=states, valid=valid)

    def loss(self, batch: TagBatch) -> Loss:
        """Summed over tokens, and over sentences for labels, in nats."""
        scores, labels, _ = self(batch)
        assert batch.words.target is not None
        valid = batch.words.source_valid
        total = -self.log_p(scores, batch.words.target, valid).sum()
        if labels is not None and batch.label is not None:
            total = total + F.cross_entropy(labels.float(), batch.label, reduction="sum")
        return Loss(total, total.detach(), int(valid.sum()))

    def log_p(self, scores: Float[Tensor, "B K N"], tags: Int[Tensor, "B K"], valid: Bool[Tensor, "B K"]) -> Float[Tensor, " B"]:
        """The log-probability of the tags of each row."""
        if self.chain is not None:
            return self.chain.log_p(scores, tags, valid)
        each = scores.float().log_softmax(-1).gather(-1, tags.masked_fill(~valid, 0)[..., None])[..., 0]
        return (each * valid).sum(1)

    def attentions(self) -> Attentions:
        return self.reader.attentions() | ({} if self.label is None or self.pool is None else {"pool": self.pool})

    def infer(self, batch: TagBatch, *, weights: bool = False) -> TagAnswers:
        scores, labels, looks = self(batch, weights=weights)
        label = None if labels is None else labels.float().log_softmax(-1)
        if self.chain is None:
            return TagAnswers(scores.float().log_softmax(-1), None, label, looks)
        return TagAnswers(scores.float(), self.chain.transitions.float(), label, looks)
