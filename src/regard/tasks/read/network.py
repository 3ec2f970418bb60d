"""Reading (text + question to a place): a word that fills a blank, or a part of the passage that answers a question."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from regard.data.tokenizer import UNK
from regard.networks.base import Attentions
from regard.tasks.read.batch import ReadAnswers, ReadBatch, ReadText
from regard.tasks.read.layers import AskedReader, JointReader, Pointed, SpanPointer, WordPointer
from regard.training.objective import AnsweringNetwork, Loss


class ReadNetwork(AnsweringNetwork):
    """A reader of both texts, and what points.  unseen: share of the words that training reads as unknown."""

    def __init__(self, reader: AskedReader | JointReader, pointer: WordPointer | SpanPointer, *, unseen: float = 0.0) -> None:
        super().__init__()
        self.reader, self.pointer, self.unseen = reader, pointer, unseen

    def forward(self, batch: ReadBatch, *, weights: bool = False) -> Pointed:
        passage, question = (self._dropped(text) for text in (batch.passage, batch.question))
        *read, looks = self.reader(passage, question, batch.letters, weights=weights)
        with torch.autocast(passage.words.device.type, enabled=False):  # what points decides among hundreds of places
            shares, more = self.pointer(*read, weights=weights)
        return Pointed(shares, looks | more)

    def _dropped(self, text: ReadText) -> ReadText:
        if not (self.training and self.unseen):
            return text
        unread = torch.rand(text.words.shape, device=text.words.device) < self.unseen
        return text._replace(words=text.words.masked_fill(text.valid & unread, UNK))

    @abstractmethod
    def log_p(self, shares: Float[Tensor, "B P K"], batch: ReadBatch) -> Float[Tensor, " B"]:
        """The log-probability of all right answers of a row together."""

    def loss(self, batch: ReadBatch) -> Loss:
        """Summed over questions that have a right answer, in nats; what was cut off with a passage's end is nobody's."""
        assert batch.right is not None
        known = (batch.right[..., 0] >= 0).any(-1)
        total = -self.log_p(self(batch).shares, batch)[known].sum()
        return Loss(total, total.detach(), int(known.sum()))

    def attentions(self) -> Attentions:
        return self.reader.attentions() | self.pointer.attentions()

    def infer(self, batch: ReadBatch, *, weights: bool = False) -> ReadAnswers:
        shares, looks = self(batch, weights=weights)
        return ReadAnswers(shares, {**looks, "pointer": shares.exp()[:, None]} if weights else {})


class ReadWordNetwork(ReadNetwork):
    """`p(w) = sum_{k: x_k = w} s_k`: the word that fills the blank.  Kadlec et al. 2016, section 4.3; Cui et al. 2017, eq. 8-9."""

    def log_p(self, shares: Float[Tensor, "B P K"], batch: ReadBatch) -> Float[Tensor, " B"]:
        assert batch.right is not None
        word = batch.forms.gather(1, batch.right[:, :1, 0].clamp(min=0))
        there = (batch.forms == word) & batch.candidate
        return shares[:, 0].masked_fill(~there, torch.finfo(shares.dtype).min).logsumexp(-1)


class ReadSpanNetwork(ReadNetwork):
    """`p(i, j) = p_start(i) p_end(j)`: the part of the passage from i to j, both included.  Chen et al. 2017, section 3.2."""

    def log_p(self, shares: Float[Tensor, "B P K"], batch: ReadBatch) -> Float[Tensor, " B"]:
        assert batch.right is not None
        start, end = (shares[:, i].gather(1, batch.right[..., i].clamp(min=0)) for i in (0, 1))
        return (start + end).masked_fill(batch.right[..., 0] < 0, torch.finfo(shares.dtype).min).logsumexp(-1)
