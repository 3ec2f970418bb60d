"""Setting a share of items apart for validation though they are too many to lie in memory: they are read twice."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.core.atomic_files import atomic
from regard.data.examples import Item, draw, room_of, too_few

Marks = NDArray[np.uint64]


class HeldOutSources:
    """Which sources are set apart: those that `items.split` takes, told by the first eight bytes of their hash.

    marks: those bytes, as whole numbers, in order.
    """

    def __init__(self, marks: Marks, seed: int) -> None:
        self._apart, self._seed = marks, seed

    @classmethod
    def draw(cls, sources: Iterable[str], share: float, seed: int) -> HeldOutSources:
        """sources: that of each item.  In memory lie eight bytes for each.  DataError where a side would be empty."""
        marks = np.frombuffer(array("Q", (_mark(source, seed) for source in sources)), dtype=np.uint64)
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
        return cls(each[apart], seed)

    def save(self, path: Path) -> None:
        """For `load`, in another process."""
        with atomic(path) as stream:
            np.save(stream, np.append(self._apart, np.uint64(self._seed)), allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> HeldOutSources:
        """What `save` wrote."""
        stored = np.load(path, allow_pickle=False)
        return cls(stored[:-1], int(stored[-1]))

    def __contains__(self, source: str) -> bool:
        mark = np.uint64(_mark(source, self._seed))
        place = int(np.searchsorted(self._apart, mark))
        return place < len(self._apart) and bool(self._apart[place] == mark)


def _mark(source: str, seed: int) -> int:
    return int.from_bytes(draw(seed, source)[:8], "big")


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
