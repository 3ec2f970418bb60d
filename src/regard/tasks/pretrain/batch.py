"""What a BERT in pre-training is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regard.core.shapes import Array
from regard.tasks.row_looks import PaddedLooks

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class BertBatch:
    """Texts side by side.  targets: what is to be told at each place, or -1; follows: 0 where the second text follows the first, 1 where
    it does not, -1 where there is no second.  places: (row, place) of those whose words are asked for in use."""

    words: Int[Array, "B K"]
    valid: Bool[Array, "B K"]
    segments: Int[Array, "B K"]
    targets: Int[Array, "B K"]
    follows: Int[Array, " B"]
    places: Int[Array, "N 2"] | None = None

    def ask(self, rows: slice) -> BertBatch:
        """Some rows, asked for all that is to be told of them."""
        targets = self.targets[rows]
        each = (self.words[rows], self.valid[rows], self.segments[rows], targets, self.follows[rows])
        return BertBatch(*each, np.argwhere(targets >= 0))


class BertAnswers(NamedTuple):
    """log_p: of all words at the places that were asked for, where words are told; follows: the log-probabilities that the second text
    follows (0) and that it does not (1), where that is told; looks: where the network looked, if asked."""

    log_p: Float[Array, "N V"] | None
    follows: Float[Array, "B 2"] | None
    looks: PaddedLooks
