"""Two texts to one answer: from tables and JSON lines to items, and clear words about what is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.columns import Layout
from regard.data.examples import Place
from regard.data.parquet import Column
from regard.data.parts import all_parts
from regard.data.records import PassedLine, headless, parse_records
from regard.data.row_parser import CORRECT, RecordError, explain_missing_key, find_column, has_half_surrogate, shorten
from regard.data.series_table import finite
from regard.data.text_files import lines, show_file

NAMES = {"source": "data.source", "second": "pair.second", "target": "data.target"}  # what says which column it is
TABLE = Layout()
STEM = 4  # letters that two words begin with, to be told alike


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two texts, and what is right of them: a label, or a number as it is written; None where not known."""

    first: str
    second: str
    target: str | None
    place: Place

    @property
    def source(self) -> str:
        """Both texts, parted by a tab: what tells items apart; nothing where both are empty."""
        return f"{self.first}\t{self.second}" if self.first or self.second else ""


@dataclass(frozen=True)
class PairColumns:
    """The columns of the first text, the second and what is right: numbers from 1 or names (a TSV then has a header).  table: the format,
    what parts cells, header and comments; of its columns nothing is read."""

    source: int | str = 1
    second: int | str = 2
    target: int | str = 3
    table: Layout = TABLE

    @property
    def columns(self) -> dict[str, int | str]:
        return {"source": self.source, "second": self.second, "target": self.target}

    @property
    def named(self) -> bool:
        """Whether a column goes by its name, so that a table must have a header."""
        return any(isinstance(column, str) for column in self.columns.values())


def read_coupled(
    files: Sequence[str], layout: PairColumns, passed: Counter[str] | None = None
) -> Iterator[TextPair | RecordError]:
    """The items of files, one file after another, with what is right of them; one at fault is a RecordError.  passed: is told of lines that
    hold nothing to read."""
    passed = Counter() if passed is None else passed
    for file in all_parts(files):
        for _, found in parse_records(file, PairParser(layout, file, need_target=True)):
            if isinstance(found, PassedLine):
                passed[found.kind] += 1
            else:
                yield found


def as_rated(found: Iterable[TextPair | RecordError]) -> Iterator[TextPair | RecordError]:
    """Items whose right answers are numbers; what is none is at fault."""
    for item in found:
        if isinstance(item, RecordError) or number(item.target) is not None:
            yield item
            continue
        do = "Correct the line, name the column that holds the numbers (data.target), or set pair.output: classes."
        yield RecordError.at(item.place, "a finite number", repr(item.target), "no-rating", do=do)


def number(text: str | None) -> float | None:
    """The number that a text is; None where it is none, or none that is finite."""
    return finite(text or "")


def read_couples(file: str, layout: PairColumns, say: Callable[[str], None] | None = None) -> Iterator[TextPair]:
    """What to predict from, lazily: an item for every line (a header aside); `-` is standard input.

    What is right may be missing: a TSV then has two columns, or the column is blank or left out.  An empty line gives an item of two
    empty texts.  Two columns whose first line names neither text have no header, which `say` hears.  DataError names the line at fault.
    """
    stream, table = None, layout.table.resolved([file])
    if table.format not in ("jsonl", "parquet"):
        stream = lines(file)
        first = next(stream, None)
        stream, cells = chain([] if first is None else [first], stream), [] if first is None else first.split("\t")
        names = [column for column in (layout.source, layout.second, layout.target) if isinstance(column, str)]
        if names and len(cells) == 2 and not any(cell.strip() in names for cell in cells):
            layout = replace(layout, source=1, second=2, target=3, table=replace(table, header=False))
            if say:
                received = f"note: {show_file(file)}: its first line names no column {' or '.join(map(repr, names))}"
                say(f"{received}, so each line is read as two texts, the first one too.")
    parser = PairParser(layout, file, need_target=False)
    for place, found in parse_records(file, parser, stream):
        if isinstance(found, RecordError):
            raise found
        if not isinstance(found, PassedLine):
            yield found
        elif found.kind == "comment":
            yield parser.of_blank(place)
        elif say:
            say(headless(place))


def pair_of_item(item: Any) -> TextPair:
    """An item to predict from: (first, second), a line in which a tab parts them, or `TextPair`.  DataError for anything else, and where
    one of the texts alone is empty."""
    place = item.place if isinstance(item, TextPair) else Place("item", 1)
    texts = (item.first, item.second) if isinstance(item, TextPair) else item.split("\t") if isinstance(item, str) else item
    if isinstance(item, str) and not item.strip():
        return TextPair("", "", None, place)
    if not isinstance(texts, Sequence) or len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        do = "Give a tuple (first, second), or a line with a tab between them."
        raise DataError(message("an item of a pair", "two texts", repr(item)[:60], do))
    first, second = texts
    if bool(first.strip()) != bool(second.strip()):
        side = "second" if first.strip() else "first"
        what = str(place) if isinstance(item, TextPair) else "an item of a pair"
        raise DataError(message(what, f"a {side} text", "an empty one", "Give both texts, or leave the whole line empty."))
    return item if isinstance(item, TextPair) else TextPair(first, second, None, place)


