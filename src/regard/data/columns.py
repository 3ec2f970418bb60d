"""How a data file is laid out: its format, and which of its columns is what."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from regard.core.errors import ConfigError, DataError, did_you_mean, message
from regard.data.parts import all_parts, by_name

FORMATS = ("auto", "tsv", "csv", "cmudict", "lines", "jsonl", "parquet")
SEPARATORS = {"auto": "", "tab": "\t", "comma": ",", "semicolon": ";"}
LAST = "last"  # the target is the last column, however many there are
UNICODE = ("none", "nfc", "nfd")


@dataclass(frozen=True)
class Layout:
    """The format of data files and what is done to their text.

    `format`: `tsv`, `csv`, `cmudict` (a word, white space, its phones), `lines` (two line-aligned files), `jsonl`, `parquet`, or `auto`:
    by the names and the number of the files.  `source`, `target`, `features`: a column's number from 1, or its name (the first line of
    a table is then a header); in JSONL and Parquet a key, where numbers stand for the keys `source`, `target`, `features`; `target` may
    be `last`.  `unicode` and `lowercase` apply to source and target, not to features.
    `header`: whether the first line is one; auto: where a column goes by its name, or the line certainly is one.
    `comment`: what lines begin with that are passed by; none; auto: `#` or `;;;`, where such a line has no columns.
    `separator`: tab, comma, semicolon or a character; auto: the format's.  `features_separator`: what parts features.
    ConfigError for words and numbers that mean nothing.
    """

    format: str = "auto"
    source: int | str = 1
    target: int | str = 2
    features: int | str | None = None
    unicode: str = "none"
    lowercase: bool = False
    header: bool | Literal["auto"] = "auto"
    comment: str = "auto"
    separator: str = "auto"
    features_separator: str = "auto"

    def __post_init__(self) -> None:
        for key, value, known in (("format", self.format, FORMATS), ("unicode", self.unicode, UNICODE)):
            if value not in known:
                near = did_you_mean(value, known)
                raise ConfigError(message(f"data.{key}", " | ".join(known), repr(value), f"Choose one of them.{near}"))
        columns = {"source": self.source, "target": self.target, "features": self.features}
        for key, column in columns.items():
            if (isinstance(column, int) and column < 1) or column == "":
                raise ConfigError(message(f"data.{key}", "a column's number from 1, or its name", repr(column), "Count from 1."))
        given = [column for column in columns.values() if column is not None]
        if len(set(given)) < len(given):
            raise ConfigError(message("data.source, target, features", "different columns", str(given), "Name each column once."))

    @property
    def named(self) -> bool:
        """Whether a column goes by its name, so that a table must have a header."""
        target = None if self.target == LAST else self.target
        return any(isinstance(column, str) for column in (self.source, target, self.features))

    @property
    def marks(self) -> tuple[str, ...]:
        """What comments begin with."""
        return {"auto": (";;;", "#"), "none": ()}.get(self.comment, (self.comment,))

    @property
    def parts(self) -> str:
        """What parts the cells of a line; "" for CSV whose lines say it."""
        named = SEPARATORS.get(self.separator, self.separator)
        return named or ("" if self.format == "csv" else "\t")

    def resolved(self, files: Sequence[str]) -> Layout:
        """The same layout with `auto` replaced by what the files are.  DataError where their number does not fit the format."""
        format = self.format if self.format != "auto" else _guess(files)
        if not files or (format == "lines" and len(files) != 2):
            expected = "2 files, source and target" if format == "lines" else "a file"
            received = f"{len(files)}: {', '.join(files)}" if files else "none"
            raise DataError(message(f"data.format {format}", expected, received, "Give the files, or another data.format."))
        return replace(self, format=format)

    def clean(self, text: str) -> str:
        """A source or target as the model sees it.  Lower-cased first: lower-casing can undo a composition."""
        text = text.lower() if self.lowercase else text
        if self.unicode == "none":
            return text
        return unicodedata.normalize(cast(Literal["NFC", "NFD"], self.unicode.upper()), text)


def _guess(files: Sequence[str]) -> str:
    ends = set(map(by_name, all_parts(files)))
    if len(ends) == 1 and ends & {"jsonl", "parquet"}:
        return ends.pop()
    if len(files) == 2 and ends & {"tsv", "csv", "jsonl", "parquet"}:
        expected = "one file with columns, or two line-aligned files of plain text"
        received = "two files of which at least one is named as one with columns (.tsv, .csv, .jsonl, .parquet)"
        do = "Set data.format: tsv (or jsonl) to read one after the other, or data.format: lines to read them side by side."
        raise DataError(message(" and ".join(files), expected, received, do))
    return "lines" if len(files) != 1 else "csv" if ends == {"csv"} else "tsv"
