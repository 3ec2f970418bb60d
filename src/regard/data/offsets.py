"""Where tokens stand in a text as it was given, before it was cleaned and cut: what a place among tokens says of the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from regard.core.errors import DataError, message

Span = tuple[int, int]  # first character, and the one after the last


def locate(text: str, cut: Sequence[Span], prepared: str, clean: Callable[[str], str]) -> list[Span]:
    """The characters of `text` that each token covers; white space at the ends of a token is not its own.

    cut: what each token covers of `prepared`, in order.  prepared: the text after `clean` and after white space was folded or added,
    so that only white space was added or taken since `clean`.  A token of white space covers none: (start, start), where what follows
    it begins.
    Characters that Unicode can join are followed together: a letter with its marks, a syllable of Hangul.
    """
    whole = _letters(text, clean)
    before = [0]  # letters before each character of what was prepared
    for character in prepared:
        before.append(before[-1] + (not character.isspace()))
    if before[-1] != len(whole):
        do = "Set data.unicode: none and data.lowercase: false."
        raise DataError(message("a text", "characters that can be followed through data.unicode", repr(text[:40]), do))
    ends = len(text.rstrip())
    return [
        (whole[before[start]][0], whole[before[end] - 1][1])
        if before[start] < before[end]
        else (at := whole[before[start]][0] if before[start] < len(whole) else ends, at)
        for start, end in cut
    ]


def covering(spans: Sequence[Span], start: int, end: int) -> Span | None:
    """The first and the last token that share a character with `start` to `end`; None where none does."""
    places = [i for i, (a, b) in enumerate(spans) if a < end and start < b]
    return (places[0], places[-1]) if places else None


def _letters(text: str, clean: Callable[[str], str]) -> list[Span]:
    """For each character but white space of the cleaned text what it comes from."""
    starts = [i for i in range(len(text)) if not i or not _melts(text[i - 1], text[i])]
    found = list[Span]()
    for start, end in pairwise([*starts, len(text)]):
        found += [(start, end)] * sum(not character.isspace() for character in clean(text[start:end]))
    return found


@lru_cache(1 << 16)
def _melts(one: str, other: str) -> bool:
    """Whether two characters can become one, or change places."""
    if other < "\u0300":
        return False
    if unicodedata.combining(other):
        return True
    return unicodedata.normalize("NFC", one + other) != unicodedata.normalize("NFC", one) + unicodedata.normalize("NFC", other)
