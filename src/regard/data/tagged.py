"""Sentences whose every token has a tag: CoNLL columns, or line-aligned files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from regard.data.files import lines, shown
from regard.data.items import Place
from regard.data.rows import MEND, BadLine
from regard.ground.errors import DataError, message


@dataclass(frozen=True, slots=True)
class Tagged:
    """A sentence.  tags: one for each token, or none at all; label: of the whole sentence (an intent), where there is one; place: of
    its first line; beside: the files in which, on the same line, its tags and its label stand; none: they stand with the tokens."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    label: str | None
    place: Place
    beside: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return " ".join(self.tokens)

    def tag_at(self, i: int) -> Place:
        """Where tag i stands."""
        return Place(self.beside[0], self.place.line) if self.beside else Place(self.place.file, self.place.line + i)

    @property
    def label_at(self) -> Place:
        """Where the label stands."""
        return Place(self.beside[-1], self.place.line) if self.beside else self.place


def read_tagged(files: Sequence[str]) -> Iterator[Tagged | BadLine]:
    """The sentences of one file in columns, or of two or three that are line-aligned: tokens, tags and, maybe, a label for the sentence.

    Columns (CoNLL): a token and its tag a line, parted by a tab or blanks (the first and the last column count), a blank line between
    sentences; lines that begin with `-DOCSTART-` are passed by.  A sentence at fault is handed over as a BadLine, which says file,
    line and mend.  DataError for files that end at different lines, or another number of files.
    """
    if len(files) == 1:
        return _columns(files[0])
    columns = [file for file in files if file.removesuffix(".gz").lower().endswith(".conll")]
    if len(files) in (2, 3) and not columns:
        return _aligned(files)
    expected = "one file in columns, or two or three line-aligned ones: tokens, tags, labels"
    received = f"{len(files)}: {', '.join(map(shown, files))}"
    raise DataError(message("sentences with tags", expected, received, "Name the files of one set of sentences."))


def read_tokens(file: str) -> Iterator[tuple[str, ...]]:
    """The sentences of a file with a token a line, the first of its columns, and blank lines between them; without their tags."""
    tokens = list[str]()
    for number, line in enumerate(lines(file), start=1):
        if not _parts(line):
            token = _fields(line)[0].strip()
            if not token:
                raise DataError(message(str(Place(shown(file), number)), "a token in the first column", "none", MEND))
            tokens.append(token)
        elif tokens:
            yield tuple(tokens)
            tokens = []
    if tokens:
        yield tuple(tokens)


def _columns(file: str) -> Iterator[Tagged | BadLine]:
    name = shown(file)
    tokens, tags, fault, start = list[str](), list[str](), None, 0
    for number, line in enumerate(lines(file), start=1):
        if _parts(line):
            if tokens or fault:
                yield fault or Tagged(tuple(tokens), tuple(tags), None, Place(name, start))
            tokens, tags, fault = [], [], None
            continue
        fields, start = _fields(line), start if tokens or fault else number
        if len(fields) < 2 or not fields[0].strip() or not fields[-1].strip():
            fault = fault or BadLine(message(str(Place(name, number)), "a token and its tag", repr(line), MEND))
            continue
        tokens.append(fields[0].strip())
        tags.append(fields[-1].strip())
    if tokens or fault:
        yield fault or Tagged(tuple(tokens), tuple(tags), None, Place(name, start))


def _parts(line: str) -> bool:
    """Whether a line in columns stands between sentences."""
    return not line.strip() or line.startswith("-DOCSTART-")


def _fields(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _aligned(files: Sequence[str]) -> Iterator[Tagged | BadLine]:
    counts, beside = [0] * len(files), tuple(shown(file) for file in files[1:])
    for number, row in enumerate(zip_longest(*map(lines, files)), start=1):
        counts = [count + (line is not None) for count, line in zip(counts, row, strict=True)]
        if None in row:
            continue
        tokens, tags = row[0].split(), row[1].split()
        label = row[2].strip() if len(row) == 3 else None
        place = Place(shown(files[0]), number)
        if len(tokens) != len(tags) or not tokens:
            expected = f"as many tags as {shown(files[0])}:{number} has tokens ({len(tokens)})" if tokens else "tokens"
            at = Place(shown(files[1] if tokens else files[0]), number)
            received = f"{len(tags)} tag{'s' * (len(tags) != 1)}" if tokens else "an empty line"
            yield BadLine(message(str(at), expected, received, MEND))
        elif label == "":
            yield BadLine(message(str(Place(shown(files[2]), number)), "a label", "an empty line", MEND))
        else:
            yield Tagged(tuple(tokens), tuple(tags), label, place, beside)
    if len(set(counts)) > 1:
        received = ", ".join(f"{shown(file)} {count:,}" for file, count in zip(files, counts, strict=True))
        do = "Find the line that one of them lacks: each line of one belongs to the same line of the others."
        raise DataError(message("line-aligned files", "the same number of lines", received, do))
