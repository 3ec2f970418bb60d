"""What a tagger's network is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regard.core.shapes import Array
from regard.data.batching import Batch
from regard.tasks.row_looks import PaddedLooks
from regard.tasks.subword_batches import Pieces

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class TagBatch:
    """Sentences side by side.  words: `source` is what is read, `target` its tags, where they are known; letters: of each different
    word, 0 is padding; spelled: which of those words stands at each place; label: of each sentence, where there is one; pieces: the same
    sentences for a pre-trained reader, which reads them in place of the words."""

    words: Batch
    letters: Int[Array, "W L"]
    spelled: Int[Array, "B K"]
    label: Int[Array, " B"] | None = None
    pieces: Pieces | None = None


class TagAnswers(NamedTuple):
    """In float32.  tags: the log-probabilities of each place; before a CRF its emission scores.  steps: the transition scores of the CRF,
    where there is one, from start or tag to tag or end, start and end the last; the same for every batch.  label: log-probabilities,
    where there are labels.  looks: where the encoder and the label's pool looked, if asked."""

    tags: Float[Array, "B K N"]
    steps: Float[Array, "N1 N1"] | None
    label: Float[Array, "B L"] | None
    looks: PaddedLooks
