"""Reading (text + question to a place): a word that fills a blank, or a part of the passage that answers a question."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.attention_over_attention import by_word
from regard.data.tokenizer import UNK
from regard.networks.base import Looks
from regard.tasks.read.layers import AskedReader, JointReader, Pointed, ReadText, SpanPointer, WordPointer, best_spans
from regard.training.objective import Loss, TaskNetwork

AXES = {  # what lies along the rows and the columns of a look, by the first part of its name
    "passage": ("passage", "passage"),
    "question": ("question", "question"),
    "aligned": ("passage", "question"),
    "columns": ("question", "passage"),
    "importance": ("importance", "question"),
    "asked": ("question as a whole", "question"),
    "pointer": ("answer", "passage"),
}


@dataclass(frozen=True, eq=False)
class ReadBatch:
    """Passages and questions side by side.  forms: for each place of a passage the number of its word among the different words of
    that passage; candidate: the places that may answer; right: of each row the first and last places of its right answers, -1 beyond
    them; None where they are not known.  letters: of each of the words that `ReadText.spelled` numbers."""

    passage: ReadText
    question: ReadText
    forms: Int[Tensor, "B K"]
    candidate: Bool[Tensor, "B K"]
    right: Int[Tensor, "B G 2"] | None = None
    letters: Int[Tensor, "W L"] | None = None


class ReadAnswers(NamedTuple):
    """The likeliest answers of each row, the best first.  start, end: places of their first and last words (of a word that fills a blank,
    where it stands first); log_p: -inf where there are no more; looks: of each row, padding cut off."""

    start: Int[Tensor, "B N"]
    end: Int[Tensor, "B N"]
    log_p: Float[Tensor, "B N"]
    looks: list[dict[str, np.ndarray]]


class ReadNetwork(TaskNetwork):
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

    @abstractmethod
    def best(self, shares: Float[Tensor, "B P K"], batch: ReadBatch, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """`ReadAnswers` without the looks."""

    def loss(self, batch: ReadBatch) -> Loss:
        """Summed over questions that have a right answer, in nats; what was cut off with a passage's end is nobody's."""
        assert batch.right is not None
        known = (batch.right[..., 0] >= 0).any(-1)
        total = -self.log_p(self(batch).shares, batch)[known].sum()
        return Loss(total, total.detach(), int(known.sum()))

    @torch.no_grad()
    def answer(self, batch: ReadBatch, count: int = 1, *, weights: bool = False) -> ReadAnswers:
        shares, looks = self(batch, weights=weights)
        seen = _of_rows({**looks, "pointer": shares.exp()[:, None]}, batch) if weights else [{} for _ in shares]
        return ReadAnswers(*self.best(shares, batch, count), seen)


class ReadWordNetwork(ReadNetwork):
    """`p(w) = sum_{k: x_k = w} s_k`: the word that fills the blank.  Kadlec et al. 2016, section 4.3; Cui et al. 2017, eq. 8-9."""

    def log_p(self, shares: Float[Tensor, "B P K"], batch: ReadBatch) -> Float[Tensor, " B"]:
        assert batch.right is not None
        word = batch.forms.gather(1, batch.right[:, :1, 0].clamp(min=0))
        there = (batch.forms == word) & batch.candidate
        return shares[:, 0].masked_fill(~there, torch.finfo(shares.dtype).min).logsumexp(-1)

    def best(self, shares: Float[Tensor, "B P K"], batch: ReadBatch, count: int) -> tuple[Tensor, Tensor, Tensor]:
        share = shares[:, 0].exp() * batch.candidate
        told = by_word(share, batch.forms, max(int(batch.forms.max()) + 1, count))
        ranked = told.log().sort(dim=-1, descending=True, stable=True)
        place = torch.arange(share.shape[1], device=share.device).expand_as(batch.forms)
        place = place.masked_fill(~batch.candidate, share.shape[1])
        first = torch.full_like(told, share.shape[1], dtype=torch.long).scatter_reduce(1, batch.forms, place, "amin")
        at = first.gather(1, ranked.indices)[:, :count]
        return at, at, ranked.values[:, :count]


class ReadSpanNetwork(ReadNetwork):
    """`p(i, j) = p_start(i) p_end(j)`: the part of the passage from i to j, both included.  Chen et al. 2017, section 3.2.

    longest: words of an answer.
    """

    def __init__(self, reader: AskedReader | JointReader, pointer: SpanPointer, *, longest: int, unseen: float = 0.0) -> None:
        super().__init__(reader, pointer, unseen=unseen)
        self.longest = longest

    def log_p(self, shares: Float[Tensor, "B P K"], batch: ReadBatch) -> Float[Tensor, " B"]:
        assert batch.right is not None
        start, end = (shares[:, i].gather(1, batch.right[..., i].clamp(min=0)) for i in (0, 1))
        return (start + end).masked_fill(batch.right[..., 0] < 0, torch.finfo(shares.dtype).min).logsumexp(-1)

    def best(self, shares: Float[Tensor, "B P K"], batch: ReadBatch, count: int) -> tuple[Tensor, Tensor, Tensor]:
        return best_spans(shares, batch.candidate, longest=self.longest, count=count)


def _of_rows(looks: Looks, batch: ReadBatch) -> list[dict[str, np.ndarray]]:
    """Looks, row by row, padding cut off: rows and columns are places of the passage, of the question, or neither."""
    sizes = zip(batch.passage.valid.sum(1).tolist(), batch.question.valid.sum(1).tolist(), strict=True)
    kept = []
    for i, (passage, question) in enumerate(sizes):
        ends = {"passage": (passage, passage), "question": (question, question), "aligned": (passage, question)}
        ends |= {
            "columns": (question, passage),
            "pointer": (None, passage),
            "importance": (None, question),
            "asked": (None, question),
        }
        row = {}
        for name, w in looks.items():
            down, across = ends[name.partition(".")[0]]
            row[name] = w[i, :, :down, :across].float().cpu().numpy()
        kept.append(row)
    return kept
