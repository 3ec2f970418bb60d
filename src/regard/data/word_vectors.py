"""Word vectors from text files: `.vec` and word2vec (a line with the count and the width first), GloVe (none); `.gz` is unpacked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.row_parser import CORRECT, shorten
from regard.data.text_files import lines, show_file

Vector = NDArray[np.float32]
LARGEST = float(np.finfo(np.float32).max)
DIGITS = 18  # of a count or a width


def vectors_width(file: str) -> int:
    """How wide the vectors of a file are, as its first line says.  DataError where that is no line of such a file."""
    first = next(iter(lines(file)), None)
    if first is None:
        raise DataError(message(show_file(file), "word vectors", "an empty file", "Name another file."))
    return _width(_fields(first), first, Place(show_file(file), 1))


def read_vectors(file: str, words: Collection[str], *, say: Callable[[str], None] | None = None) -> dict[str, Vector]:
    """The vectors of these words, of those that the file has; of a word that stands there twice the first.

    The file is read line by line, and only what is asked for is kept, so it may be larger than the memory.  A word may hold blanks: the
    last numbers of a line are its vector.  Lines whose word is cut within a character, and lines without a word, are nobody's: they are
    passed by, and `say` is told how many.  DataError, with file and line: a line of another width, what is no finite number (also none
    in 32 bits), or a file that is not UTF-8.
    """
    wanted, found, passed = frozenset(words), dict[str, Vector](), _Passed()
    width, headed, number = 0, False, 0
    for line in lines(file, damaged=passed.take):
        number += 1
        fields = _fields(line)
        if number == 1:
            width, headed = _width(fields, line, Place(show_file(file), 1)), _is_head(fields)
            if headed:
                continue
        passed.foreign = passed.foreign or not line.isascii()
        if not any(fields):
            continue
        if len(fields) == width and all(map(_is_number, fields)):
            passed.bare += 1
            continue
        # Few lines are of wanted words: of the others the numbers are counted, not read.
        # A word of several parts is told from a line with a number too many: they are no numbers, or the head says the width (`10 000`).
        more, parts = len(fields) - 1 - width, fields[1:-width]
        if more < 0 or (more and all(map(_is_number, parts)) and not (headed and _is_number(fields[0]))):
            expected, received = (
                f"a word and {many(width, 'number')}",
                f"{many(len(fields) - 1, 'number')} behind {shorten(fields[0])}",
            )
            do = f"{CORRECT} Or copy the file again."
            raise DataError(message(f"{show_file(file)}:{number + passed.cut}", expected, received, do))
        word = " ".join(fields[:-width])
        if word in wanted and word not in found:
            found[word] = _numbers(fields[-width:], Place(show_file(file), number + passed.cut))
    if passed.first is not None and not passed.foreign:
        raise passed.first  # no word but ASCII is whole: the file is of another encoding
    if say is not None and (passed.cut or passed.bare):
        say(f"note: {show_file(file)}: {passed}")
    return found


@dataclass
class _Passed:
    """What was passed by.  cut: lines that are not UTF-8, and what is wrong with the first; bare: lines without a word; foreign: whether
    a whole line had other than ASCII."""

    cut: int = 0
    first: DataError | None = None
    bare: int = 0
    foreign: bool = False

    def take(self, fault: DataError) -> None:
        self.cut, self.first = self.cut + 1, self.first or fault

    def __str__(self) -> str:
        said = []
        if self.first is not None:
            where = str(self.first).partition(": ")[0]
            said.append(f"{many(self.cut, 'line')} not in UTF-8 passed by ({where} is the first)")
        if self.bare:
            said.append(f"{many(self.bare, 'line')} without a word passed by")
        return "; ".join(said) + "."


def _fields(line: str) -> list[str]:
    return line.rstrip(" \t").replace("\t", " ").split(" ")


def _is_head(fields: list[str]) -> bool:
    """Two whole numbers: how many vectors, and how wide they are."""
    return len(fields) == 2 and all(text.isdecimal() and len(text) <= DIGITS for text in fields)


def _width(fields: list[str], line: str, place: Place) -> int:
    """The width that the first line of a file says."""
    if _is_head(fields) and int(fields[1]):
        return int(fields[1])
    if len(fields) < 2 or not all(map(_is_number, fields[1:])):
        do = "Name a text file of word vectors; what is binary must be turned into text first."
        raise DataError(message(str(place), "the count and the width, or a word and its numbers", shorten(line), do))
    return len(fields) - 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(fields: list[str], place: Place) -> Vector:
    for text in fields:
        if not _is_number(text) or not abs(float(text)) <= LARGEST:
            raise DataError(message(str(place), "finite numbers of 32 bits behind the word", shorten(text), CORRECT))
    return np.array(fields, dtype=np.float32)
