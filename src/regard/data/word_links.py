"""Word alignments as text: Pharaoh's `i-j`, source word i with target word j, counted from 0; `ipj` is a link that is possible only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from regard.core.errors import DataError, message
from regard.data.text_files import lines, show_file

Link = tuple[int, int]  # source word, target word, from 0
Links = frozenset[Link]
LINK = re.compile(r"(\d{1,6})([-p])(\d{1,6})")


class GoldLinks(NamedTuple):
    """What people linked.  sure: without doubt; possible: those, and what may be linked too.  Och & Ney 2003, section 5."""

    sure: Links
    possible: Links


def read_gold(file: str, *, base: int = 0) -> list[GoldLinks]:
    """The links of each line; an empty line has none.

    base: from what the file counts words, 0 or 1.  DataError names the line of what is no link, and of a word 0 where words are counted
    from 1.
    """
    return [_gold_of(line, f"{show_file(file)}:{number}", base) for number, line in enumerate(lines(file), 1)]


def read_links(file: str) -> Iterator[tuple[str, Links]]:
    """The links of each line, sure and possible alike, counted from 0, each with its place.  DataError as `read_gold`."""
    for number, line in enumerate(lines(file), 1):
        place = f"{show_file(file)}:{number}"
        yield place, _gold_of(line, place, 0).possible


def _gold_of(line: str, place: str, base: int) -> GoldLinks:
    sure, possible = set[Link](), set[Link]()
    for word in line.split():
        found = LINK.fullmatch(word)
        if not found:
            do = "Write source-target, as in 0-0 1-2, and ipj for a link that is only possible."
            raise DataError(message(place, "links i-j or ipj", repr(word[:40]), do))
        link = int(found[1]) - base, int(found[3]) - base
        if min(link) < 0:
            do = "Leave the base out: this file counts from 0."
            raise DataError(message(place, f"words counted from {base}", repr(word), do))
        (sure if found[2] == "-" else possible).add(link)
    return GoldLinks(frozenset(sure), frozenset(sure | possible))


def refuse_outside(links: Links, place: str, sizes: tuple[int, int], *, base: int = 0) -> None:
    """DataError for a link that leaves its sentences.  sizes: their words, source and target."""
    wrong = sorted(link for link in links if link[0] >= sizes[0] or link[1] >= sizes[1])
    if wrong:
        source, target = wrong[0]
        expected = f"links within {sizes[0]} source and {sizes[1]} target words, counted from {base}"
        counts_from_one = not base and (source == sizes[0] or target == sizes[1])
        do = "Does the file count from 1? Say so." if counts_from_one else "Compare the lines; words are what blanks part."
        raise DataError(message(place, expected, f"{source + base}-{target + base}", do))


def pharaoh(links: Iterable[Link]) -> str:
    """Links as a line: by source word, then by target word."""
    return " ".join(f"{i}-{j}" for i, j in sorted(links))


def turn(links: Iterable[Link]) -> Links:
    """The same links, seen from the other side."""
    return frozenset((j, i) for i, j in links)


def words_of(text: str) -> Sequence[tuple[int, int]]:
    """Where the words of a text stand: what white space parts."""
    return [found.span() for found in re.finditer(r"\S+", text)]
