"""Word vectors from text files: `.vec` and word2vec (a line with the count and the width first), GloVe (none); `.gz` is unpacked."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from regard.data.files import lines, shown
from regard.data.items import Place
from regard.data.rows import MEND, shortened
from regard.ground.errors import DataError, message

Vector = NDArray[np.float32]


def vectors_width(file: str) -> int:
    """How wide the vectors of a file are, as its first line says.  DataError where that is no line of such a file."""
    first = next(iter(lines(file)), None)
    if first is None:
        raise DataError(message(shown(file), "word vectors", "an empty file", "Name another file."))
    return _width(_fields(first), first, Place(shown(file), 1))


def read_vectors(file: str, words: Collection[str]) -> dict[str, Vector]:
    """The vectors of these words, of those that the file has; of a word that stands there twice the first.

    The file is read line by line, and only what is asked for is kept, so it may be larger than the memory.  A word may hold blanks: the
    last numbers of a line are its vector.  DataError, with file and line: a line of another width, or what is no finite number.
    """
    wanted, found, width = frozenset(words), dict[str, Vector](), 0
    for number, line in enumerate(lines(file), start=1):
        fields = _fields(line)
        if number == 1:
            width = _width(fields, line, Place(shown(file), 1))
            if _is_head(fields):
                continue
        if not any(fields):
            continue
        # Few lines are of wanted words: of the others the numbers are counted, not read.
        if len(fields) != width + 1 and (len(fields) <= width or all(map(_is_number, fields[1:-width]))):
            do = f"{MEND} Or copy the file again."
            raise DataError(
                message(
                    f"{shown(file)}:{number}",
                    f"a word and {width} numbers",
                    f"{len(fields) - 1} numbers behind {shortened(fields[0])}",
                    do,
                )
            )
        word = " ".join(fields[:-width])
        if word in wanted and word not in found:
            found[word] = _numbers(fields[-width:], Place(shown(file), number))
    return found


def _fields(line: str) -> list[str]:
    return line.rstrip(" \t").replace("\t", " ").split(" ")


def _is_head(fields: list[str]) -> bool:
    """Two whole numbers: how many vectors, and how wide they are."""
    return len(fields) == 2 and all(field.isdecimal() for field in fields)


def _width(fields: list[str], line: str, place: Place) -> int:
    """The width that the first line of a file says."""
    if _is_head(fields) and int(fields[1]):
        return int(fields[1])
    if len(fields) < 2 or not all(map(_is_number, fields[1:])):
        do = "Name a text file of word vectors; what is binary must be turned into text first."
        raise DataError(message(str(place), "the count and the width, or a word and its numbers", shortened(line), do))
    return len(fields) - 1


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _numbers(fields: list[str], place: Place) -> Vector:
    for field in fields:
        if not _is_number(field) or not math.isfinite(float(field)):
            raise DataError(message(str(place), "finite numbers behind the word", shortened(field), MEND))
    return np.array(fields, dtype=np.float32)
