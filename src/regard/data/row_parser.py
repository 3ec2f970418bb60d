"""Records to rows: which cell or key of a record is its source, its target, its features; and the object that a line of JSON is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.core.plural import many
from regard.data.columns import LAST, Layout
from regard.data.examples import Place
from regard.data.parquet import Column

CORRECT = "Correct the line."
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair


class RecordError(DataError):
    """One line is at fault, not the file: `data.on_bad_line: skip` passes it by.  kind: which fault it is, as `regard check` counts them
    (`check/bad_lines.py`)."""

    def __init__(self, said: str, kind: str = "unreadable") -> None:
        super().__init__(said)
        self.kind = kind

    @classmethod
    def at(cls, place: object, expected: str, received: str, kind: str = "unreadable", *, do: str = CORRECT) -> RecordError:
        """What was expected at a place, what stands there, and what to do."""
        return cls(message(str(place), expected, received, do), kind)


@dataclass(frozen=True, slots=True)
class Row:
    """The text of one line, as it stands there.  Several `targets` are several references to one source."""

    source: str
    targets: tuple[str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """The columns of a table, counted from 0; `target` -1 is the last one, and None where a header has none, which only prediction
    accepts."""

    source: int
    target: int | None
    features: int | None

    @cached_property
    def width(self) -> int:
        """How many columns a line must have."""
        width = 1 + max(column for column in (self.source, self.target, self.features) if column is not None)
        return width + (self.target == -1)

    @cached_property
    def without_target(self) -> Columns:
        """Where the others stand in a file from which the target column was left out."""
        gone = self.width if self.target in (None, -1) else self.target
        features = None if self.features is None else self.features - (self.features > gone)
        return Columns(self.source - (self.source > gone), None, features)

    def row(self, fields: list[str], parts: str) -> Row:
        targets = () if self.target is None or self.target >= len(fields) else (fields[self.target],)
        features = () if self.features is None else split_features(fields[self.features], parts)
        return Row(fields[self.source], targets, features)


def split_features(text: str, parts: str = ";") -> tuple[str, ...]:
    """`V;PST;3;SG` is four features; blanks around them, and empty ones, do not count; nor does `_`, which is CoNLL-U's word for none.

    parts: what stands between features; auto is `;`.
    """
    parted = text.split(";" if parts == "auto" else parts)
    return tuple(part.strip() for part in parted if part.strip() and (parts != "|" or part != "_"))


def number_of_column(layout: Layout) -> Columns:
    """The columns of a layout that goes by numbers."""
    last = 0 if layout.target == LAST else layout.target
    source, target, features = (None if x is None else int(x) - 1 for x in (layout.source, last, layout.features))
    assert source is not None
    return Columns(source, target, features)


def read_header(layout: Layout, header: list[str], place: Place, *, need_target: bool) -> Columns:
    """The columns that a header's names, or numbers beside names, stand for.  DataError names the columns there are."""
    names = [name.strip() for name in header]

    source = find_column("data.source", layout.source, names, place)
    assert source is not None
    last = len(names) if layout.target == LAST else layout.target
    featured = need_target or len(names) > 1  # a list of sources has none
    target = find_column("data.target", last, names, place, needed=need_target)
    return Columns(source, target, find_column("data.features", layout.features, names, place, needed=featured))


def find_column(key: str, column: int | str | None, names: Sequence[str], place: Place, *, needed: bool = True) -> int | None:
    """Where a column stands below a header; None: it is not there, and need not be.  key: what says which column it is."""
    if isinstance(column, int) and column <= len(names):
        return column - 1
    if column is not None and names.count(str(column)) == 1:
        return names.index(str(column))
    if column is None or not needed:
        return None
    there = ", ".join(repr(name) for name in names)
    do = f"Set {key} to a column that is there.{did_you_mean(column, names)}"
    raise DataError(message(f"{place} (header)", f"one column {column!r} for {key}", there or "no columns", do))


def pair_row(fields: list[str], place: Place, *, columns: Columns, layout: Layout) -> Row:
    """A line of training or evaluation data.  RecordError where a column is missing."""
    if len(fields) >= columns.width:
        return columns.row(fields, layout.features_separator)
    do = f"{CORRECT} Or say which columns hold what (data.source, target, features)."
    raise _too_few(fields, place, columns.width, layout, do)


def input_row(fields: list[str], place: Place, *, columns: Columns, layout: Layout) -> Row:
    """A line to predict from: as in training, or with the target column left out, or the source alone.  RecordError otherwise."""
    parts = layout.features_separator
    if len(fields) >= columns.width:
        return columns.row(fields, parts)
    shorter = columns.without_target
    if len(fields) == columns.width - 1 and len(fields) >= shorter.width:
        return shorter.row(fields, parts)
    if len(fields) == 1:
        return Row(fields[0], (), ())
    if len(fields) > max(columns.source, columns.features or 0):
        return columns.row(fields, parts)
    do = "Give the columns of training (the target may be left out), or the source alone."
    raise _too_few(fields, place, shorter.width, layout, do)


