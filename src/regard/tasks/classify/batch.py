"""What a classifier's network is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regard.core.shapes import Array
from regard.data.batching import Batch
from regard.tasks.row_looks import PaddedLooks

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class ClassBatch:
    """Texts side by side.  words: `source` is what is read; label: of each text, where it is known; letters: of each different word,
    where they are read too, 0 is padding; spelled: which of those words stands at each place."""

    words: Batch
    label: Int[Array, " B"] | None = None
    letters: Int[Array, "W L"] | None = None
    spelled: Int[Array, "B K"] | None = None


class ClassAnswers(NamedTuple):
    """log_p: of every label, in float32; looks: where it looked, if asked."""

    log_p: Float[Array, "B N"]
    looks: PaddedLooks
