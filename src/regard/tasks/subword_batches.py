"""Words in the pieces of a pre-trained reader: as many as it has room for, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch

from regard.data.batching import collate
from regard.networks.subwords import Pieces

Spelled = tuple[tuple[int, ...], ...]  # the pieces of each word


def fitting(words: Spelled, room: int) -> Spelled:
    """The first words, as many as there is room for; of a first word that is longer than that its first pieces."""
    ends = list(accumulate(map(len, words)))
    kept = words[: sum(end <= room for end in ends)]
    return kept or (words[0][:room],)


def side_by_side(texts: Sequence[Spelled], before: Sequence[int] = (), after: Sequence[int] = ()) -> Pieces:
    """Texts as a reader takes them.  before, after: what stands around each."""
    flat = collate([((*before, *(n for word in words for n in word), *after), None) for words in texts], range(len(texts)))
    starts = [[*accumulate(map(len, words[:-1]), initial=len(before))] for words in texts]
    width = max(map(len, starts))
    return Pieces(flat.source, flat.source_valid, torch.tensor([row + [0] * (width - len(row)) for row in starts]))
