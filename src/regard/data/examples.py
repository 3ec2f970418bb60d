"""What a data file holds: items, each with its place, and the sets that are made of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from regard.core.errors import DataError, message


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1; `str(place)` is `FILE:LINE`, which editors and terminals can open."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Item:
    """One source, and its target where there is one.  `features` are the symbols of a feature column, in the file's order."""

    source: str
    target: str | None
    features: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Group:
    """One source with all its references, each named once, in the file's order."""

    source: str
    features: tuple[str, ...]
    references: tuple[str, ...]
    places: tuple[Place, ...]

    @classmethod
    def of(cls, item: Item) -> Group:
        """A group of one: for line-aligned files, where each line is judged by itself."""
        return cls(item.source, item.features, () if item.target is None else (item.target,), (item.place,))


def group(items: Iterable[Item]) -> list[Group]:
    """Items with the same source and features are one group, where the first of them stands."""
    together: dict[tuple[str, tuple[str, ...]], list[Item]] = {}
    for item in items:
        together.setdefault((item.source, item.features), []).append(item)
    groups = []
    for (source, features), members in together.items():
        references = tuple(dict.fromkeys(member.target for member in members if member.target is not None))
        groups.append(Group(source, features, references, tuple(member.place for member in members)))
    return groups


def split(
    items: Sequence[Item], share: float, seed: int, *, kinds: Callable[[Any], Iterable[str]] | None = None
) -> tuple[list[Item], list[Item]]:
    """Set a share of the items apart for validation: (training, validation), both in the file's order.

    All items of a source go to the same side.  Which sources go is decided by a hash of (seed, source) alone: the order of
    the lines, the machine and the version of any library change nothing, and lines that are added later move few others.
    kinds: the labels and tags of an item; what only one source has stays in training, or the net could not say it.
    DataError where a side would be empty.
    """
    counts = Counter(item.source for item in items)
    if len(counts) < 2:
        raise too_few(len(counts), len(items))
    told, left = dict[str, Counter[str]](), Counter[str]()
    if kinds is not None:
        for item in items:
            told.setdefault(item.source, Counter()).update(kinds(item))
    for own in told.values():
        left.update(own)
    room, taken, apart = room_of(share, len(items)), 0, set[str]()
    ranked = sorted(counts, key=lambda source: (draw(seed, source), source))
    for source in ranked[:-1]:  # the last stays in training, whatever the share
        fits = taken + counts[source] <= room or not apart
        own = told.get(source, Counter[str]())
        if fits and all(left[kind] > count for kind, count in own.items()):
            apart.add(source)
            taken += counts[source]
            left.subtract(own)
    if not apart:
        do = "Give more data, or a validation file (data.valid)."
        raise DataError(message("data.valid_share", "a source to set aside whose labels others have too", "none", do))
    return [x for x in items if x.source not in apart], [x for x in items if x.source in apart]


def too_few(sources: int, items: int) -> DataError:
    """The error where nothing can be set apart."""
    expected = "at least 2 different sources, to have one on each side"
    do = "Give more data, or a validation file (data.valid)."
    return DataError(message("data.valid_share", expected, f"{sources} in {items} items", do))


def room_of(share: float, items: int) -> int:
    """How many items are set apart, at most, where sources have one each."""
    return max(1, round(share * items))


def draw(seed: int, source: str) -> bytes:
    """What decides about a source: the lowest are set apart."""
    return hashlib.sha256(f"{seed}\0{source}".encode()).digest()


def overlap(train: Iterable[Item], valid: Sequence[Item]) -> int:
    """The number of validation items whose source occurs in training as well."""
    asked = {item.source for item in valid}
    seen = {item.source for item in train if item.source in asked}
    return sum(item.source in seen for item in valid)
