"""Words in letters, or in the pieces of a pre-trained reader: as many as it has room for, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regard.core.shapes import Array
from regard.data.batching import collate
from regard.data.tokenizer import PAD

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

Spelled = tuple[tuple[int, ...], ...]  # the pieces, or the letters, of each word


class Pieces(NamedTuple):
    """Texts as a pre-trained reader takes them.  numbers: of their pieces; valid: True = a real one, padding lies on the right; first:
    where each word of the text begins among them, 0 at padding."""

    numbers: Int[Array, "B P"]
    valid: Bool[Array, "B P"]
    first: Int[Array, "B K"]


def fit_subwords(words: Spelled, room: int) -> Spelled:
    """The first words, as many as there is room for; of a first word that is longer than that its first pieces."""
    ends = list(accumulate(map(len, words)))
    kept = words[: sum(end <= room for end in ends)]
    return kept or (words[0][:room],)


def side_by_side(texts: Sequence[Spelled], before: Sequence[int] = (), after: Sequence[int] = ()) -> Pieces:
    """Texts as a reader takes them.  before, after: what stands around each."""
    flat = collate([((*before, *(n for word in words for n in word), *after), None) for words in texts], range(len(texts)))
    starts = [[*accumulate(map(len, words[:-1]), initial=len(before))] for words in texts]
    width = max(map(len, starts))
    return Pieces(flat.source, flat.source_valid, np.array([row + [0] * (width - len(row)) for row in starts], dtype=np.int64))


def letters_side_by_side(texts: Sequence[Spelled], rows: Sequence[int]) -> tuple[Int[np.ndarray, "W L"], Int[np.ndarray, "B K"]]:
    """The letters of each different word, and which of those words stands at each place; at padding stands a word without letters."""
    different: dict[tuple[int, ...], int] = {(): PAD}
    places = collate([([different.setdefault(word, len(different)) for word in text], None) for text in texts], rows)
    return collate([(word, None) for word in different], range(len(different))).source, places.source
