"""Tagging (N-N): a tag for each token, and maybe one label for the sentence: slot filling, entities, parts of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.pooling import Pool
from regard.data.batches import Batch
from regard.networks.coder import positions
from regard.networks.crf import ChainCRF
from regard.networks.dropout import Dropout
from regard.networks.embed import Embed
from regard.networks.recurrent import RecurrentEncoder
from regard.networks.spelled import SpelledEmbed
from regard.networks.transformer import TransformerEncoder
from regard.tasks.task import Loss, Task


@dataclass(frozen=True, eq=False)
class TagBatch:
    """Sentences side by side.  words: `source` is what is read, `target` its tags, where they are known; letters: of each word, 0 is
    padding; label: of each sentence, where there is one."""

    words: Batch
    letters: Int[Tensor, "B K L"]
    label: Int[Tensor, "B"] | None = None


class Answers(NamedTuple):
    """tags: "B K"; log_p: of all tags of a row together; label and its log-probability; looks: where the label's pool looked."""

    tags: Int[Tensor, "B K"]
    log_p: Float[Tensor, "B"]
    label: Int[Tensor, "B"] | None
    label_log_p: Float[Tensor, "B"] | None
    looks: Float[Tensor, "B H 1 K"] | None


class Tag(Task):
    """Cross-entropy of the tags, by place or of the whole sequence (`chain`), and of the label, read by a pool.

    Joint intent and slots: Liu & Lane 2016, section 3.2; Goo et al. 2018 (slot-gated).
    """

    def __init__(
        self,
        embed: Embed | SpelledEmbed,
        encoder: RecurrentEncoder | TransformerEncoder,
        *,
        tags: int,
        chain: ChainCRF | None,
        labels: int = 0,
        pool: Pool | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embed, self.encoder, self.chain, self.pool, self.dropout = embed, encoder, chain, pool, Dropout(dropout)
        self.scores = nn.Linear(encoder.size, tags)
        self.label = nn.Linear(encoder.size, labels) if labels else None

    def forward(self, batch: TagBatch, *, weights: bool = False) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Scores of tags "B K N", of labels "B L", and where the label's pool looked."""
        words, valid = batch.words.source, batch.words.source_valid
        at = positions(words.new_zeros(len(words)), words.shape[1])
        spelled = isinstance(self.embed, SpelledEmbed)
        x = self.embed(words, at, batch.letters) if spelled else self.embed(words, at)
        states = self.encoder(x, valid).states
        scores = self.scores(states)
        if self.label is None or self.pool is None:
            return scores, None, None
        reading = self.pool(states, valid, weights=weights)
        return scores, self.label(self.dropout(reading.context[:, 0])), reading.weights

    def loss(self, batch: TagBatch) -> Loss:  # type: ignore[override]
        """Summed over tokens, and over sentences for labels, in nats."""
        scores, labels, _ = self(batch)
        assert batch.words.target is not None
        valid = batch.words.source_valid
        total = -self.log_p(scores, batch.words.target, valid).sum()
        if labels is not None and batch.label is not None:
            total = total + F.cross_entropy(labels.float(), batch.label, reduction="sum")
        return Loss(total, total.detach(), int(valid.sum()))

    def log_p(self, scores: Float[Tensor, "B K N"], tags: Int[Tensor, "B K"], valid: Bool[Tensor, "B K"]) -> Float[Tensor, "B"]:
        """The log-probability of the tags of each row."""
        if self.chain is not None:
            return self.chain.log_p(scores, tags, valid)
        each = scores.float().log_softmax(-1).gather(-1, tags.masked_fill(~valid, 0)[..., None])[..., 0]
        return (each * valid).sum(1)

    @torch.no_grad()
    def answer(self, batch: TagBatch, *, weights: bool = False) -> Answers:
        """The likeliest tags and label of each row; 0 at padding."""
        scores, labels, looks = self(batch, weights=weights)
        valid = batch.words.source_valid
        tags = self.chain.best(scores, valid) if self.chain is not None else scores.argmax(-1).masked_fill(~valid, 0)
        log_p = self.log_p(scores, tags, valid)
        if labels is None:
            return Answers(tags, log_p, None, None, None)
        best = labels.float().log_softmax(-1).max(-1)
        return Answers(tags, log_p, best.indices, best.values, looks)