def _too_few(fields: list[str], place: Place, width: int, layout: Layout, do: str) -> RecordError:
    there = f"{many(len(fields), 'column')} ({', '.join(shorten(field) for field in fields)})"
    named = {"\t": "separated by tabs", ",": "separated by commas", ";": "separated by semicolons", "": "separated by commas"}
    parted = "a word and its phones" if layout.format == "cmudict" else named.get(layout.parts, f"separated by {layout.parts!r}")
    if layout.parts == "\t" and len(fields) == 1:
        if fields[0].startswith("#"):
            do = f"It looks like a comment: set data.comment to {fields[0][0]!r}. {do}"
        elif len(fields[0].split(",")) > 1 < width:
            do = f"{do} Where commas or semicolons part the columns: data.format: csv."
    return RecordError.at(place, f"at least {width} columns, {parted}", there, "too-few-columns", do=do)


def shorten(text: str) -> str:
    """A text as messages show it."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def json_object(line: str, place: Place) -> dict[str, Any]:
    """The object of a line of JSONL.  RecordError where it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        if not line.strip():
            raise RecordError.at(place, "a JSON object", "an empty line", "empty-line") from None
        raise RecordError.at(place, "a JSON object", f"{shorten(line)} ({error})", "no-json") from error
    if not isinstance(record, dict):
        raise RecordError.at(place, "a JSON object", shorten(line), "no-json")
    return record


def object_in(line: str) -> dict[str, Any] | None:
    """The object that a line is; None where it is none."""
    try:
        return json_object(line, Place("", 1)) if line.lstrip().startswith("{") else None
    except RecordError:
        return None


def object_row(record: Mapping[str, Any], place: Place, layout: Layout, *, need_target: bool) -> Row:
    """An object whose source is a string and whose target is a string, a whole number (a class as Hugging Face writes it) or a list of
    strings.  A key `translation.de` is the key `de` of the object under `translation`.  RecordError otherwise."""
    source = _strings(record, _key(layout.source, "source"), place, several=False)
    target_key = _key(layout.target, "target")
    missing = not need_target and value_of(record, target_key)[1] is None
    targets = () if missing else _strings(record, target_key, place, several=True)
    if layout.features is None:
        return Row(source[0], targets, ())
    features = _strings(record, _key(layout.features, "features"), place, several=True)
    return Row(source[0], targets, tuple(part for text in features for part in split_features(text, layout.features_separator)))


def list_stored(layout: Layout, *, need_target: bool) -> list[Column]:
    """The columns of Parquet that `object_row` asks for."""
    several = ("whole numbers", "lists")
    source, target = _key(layout.source, "source"), _key(layout.target, "target")
    found = [Column("data.source", source), Column("data.target", target, several, needed=need_target)]
    return found if layout.features is None else [*found, Column("data.features", _key(layout.features, "features"), several)]


def _key(column: int | str, name: str) -> str:
    return column if isinstance(column, str) else name


def value_of(record: Mapping[str, Any], key: str) -> tuple[bool, Any]:
    """Whether a key is there, and what stands under it; of `translation.de` the key `de` of the object under `translation`."""
    if key in record:
        return True, record[key]
    outer, dot, inner = key.partition(".")
    within = record.get(outer) if dot else None
    return value_of(within, inner) if isinstance(within, Mapping) else (False, None)


def explain_missing_key(record: Mapping[str, Any], key: str, place: Place | str, kind: str = "missing-key") -> RecordError:
    """What is said of an object without a key.  kind: see `RecordError`."""
    there = ", ".join(map(repr, record)) or "no keys"
    return RecordError.at(place, f"the key {key!r}", there, kind, do=f"{CORRECT}{did_you_mean(key, record)}")


def _strings(record: Mapping[str, Any], key: str, place: Place, *, several: bool) -> tuple[str, ...]:
    there, value = value_of(record, key)
    if not there:
        raise explain_missing_key(record, key, place)
    if several and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = tuple(value) if several and isinstance(value, list) else (value,)
    kind = "a string or a list of strings" if several else "a string"
    if not all(isinstance(text, str) for text in found):
        received = shorten(json.dumps(value, ensure_ascii=False, default=repr))
        raise RecordError.at(f"{place}, key {key!r}", kind, received, "no-string")
    if any(map(has_half_surrogate, found)):
        raise RecordError.at(f"{place}, key {key!r}", "whole characters", "half a surrogate pair", "no-string")
    return found


@contextmanager
def whole(texts: Sequence[str]) -> Iterator[None]:
    """For a library that takes no half characters, and says something else: DataError names the first text that has one."""
    try:
        yield
    except TypeError as error:
        faulty = next((text for text in texts if has_half_surrogate(text)), None)
        if faulty is None:
            raise
        received = "half a surrogate pair"
        raise DataError(message(f"the text {faulty[:40]!r}", "whole characters", received, "Correct the text.")) from error


def has_half_surrogate(text: str) -> bool:
    """Whether half a surrogate pair stands in a text: "\\ud800" is JSON, but no character."""
    return HALF.search(text) is not None
