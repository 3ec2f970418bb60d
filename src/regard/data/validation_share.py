"""Setting a share of items apart for validation though they are too many to lie in memory: they are read twice."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from regard.data.examples import Item, draw, room_of, too_few


class HeldOutSources:
    """Which sources are set apart: those that `items.split` takes, told by the first eight bytes of their hash.

    sources: that of each item.  In memory lie eight bytes for each item, and a set of what is set apart.  DataError where a side would
    be empty.
    """

    def __init__(self, sources: Iterable[str], share: float, seed: int) -> None:
        self._seed = seed
        marks = np.frombuffer(array("Q", (self._mark(source) for source in sources)), dtype=np.uint64)
        each, counts = np.unique(marks, return_counts=True)  # in order: the lowest hash first
        if len(each) < 2:
            raise too_few(len(each), len(marks))
        room, taken, apart = room_of(share, len(marks)), 0, list[int]()
        for place, count in enumerate(counts[:-1]):  # the last stays in training, whatever the share
            if taken + count <= room or not apart:
                apart.append(place)
                taken += int(count)
            if taken >= room:
                break
        self._apart = frozenset(each[apart].tolist())

    def __contains__(self, source: str) -> bool:
        return self._mark(source) in self._apart

    def _mark(self, source: str) -> int:
        return int.from_bytes(draw(self._seed, source)[:8], "big")


@dataclass(frozen=True)
class TrainingSources:
    """Items whose source is not set apart, read each time that they are asked for."""

    items: Iterable[Item]
    apart: HeldOutSources

    def __iter__(self) -> Iterator[Item]:
        return (item for item in self.items if item.source not in self.apart)

    def split_off(self, held: list[Item]) -> Iterator[Item]:
        """The items; those that are set apart go to `held`."""
        for item in self.items:
            if item.source in self.apart:
                held.append(item)
            else:
                yield item
