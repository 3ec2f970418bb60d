"""What a network of pairs is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regard.core.shapes import Array
from regard.data.batching import Batch
from regard.tasks.row_looks import PaddedLooks

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

MARKS = 3  # what `overlap_marks` says of a word


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs side by side.  words: `source` holds the first texts and, below them, the second ones; marks: what is known of each word;
    right: of each pair, where it is known: the number of its label, or a number."""

    words: Batch
    marks: Float[Array, "R K M"] | None = None
    right: Shaped[Array, " B"] | None = None


class PairAnswers(NamedTuple):
    """said: of each pair, in float32: the log-probabilities of labels or of bins, or a number in deviations from the mean; looks: where
    the network looked, first texts above second ones, if asked."""

    said: Float[Array, "B N"]
    looks: PaddedLooks