def overlap_marks(words: Sequence[str], others: Sequence[str]) -> list[tuple[int, int, int]]:
    """Of each word whether it stands in the other text: exactly, whatever its case, and by its first letters (at most STEM)."""
    exact, lower = set(others), {other.lower() for other in others}
    stems = {other[:STEM] for other in lower}
    return [(int(w in exact), int(w.lower() in lower), int(w.lower()[:STEM] in stems)) for w in words]


class PairParser:
    """How records become two texts and what is right of them.  columns: which column is what; file: it says the format."""

    def __init__(self, columns: PairColumns, file: str, *, need_target: bool) -> None:
        self.layout, self.need_target, self._columns = columns.table.resolved([file]), need_target, columns
        self._found: dict[str, int | None] | None = None
        if not columns.named:
            self._found = {key: int(column) - 1 for key, column in columns.columns.items()}

    @property
    def width(self) -> int | None:
        return None if self._found is None else 1 + max(column for column in self._found.values() if column is not None)

    @property
    def stored(self) -> list[Column]:
        named = {role: column if isinstance(column, str) else role for role, column in self._columns.columns.items()}
        texts = [Column(NAMES[role], named[role]) for role in ("source", "second")]
        return [*texts, Column(NAMES["target"], named["target"], ("numbers",), needed=self.need_target)]

    def read_header(self, cells: list[str], place: Place) -> None:
        names = [cell.strip() for cell in cells]
        self._found = {
            key: find_column(NAMES[key], x, names, place, needed=self.need_target or key != "target")
            for key, x in self._columns.columns.items()
        }

    def of_cells(self, cells: list[str], place: Place) -> TextPair:
        assert self._found is not None  # a header was read, or none is there
        return _row(cells, place, self._found, self.need_target, self.layout.parts)

    def of_object(self, record: dict[str, Any], place: Place) -> TextPair:
        return pair_of_row(record, place, self._columns, needs_target=self.need_target)

    def of_blank(self, place: Place) -> TextPair:
        if self.need_target:
            raise _empty_line(place)
        return TextPair("", "", None, place)


def _empty_line(place: Place) -> RecordError:
    return RecordError.at(place, "two texts and what is right of them", "an empty line", "empty-line")


def _row(fields: list[str], place: Place, found: dict[str, int | None], needs_target: bool, parts: str) -> TextPair:
    """A line of a table.  RecordError where a column is missing, or a text is empty."""
    at = {key: column for key, column in found.items() if column is not None}
    if needs_target and not "".join(fields).strip():
        raise _empty_line(place)
    width, target = 1 + max(at.values()), at.get("target")
    if len(fields) < width and not needs_target and target is not None:  # the column of what is right may be left out
        at = {key: column - (column > target) for key, column in at.items() if key != "target"}
        width = 1 + max(at.values())
        if len(fields) == 2:  # nothing but the texts, in their order
            at, width = dict(zip(sorted(at, key=lambda key: at[key]), (0, 1), strict=True)), 2
    if len(fields) < width:
        there = f"{many(len(fields), 'column')} ({', '.join(map(shorten, fields))})"
        do = f"{CORRECT} Or say which columns hold what (data.source, pair.second, data.target)."
        separated = "separated by tabs" if parts == "\t" else "separated by commas or semicolons"
        raise RecordError.at(place, f"at least {width} columns, {separated}", there, "too-few-columns", do=do)
    return _item({key: fields[column] for key, column in at.items()}, place, needs_target)


def pair_of_row(record: Mapping[str, Any], place: Place, layout: PairColumns, *, needs_target: bool = True) -> TextPair:
    """An object with two texts and a label or a number.  RecordError otherwise."""
    values = {}
    for name, column in layout.columns.items():
        key = column if isinstance(column, str) else name
        if key not in record or (record[key] is None and not needs_target):
            if name == "target" and not needs_target:
                continue
            raise explain_missing_key(record, key, place)
        value = record[key]
        if name == "target" and isinstance(value, int | float) and not isinstance(value, bool):
            value = repr(value)
        if not isinstance(value, str) or has_half_surrogate(value):
            kind = "a string or a number" if name == "target" else "a string"
            received = shorten(json.dumps(value, ensure_ascii=True, default=repr))
            raise RecordError.at(f"{place}, key {key!r}", kind, received, "no-string")
        values[name] = value
    return _item(values, place, needs_target)


def _item(values: dict[str, str], place: Place, needs_target: bool) -> TextPair:
    target = values.get("target", "").strip()
    for name, side in (("source", "first text"), ("second", "second text")):
        if not values[name].strip():
            raise RecordError.at(place, f"a {side} with words in it", f"an empty {side}", "empty-source")
    if needs_target and not target:
        raise RecordError.at(place, "what is right of the two texts", "an empty column", "empty-target")
    return TextPair(values["source"], values["second"], target or None, place)
