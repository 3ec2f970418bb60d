"""Files with columns, two line-aligned files, JSON lines: from files to items, and clear words about what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

from regard.core.errors import ConfigError, DataError, did_you_mean, message
from regard.core.plural import many
from regard.data.columns import Layout
from regard.data.examples import Item, Place
from regard.data.parquet import Column
from regard.data.parts import all_parts, beside_each_other
from regard.data.records import PassedLine, headless, parse_records, read_records
from regard.data.report import Report
from regard.data.row_parser import (
    RecordError,
    Row,
    input_row,
    list_stored,
    number_of_column,
    object_row,
    pair_row,
    read_header,
)
from regard.data.source_lists import read_source_list
from regard.data.text_files import LineSpan, lines, show_file

Found = Row | RecordError | PassedLine


class RowParser:
    """How records become rows, by a layout.  need_target: of training and evaluation; to predict from, the target may be missing."""

    def __init__(self, layout: Layout, *, need_target: bool) -> None:
        self.layout, self.need_target = layout, need_target
        self._columns = None if layout.named else number_of_column(layout)
        self._row = pair_row if need_target else input_row

    @property
    def width(self) -> int | None:
        return None if self._columns is None else self._columns.width

    @property
    def stored(self) -> list[Column]:
        return list_stored(self.layout, need_target=self.need_target)

    def read_header(self, cells: list[str], place: Place) -> None:
        self._columns = read_header(self.layout, cells, place, need_target=self.need_target)

    def of_cells(self, cells: list[str], place: Place) -> Row:
        assert self._columns is not None  # a header was read, or none is there
        return self._row(cells, place, columns=self._columns, layout=self.layout)

    def of_object(self, record: Mapping[str, Any], place: Place) -> Row:
        return object_row(record, place, self.layout, need_target=self.need_target)

    def of_blank(self, place: Place) -> Row | PassedLine:
        """UniMorph has blank lines between lemmas; elsewhere something is missing."""
        if not self.need_target:
            return Row("", (), ())
        if self.layout.features is not None:
            return PassedLine("blank")
        raise RecordError.at(place, "a source and a target", "an empty line", "empty-line")


class Pairs:
    """Training or evaluation data: every item has a source and a target, neither of them empty.

    A file may also be a folder or a pattern of parts (`parts.find_parts`).

    They are read each time that they are asked for, so that the whole never lies in memory; `report` is of the last whole reading.
    One file with columns, two line-aligned files, or, where `layout.format` says tsv or jsonl, several files one after another.
    `on_bad_line`: `error` refuses the file, with all that is wrong with it; `skip` passes lines at fault by and reports them.  A JSONL
    target that is a list gives an item each.  DataError names the file, the line, what was expected and received, and what to do.
    """

    def __init__(self, files: Sequence[str], layout: Layout, *, on_bad_line: str = "error") -> None:
        if on_bad_line not in ("error", "skip"):
            near = did_you_mean(on_bad_line, ("error", "skip"))
            raise ConfigError(message("data.on_bad_line", "error | skip", repr(on_bad_line), f"Choose one of them.{near}"))
        self._files, self._layout, self._skips = tuple(files), layout.resolved(files), on_bad_line == "skip"
        self.report = Report(tuple(show_file(file) for file in files))

    def __iter__(self) -> Iterator[Item]:
        files, layout = self._files, self._layout
        report = Report(self.report.files)
        for place, row in _placed(files, layout):
            if isinstance(row, PassedLine):
                report.passed[row.kind] += 1
                continue
            report.lines += 1
            found = row if isinstance(row, RecordError) else make_items(row, place, layout)
            if isinstance(found, RecordError):
                report.skipped.append(str(found))
            elif self._skips or not report.skipped:  # a file that is refused is read on for all that is wrong with it
                report.items += len(found)
                yield from found
        if report.skipped and not self._skips:
            raise report.refusal()
        if not report.items:
            received = f"{many(report.lines, 'bad line')}; the first: {report.skipped[0]}" if report.skipped else "no lines"
            expected = "lines with a source and a target"
            raise DataError(message(" + ".join(report.files), expected, received, "Give a file with data."))
        self.report = report


def read_pairs(files: Sequence[str], layout: Layout, *, on_bad_line: str = "error") -> tuple[list[Item], Report]:
    """All items of `Pairs` at once, and what reading found."""
    pairs = Pairs(files, layout, on_bad_line=on_bad_line)
    return list(pairs), pairs.report


def each_pair(files: Sequence[str], layout: Layout, passed: Counter[str] | None = None) -> Iterator[Item | RecordError]:
    """What `Pairs` reads, with each line at fault as what is wrong with it, for `gather` to stop at or to pass by.  passed: is told of
    lines that hold nothing to read."""
    layout = layout.resolved(files)
    for place, row in _placed(files, layout):
        if isinstance(row, PassedLine):
            if passed is not None:
                passed[row.kind] += 1
            continue
        found = row if isinstance(row, RecordError) else make_items(row, place, layout)
        yield from [found] if isinstance(found, RecordError) else found


def each_labelled(files: Sequence[str], layout: Layout, passed: Counter[str] | None = None) -> Iterator[Item | RecordError]:
    """The texts of files; one with several labels (a list in JSONL) is at fault."""
    for place, found in groupby(each_pair(files, layout, passed), key=lambda x: x.place if isinstance(x, Item) else x):
        each = list(found)
        several = len(each) > 1 and not isinstance(each[0], RecordError)
        yield RecordError.at(place, "one label", f"{len(each)}", "several-labels") if several else each[0]


def _placed(files: Sequence[str], layout: Layout) -> Iterator[tuple[Place, Found]]:
    """The rows of all files, each with its place."""
    if layout.format == "lines":
        return (found for source, target in beside_each_other(files) for found in align_rows(source, target))
    return (found for file in all_parts(files) for found in parse_records(file, RowParser(layout, need_target=True)))


def align_rows(source: str, target: str, *, spans: Sequence[LineSpan] = ()) -> Iterator[tuple[Place, Found]]:
    """Two files line for line, named by the side that is empty, else by the source.  spans: some lines of each alone.  DataError where one
    ends before the other."""
    counts, (here, there) = [0, 0], spans or (None, None)
    sides = lines(source, span=here), lines(target, span=there)
    for number, pair in enumerate(zip_longest(*sides), start=here.first if here else 1):
        counts = [count + (line is not None) for count, line in zip(counts, pair, strict=True)]
        if counts[0] == counts[1]:
            at_fault = target if pair[0].strip() and not pair[1].strip() else source
            yield Place(show_file(at_fault), number), Row(pair[0], (pair[1],), ())
    if counts[0] != counts[1]:
        what, received = f"{show_file(source)} and {show_file(target)}", f"{counts[0]:,} and {counts[1]:,} lines"
        do = "Find the line that one of them lacks: with two files, each line of one belongs to the same line of the other."
        raise DataError(message(what, "the same number of lines", received, do))


def make_items(row: Row, place: Place, layout: Layout) -> list[Item] | RecordError:
    """The items of a row, one for each target; a bad line where a side has no text."""
    if not row.source.strip() or not row.targets or not all(target.strip() for target in row.targets):
        side = "target" if row.source.strip() else "source"
        return RecordError.at(place, f"a {side} with text in it", f"an empty {side}", f"empty-{side}")
    source = layout.clean(row.source)
    return [Item(source, layout.clean(target), row.features, place) for target in row.targets]


def read_inputs(file: str, layout: Layout, say: Callable[[str], None] | None = None) -> Iterator[Item]:
    """What to predict from, lazily: one item for every line (a header aside), so that output stays line for line with it.

    `-` is standard input.  The target may be missing: its column left blank or left out, or each line the source alone.  A line
    without a source gives an item whose source is "".  With `layout.format` lines, a whole line is a source, tabs included.
    A comment gives an item whose source is "", too.  A JSONL target that is a list counts as its first.  A list of sources is one for
    every layout (`read_source_list`, which tells `say`); of a header over columns that go by numbers `say` hears too.  DataError as in
    `read_pairs`.
    """
    layout, name = layout if layout.format == "lines" else layout.resolved([file]), show_file(file)
    stream = None
    if layout.format != "parquet":
        stream, layout = read_source_list(lines(file), name, layout, say)
    rows: Iterator[tuple[Place, Found]]
    if layout.format == "lines":
        rows = ((place, Row(line, (), ())) for place, line in read_records(file, "lines", stream=stream))
    else:
        rows = parse_records(file, RowParser(layout, need_target=False), stream)
    for place, row in rows:
        if isinstance(row, RecordError):
            raise row
        if isinstance(row, PassedLine) and row.kind == "header":
            if say:
                say(headless(place))
            continue
        row = Row("", (), ()) if isinstance(row, PassedLine) else row
        target = row.targets[0] if row.targets and row.targets[0].strip() else None
        source = layout.clean(row.source) if row.source.strip() else ""
        yield Item(source, None if target is None else layout.clean(target), row.features, place)
