"""How a data file is laid out: its format, and which of its columns is what."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from regard.ground.errors import ConfigError, DataError, did_you_mean, message

FORMATS = ("auto", "tsv", "lines", "jsonl")
UNICODE = ("none", "nfc", "nfd")


@dataclass(frozen=True)
class Layout:
    """The format of data files and what is done to their text.

    `format`: `tsv`, `lines` (two line-aligned files), `jsonl`, or `auto`: by the names and the number of the files.
    `source`, `target`, `features`: a column's number from 1, or its name (the first line of a TSV is then a header); in JSONL
    a key, where numbers stand for the keys `source`, `target`, `features`.  `unicode` and `lowercase` apply to source and
    target, not to features.  ConfigError for words and numbers that mean nothing.
    """

    format: str = "auto"
    source: int | str = 1
    target: int | str = 2
    features: int | str | None = None
    unicode: str = "none"
    lowercase: bool = False

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
        """Whether a column goes by its name, so that a TSV must have a header."""
        return any(isinstance(column, str) for column in (self.source, self.target, self.features))

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
    ends = {file.removesuffix(".gz").rpartition(".")[2].lower() for file in files}
    if ends == {"jsonl"}:
        return "jsonl"
    if len(files) == 2 and ends & {"tsv", "jsonl"}:
        raise DataError(
            message(
                " and ".join(files),
                "one file with columns, or two line-aligned files of plain text",
                "two files of which at least one is named .tsv or .jsonl",
                "Set data.format: tsv (or jsonl) to read one after the other, or data.format: lines to read them side by side.",
            )
        )
    return "tsv" if len(files) == 1 else "lines"
