"""Plain text to pre-train on: a line a sentence or a paragraph, a blank line between documents; and passages of it that fit a net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.data.examples import Place
from regard.data.parts import all_parts
from regard.data.text_files import lines, show_file
from regard.data.wordpiece import WordPieces

Ids = NDArray[np.int32]
BLOCK = 20  # lines that go to training or to validation together
ENDS = frozenset(".!?。！？;；")  # a long line is best cut after one of them


@dataclass(frozen=True, slots=True)
class Document:
    """Lines that follow each other.  number: of the document that they are of, which may have been cut into several."""

    lines: tuple[str, ...]
    number: int
    place: Place

    @property
    def source(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Passage:
    """Parts that follow each other (a sentence, a paragraph, or a piece of one), as many as fit.  document: its number."""

    parts: tuple[Ids, ...]
    document: int

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


def read_documents(files: Sequence[str]) -> Iterator[Document]:
    """The documents of files, in order; each file begins another.  DataError as `data.text_files.lines` has it."""
    number = 0
    for file in all_parts(files):
        found, start = list[str](), 1
        for at, line in enumerate(lines(file), start=1):
            if line.strip():
                start = start if found else at
                found.append(line.strip())
            elif found:
                yield Document(tuple(found), number, Place(show_file(file), start))
                found, number = [], number + 1
        if found:
            yield Document(tuple(found), number, Place(show_file(file), start))
            number += 1


def blocks(document: Document) -> Iterator[Document]:
    """A document cut every few lines; the parts keep its number."""
    for start in range(0, len(document.lines), BLOCK):
        place = Place(document.place.file, document.place.line + start)
        yield Document(document.lines[start : start + BLOCK], document.number, place)


def join_parts(parts: Iterable[Document]) -> Iterator[Document]:
    """Neighbours put together again."""
    before: Document | None = None
    for part in parts:
        if before is not None:
            follows = before.place.line + len(before.lines) == part.place.line and before.place.file == part.place.file
            if follows and before.number == part.number:
                before = Document(before.lines + part.lines, before.number, before.place)
                continue
            yield before
        before = part
    if before is not None:
        yield before


def passages(documents: Iterable[Document], pieces: WordPieces, *, room: int, most: int | None = None) -> list[Passage]:
    """All documents as passages of at most `room` pieces.  most: of a part; a longer line is cut where a sentence ends, or a word."""
    found, most = list[Passage](), most or room
    ends = frozenset(number for number, name in enumerate(pieces.names) if name in ENDS)
    for document in documents:
        parts, size = list[Ids](), 0
        for part in _parts(document.lines, pieces, most, ends):
            if size + len(part) > room:
                found.append(Passage(tuple(parts), document.number))
                parts, size = [], 0
            parts.append(part)
            size += len(part)
        if parts:
            found.append(Passage(tuple(parts), document.number))
    return found


def _parts(texts: Sequence[str], pieces: WordPieces, most: int, ends: frozenset[int]) -> Iterator[Ids]:
    for ids in pieces.encode_all(texts):
        start = 0
        while len(ids) - start > most:
            place = start + _cut(ids[start : start + most + 1], pieces.begins, most, lambda id: id in ends)
            yield np.asarray(ids[start:place], dtype=np.int32)
            start = place
        if start < len(ids):
            yield np.asarray(ids[start:], dtype=np.int32)


def _cut(ids: Sequence[int], begins: Sequence[bool], most: int, ends: Callable[[int], bool]) -> int:
    """Where to cut what is too long: after the last end of a sentence in the second half, before the last word, or where it must be."""
    sentence = (i for i in range(most, most // 2, -1) if ends(ids[i - 1]))
    word = (i for i in range(most, most // 2, -1) if begins[ids[i]])
    return next(sentence, 0) or next(word, most)
