"""Made sentences in which words depend on words said long before: who holds what, and who drops it."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

WHO = ("ann", "ben", "carl", "dora", "emma", "finn", "gus", "hana", "ida", "jack", "kim", "leo", "mia", "noah", "olga", "paul")
WHAT = (
    *("apple", "bell", "cup", "drum", "egg", "fan", "glass", "hat"),
    *("ink", "jar", "key", "lamp", "map", "nail", "oar", "pen"),
)  # fmt: skip


class Fable(NamedTuple):
    """words: of the sentence; told: the places of the words that what was said before decides: all things that are dropped."""

    words: tuple[str, ...]
    told: tuple[int, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def begun(self) -> str:
        """All that stands before the first thing that is dropped."""
        return " ".join(self.words[: self.told[0]])


def fables(seed: int, count: int, *, least: int = 2, most: int = 4) -> tuple[list[Fable], list[Fable]]:
    """Training and validation sentences, nine to one, none of them in both, each of `least` to `most` people with a thing each:
    `ann cup ben hat ; ben hat ann cup .`"""
    random, made = Random(seed), dict[Fable, None]()
    while len(made) < count:
        made[_fable(random, random.randint(least, most))] = None
    each, held = list(made), count // 10
    return each[held:], each[:held]


def _fable(random: Random, people: int) -> Fable:
    pairs = list(zip(random.sample(WHO, people), random.sample(WHAT, people), strict=True))
    words, told = list[str](), list[int]()
    for who, what in pairs:
        words += [who, what]
    random.shuffle(pairs)
    words.append(";")
    for who, what in pairs:
        words += [who, what]
        told.append(len(words) - 1)
    return Fable((*words, "."), tuple(told))
