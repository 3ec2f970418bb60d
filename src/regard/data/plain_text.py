"""Plain text: whole files, or a text a line or a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.columns import Layout
from regard.data.examples import Place, split
from regard.data.parquet import parquet_rows
from regard.data.parts import all_parts, by_name
from regard.data.records import PassedLine, parse_each, read_records
from regard.data.row_parser import CORRECT, Columns, RecordError, list_stored, number_of_column, object_row, read_header
from regard.data.text_files import lines, show_file


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text that begins and ends.  whole: it is a whole file, so that any piece of it is a text too; place: where it begins."""

    text: str
    place: Place
    whole: bool = False

    @property
    def source(self) -> str:
        return self.text


def read_plain(files: Sequence[str], *, kind: str, column: int | str = 1) -> Iterator[PlainText | RecordError]:
    """The texts of files, one file after another.

    kind: `text`, a file is one text; `lines`, each line is one; `tsv`, `jsonl` and `parquet`, each row is one, in `column`; `auto`, by
    each file's name, text but for .tsv, .jsonl, .parquet and .arrow.  A line without text is handed over as a RecordError, which says
    file, line and what to do.
    """
    for file in all_parts(files):
        manner = _named(file) if kind == "auto" else kind
        if manner == "text":
            text = "\n".join(lines(file))
            if text.strip():
                yield PlainText(text, Place(show_file(file), 1), whole=True)
            continue
        for place, found in _texts(file, manner, column):
            if isinstance(found, str) and found.strip():
                yield PlainText(found, place)
            else:
                empty = RecordError.at(place, "a text", "an empty one", "empty-line")
                yield found if isinstance(found, RecordError) else empty


def _named(file: str) -> str:
    end = file.removesuffix(".gz").rpartition(".")[2].lower()
    return end if end in ("tsv", "jsonl") else "parquet" if by_name(file) == "parquet" else "text"


def row_layout(manner: str, column: int | str) -> Layout:
    """Rows with a text in this column, and nothing else that counts."""
    nothing: int | str = "no target" if manner in ("jsonl", "parquet") else 1 if column != 1 else 2
    return Layout(manner, column, nothing)


def _texts(file: str, manner: str, column: int | str) -> Iterator[tuple[Place, str | RecordError | PassedLine]]:
    layout = row_layout(manner, column)
    if manner == "parquet":
        wanted = [column for column in list_stored(layout, need_target=False) if column.needed]
        return parse_each(parquet_rows(file, wanted, filled=True), partial(_text, layout=layout, column=0))
    found = read_records(file, manner)
    columns = Columns(0, None, None)
    if manner == "tsv" and isinstance(column, str):
        place, header = next(found, (Place(show_file(file), 1), []))
        columns = read_header(layout, header or [""], place, need_target=False)
    elif manner == "tsv":
        columns = number_of_column(layout)
    return parse_each(found, partial(_text, layout=layout, column=columns.source))


def _text(record: str | list[str] | dict[str, Any], place: Place, layout: Layout, column: int) -> str:
    if isinstance(record, str):
        return record
    if isinstance(record, dict):
        return object_row(record, place, layout, need_target=False).source
    fields = record or [""]
    if len(fields) <= column:
        do = f"{CORRECT} Or say in which column the text is (data.source)."
        expected = f"at least {column + 1} columns, separated by tabs"
        raise RecordError.at(place, expected, str(len(fields)), "too-few-columns", do=do)
    return fields[column]


def set_aside(texts: Sequence[PlainText], share: float, seed: int) -> tuple[list[PlainText], list[PlainText]]:
    """Set a share apart for validation: of texts some, by a hash of each (see `items.split`); of whole files the end of each.

    DataError where a side would be empty.
    """
    if not all(text.whole for text in texts):
        return split(texts, share, seed)  # type: ignore[arg-type, return-value]  # it asks for `source` alone
    parted = [_parted(text, share) for text in texts]
    return [first for first, _ in parted], [last for _, last in parted]


def _parted(given: PlainText, share: float) -> tuple[PlainText, PlainText]:
    """A text in two, at the end of a line; where there is none at a blank, or anywhere."""
    text = given.text
    near = round(len(text) * (1 - share))
    cut = next((at for mark in ("\n", " ") if 0 < (at := text.find(mark, near)) < len(text) - 1), near - 1)
    first, last = text[: cut + 1], text[cut + 1 :]
    if not first.strip() or not last.strip():
        do = "Give more text, or a validation file (data.valid)."
        expected = f"text to part, {share:g} of it for validation (data.valid_share)"
        raise DataError(message(given.place.file, expected, many(len(text), "character"), do))
    return replace(given, text=first), PlainText(last, Place(given.place.file, 1 + first.count("\n")), whole=True)
