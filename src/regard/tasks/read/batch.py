"""What a network that reads a passage and a question is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regard.core.shapes import Array
from regard.tasks.row_looks import PaddedLooks
from regard.tasks.subword_batches import Pieces

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

MARKS = 2  # numbers that mark a word: whether it stands in the other text, and whether with a neighbour


class ReadText(NamedTuple):
    """words: numbers of the vocabulary; valid: True = a real word, padding lies on the right; marks: what else is known of each;
    spelled: which of the words whose letters are known stands there; pieces: the same text, for a pre-trained reader."""

    words: Int[Array, "B K"]
    valid: Bool[Array, "B K"]
    marks: Float[Array, "B K M"]
    spelled: Int[Array, "B K"] | None = None
    pieces: Pieces | None = None


@dataclass(frozen=True, eq=False)
class ReadBatch:
    """Passages and questions side by side.  forms: for each place of a passage the number of its word among the different words of
    that passage; candidate: the places that may answer; right: of each row the first and last places of its right answers, -1 beyond
    them; None where they are not known.  letters: of each of the words that `ReadText.spelled` numbers."""

    passage: ReadText
    question: ReadText
    forms: Int[Array, "B K"]
    candidate: Bool[Array, "B K"]
    right: Int[Array, "B G 2"] | None = None
    letters: Int[Array, "W L"] | None = None


class ReadAnswers(NamedTuple):
    """shares: log-probabilities of the places of the passage, a row for each pointer, in float32: one for a word, or where a span begins
    and where it ends; looks: where the network looked, if asked."""

    shares: Float[Array, "B P K"]
    looks: PaddedLooks
