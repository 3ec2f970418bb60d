"""A passage and a question about it, read side by side: what points at an answer looks at their states."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.attention_over_attention import AttentionOverAttention
from regard.attention.pooling import Pool
from regard.attention.score import Score
from regard.networks.base import Attentions, EncoderOutput, Looks, positions
from regard.networks.bert import TextPairs
from regard.networks.char_cnn import CharCNN
from regard.networks.dropout import Dropout
from regard.networks.subwords import of_words
from regard.networks.text_encoder import TextEncoder
from regard.tasks.read.batch import ReadText

LEAST = 1e-12  # a probability in float32 that its logarithm is still taken of


class Pointed(NamedTuple):
    """shares: log-probabilities of the places of the passage, a row for each pointer; looks: where it looked besides, if asked."""

    shares: Float[Tensor, "B P K"]
    looks: Looks


class QuestionAlignment(nn.Module):
    """`f(p) = sum_j a_j E(q_j), a = softmax(score(relu(W E(p)), relu(W E(q))))`: each word of the passage looks at the question's
    words, before either is read.  Chen et al. 2017, section 3.2 (aligned question embedding; their score is the dot product).

    look: a look of queries and keys of width `size`, unprojected.
    """

    def __init__(self, look: Attention, size: int) -> None:
        super().__init__()
        self.look, self.layer = look, nn.Linear(size, size)

    def forward(
        self,
        passage: Float[Tensor, "B K D"],
        question: Float[Tensor, "B Q D"],
        asked: Bool[Tensor, "B Q"],
        *,
        weights: bool = False,
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B H K Q"] | None]:
        """asked: True = a real word of the question."""
        keys, queries = (torch.relu(self.layer(x)) for x in (question, passage))
        memory = self.look.remember(keys, asked, values=question)
        at = positions(passage.new_zeros(len(passage), dtype=torch.long), passage.shape[1])
        reading = self.look(queries, memory, at, weights=weights)
        return reading.context, reading.weights


class AskedReader(nn.Module):
    """Reads question and passage, with what is known of each word beside it: marks, letters, and the passage's look at the question.

    passage, question: readers with one embedding between them, each of which takes so many numbers beside a word (`passage_beside`,
    `question_beside`; more than there are: the rest is zeros).  aligned: the passage's look at the question; spelling: of words.
    """

    def __init__(
        self,
        passage: TextEncoder,
        question: TextEncoder,
        *,
        passage_beside: int,
        question_beside: int,
        aligned: QuestionAlignment | None = None,
        spelling: CharCNN | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        question.embed = passage.embed
        self.passage, self.question, self.aligned, self.dropout = passage, question, aligned, Dropout(dropout)
        self.size = passage.size
        self.spelling, self.beside = spelling, (passage_beside, question_beside)

    def forward(
        self, passage: ReadText, question: ReadText, letters: Int[Tensor, "W L"] | None = None, *, weights: bool = False
    ) -> tuple[EncoderOutput, EncoderOutput, Looks]:
        """letters: of each of the words that `spelled` numbers, 0 at padding."""
        if self.spelling is not None:
            assert letters is not None
            made = self.spelling(letters)
            passage, question = (_with_letters(text, made) for text in (passage, question))
        marks, looks = passage.marks, Looks()
        if self.aligned is not None:
            words, asked = (self.dropout(self.passage.embed.table(text.words)) for text in (passage, question))
            seen, weighed = self.aligned(words, asked, question.valid, weights=weights)
            marks = torch.cat([marks, seen.to(marks)], -1)
            looks = {} if weighed is None else {"aligned": weighed}
        read = []
        readers, texts = (self.passage, self.question), (passage, question)
        for reader, text, more, width in zip(readers, texts, (marks, question.marks), self.beside, strict=True):
            beside = F.pad(more, (0, width - more.shape[-1])) if width else None
            read.append(reader(text.words, text.valid, beside, weights=weights))
        named = zip(("passage", "question"), read, strict=True)
        own = {f"{name}.{k.removeprefix('encoder.')}": w for name, encoded in named for k, w in encoded.looks.items()}
        return read[0], read[1], own | looks

    def attentions(self) -> Attentions:
        """What makes these looks."""
        made: Attentions = {} if self.aligned is None else {"aligned": self.aligned.look}
        for name, reader in (("passage", self.passage), ("question", self.question)):
            made |= {f"{name}.{k.removeprefix('encoder.')}": look for k, look in reader.attentions().items()}
        return made


def _with_letters(text: ReadText, made: Float[Tensor, "W D"]) -> ReadText:
    assert text.spelled is not None
    return text._replace(marks=torch.cat([text.marks, F.embedding(text.spelled, made).to(text.marks)], -1))


class JointReader(nn.Module):
    """Reads question and passage in one, by a BERT: `[CLS] question [SEP] passage [SEP]`; the state of a word is that of its first piece.
    Devlin et al. 2019, sections 4.2 and 5.3."""

    def __init__(self, together: TextPairs, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.together, self.dropout, self.size = together, Dropout(dropout), together.size

    def forward(
        self, passage: ReadText, question: ReadText, letters: Int[Tensor, "W L"] | None = None, *, weights: bool = False
    ) -> tuple[EncoderOutput, EncoderOutput, Looks]:
        """What of each text is read is its `pieces`, without [CLS] and [SEP].  The last states of both are the pooled [CLS].

        letters, weights: as of `AskedReader`, in whose place this stands; not read, for pieces have no letters and where the BERT looked
        is not told."""
        assert passage.pieces is not None and question.pieces is not None
        pair = (question.pieces, passage.pieces)
        width = max(text.numbers.shape[1] for text in pair)
        numbers, valid = (
            torch.cat([F.pad(part, (0, width - part.shape[1])) for part in parts])
            for parts in ([text.numbers for text in pair], [text.valid for text in pair])
        )
        read = self.together(numbers, valid)
        each = zip(self.dropout(read.states).chunk(2), pair, strict=True)
        asked, states = (of_words(states, text.first) for states, text in each)
        final = read.final[: len(states)]
        return EncoderOutput(states, passage.valid, final), EncoderOutput(asked, question.valid, final), {}

    def attentions(self) -> Attentions:
        """None that it tells."""
        return {}


class WordPointer(nn.Module):
    """Which place fills the blank of a question.  over: attention over attention (Cui et al. 2017, section 3); otherwise the question
    is its last states alone, and this is the attention-sum reader (Kadlec et al. 2016, section 4).

    What is said of words, the sum over the places where they stand, is for a `Task`.
    """

    def __init__(self, *, over: bool, score: Score) -> None:
        super().__init__()
        self.over, self.look = over, AttentionOverAttention(score=score)

    def forward(self, passage: EncoderOutput, question: EncoderOutput, *, weights: bool = False) -> Pointed:
        states, asked, real = passage.states.float(), question.states.float(), question.valid
        if not self.over:
            asked, real = question.final.float()[:, None], real[:, :1]
        told = self.look(states, asked, passage.valid, real)
        looks = {"columns": told.columns[:, None], "importance": told.importance[:, None, None]} if weights and self.over else {}
        return Pointed((told.share + LEAST).log()[:, None], looks)

    def attentions(self) -> Attentions:
        """What makes the columns; their importance and the pointer are answers, not looks."""
        return {"columns": self.look.look} if self.over else {}


class SpanPointer(nn.Module):
    """`p_start(i) ~ exp(p_i W_s q), p_end(i) ~ exp(p_i W_e q)`: where an answer begins, and where it ends.  Chen et al. 2017, section
    3.2 (prediction).

    pool: makes q of the question's states, with a weight for each (`b_j ~ exp(w . q_j)`, a key-only pool).  start, end: looks of a
    query of the question's width at the passage; only their scores and memories are used: nothing is gathered.
    """

    def __init__(self, pool: Pool, start: Attention, end: Attention) -> None:
        super().__init__()
        self.pool, self.start, self.end = pool, start, end

    def forward(self, passage: EncoderOutput, question: EncoderOutput, *, weights: bool = False) -> Pointed:
        reading = self.pool(question.states.float(), question.valid, weights=weights)
        at = passage.valid.new_zeros(len(passage.valid), 1, dtype=torch.long)
        shares = []
        for look in (self.start, self.end):
            memory = look.remember(passage.states.float(), passage.valid)
            scores = look.score.form(reading.context[:, None], memory, at).scores()[:, 0, 0]
            shares.append(scores.masked_fill(~passage.valid, torch.finfo(scores.dtype).min).log_softmax(-1))
        return Pointed(torch.stack(shares, 1), {} if reading.weights is None else {"asked": reading.weights})

    def attentions(self) -> Attentions:
        """What makes q; the pointer is the answer, not a look."""
        return {"asked": self.pool}
