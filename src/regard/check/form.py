"""How files are written and which of their columns is what: as it is said, else as their first lines show."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regard.check.column_profile import Profile
from regard.data.columns import FORMATS, LAST, Layout

VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True, slots=True)
class StatedForm:
    """What is said, and so is not guessed: None where it is not.  Columns by number from 1 or by name."""

    format: str | None = None
    source: int | str | None = None
    target: int | str | None = None
    features: int | str | None = None
    second: int | str | None = None
    header: bool | None = None
    comment: str | None = None  # "": there are none
    separator: str | None = None
    fixed: bool = False  # the columns are those of a training that is about to begin
    source_tokenizer: str | None = None
    target_tokenizer: str | None = None
    max_ratio: float | None = None
    max_extra: int | None = None
    scheme: str | None = None
    cloze: bool = False
    past: int = 96
    ahead: int = 24
    time: int | str = "auto"
    images: str | None = None
    unicode: str = "none"
    lowercase: bool = False
    output: str = "classes"  # of pairs
    documents: str = "auto"  # of plain text
    window: int = 1  # tokens that a language model reads at a time
    follows: bool = False  # whether pre-training learns which text follows which
    gaps: str = "error"
    columns: tuple[str, ...] = ()
    valid_share: float = 0.1


@dataclass(frozen=True, slots=True)
class FileForm:
    """format: tsv, csv, jsonl, lines, columns, conllu, json, text or arrays.  separator: of cells.  header: names, where the first line
    has them.  comment: what a line that is none begins with.  width: cells of most lines.  roles: each role's column (from 0) or key.
    profiles: of the columns or keys that were looked at."""

    task: str
    format: str
    separator: str = "\t"
    header: tuple[str, ...] | None = None
    comment: str = ""
    width: int = 1
    roles: Mapping[str, int | str] = field(default_factory=dict)
    profiles: Mapping[int | str, Profile] = field(default_factory=dict)
    quoted: bool = False
    cloze: bool = False
    certain: bool = True  # of its header: a training takes it for one by itself
    features_separator: str = ";"
    token: int = 0  # of tags below each other: the columns of tokens and tags, -1 the last
    tag: int = -1
    last: bool = False  # whether the target is the last cell of each row, however many there are
    uncommented: bool = False  # whether it was said that no line is a comment
    guessed: tuple[str, ...] = ()  # roles whose keys a training does not find by itself
    parquet: bool = False  # whether the JSON lines are the rows of a Parquet file
    passed: bool = True  # whether a training passes its comments by
    by_lines: bool = False  # whether a row of CSV is a line, whatever its quotes

    def named(self, role: str) -> int | str:
        """A role's column by its number from 1, or by its name where there is a header, as a training takes it; a key."""
        at = self.roles[role]
        if isinstance(at, str):
            return at
        name = self.header[at] if self.header and at < len(self.header) else ""
        return name if self.header and name and self.header.count(name) == 1 else at + 1

    def layout(self, given: StatedForm | None = None) -> Layout:
        """How a training reads such a file, where every key says what was recognised; what is given is as it was said."""
        keys: dict[str, Any] = {role: self.named(role) for role in ("source", "target", "features") if role in self.roles}
        said = {role: getattr(given, role, None) for role in ("source", "target", "features")}
        keys |= {role: column for role, column in said.items() if column is not None}
        if self.last:
            keys["target"] = LAST
        keys.setdefault("target", next(n for n in (2, 1, 3, 4) if n not in keys.values()))  # where nobody asks for one
        format = "parquet" if self.parquet else self.format if self.format in FORMATS else "tsv"
        comment = self.comment or ("none" if self.uncommented else "auto")
        separator = self.separator if format in ("tsv", "csv") else "auto"
        return Layout(
            format,
            **keys,
            header=self.header is not None,
            comment=comment,
            separator=separator,
            features_separator=self.features_separator,
        )

    def place(self, role: str, column: int, row: Sequence[str]) -> int:
        """Where a role's cell is in a row."""
        return len(row) - 1 if self.last and role == "target" else column

    def least(self) -> int:
        """Cells that a row has at least."""
        columns = [at for role, at in self.roles.items() if isinstance(at, int) and not (self.last and role == "target")]
        return 1 + max(columns, default=0) + self.last

    def called(self, column: int | str) -> str:
        """A column as messages name it."""
        if isinstance(column, str):
            return f"key {column!r}"
        name = f" ({self.header[column]})" if self.header and column < len(self.header) else ""
        return f"column {column + 1}{name}"

    def key(self, column: int | str) -> str:
        """A column as a config names it."""
        if isinstance(column, str):
            return column
        return self.header[column] if self.header and column < len(self.header) else str(column + 1)


def ending(file: str) -> str:
    """`.tsv` of `a.tsv.gz`."""
    name = file.lower().removesuffix(".gz").rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""


def dictionary(line: str) -> list[str]:
    """A word of CMUdict and its phones: `READ(2)  R EH1 D # a comment` is (READ, R EH1 D)."""
    word, *phones = line.split(" #")[0].split()[:200] or [""]
    return [VARIANT.sub("", word), " ".join(phones)]


def join_caption_cells(row: Sequence[str], width: int, separator: str) -> list[str]:
    """A row of captions whose last cell has marks in it without quotes, as a training reads it."""
    return [*row[: width - 1], separator.join(row[width - 1 :])] if len(row) > width else list(row)


def split_csv_line(line: str, separator: str) -> list[str]:
    """The cells of a line of CSV, whatever stands in it: what the library refuses is cut at each separator."""
    try:
        return next(csv.reader([line.replace("\r", " ")], delimiter=separator), [])
    except csv.Error:
        return line.split(separator)
