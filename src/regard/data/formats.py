"""TSV, two line-aligned files, JSONL: from files to items, and clear words about what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest

from regard.data.files import fingerprint as fingerprint
from regard.data.files import lines, shown
from regard.data.items import Group as Group
from regard.data.items import Item as Item
from regard.data.items import Place as Place
from regard.data.items import group as group
from regard.data.items import overlap as overlap
from regard.data.items import split as split
from regard.data.layout import Layout as Layout
from regard.data.listed import listed
from regard.data.rows import MEND, BadLine, Row, headed, jsonl_row, numbered, tsv_input, tsv_pair
from regard.ground.errors import ConfigError, DataError, did_you_mean, message

NAMED = 5  # so many skipped lines are named one by one


@dataclass
class Report:
    """What reading found; `str(report)` says it in sentences."""

    files: tuple[str, ...]
    lines: int = 0  # of text: a header does not count, and two aligned lines are one; or what else was read one by one
    items: int = 0
    skipped: list[str] = field(default_factory=list)  # what was wrong with each, its place first
    of: str = "lines"  # what was read one by one

    def __str__(self) -> str:
        read = "" if self.of == "items" else f"{self.lines:,} {self.of}, "
        said = [f"{' + '.join(self.files)}: {read}{self.items:,} items."]
        if self.skipped:
            said.append(f"{len(self.skipped):,} bad {self.of} were skipped:")
            said += [f"  {why}" for why in self.skipped[:NAMED]]
        if len(self.skipped) > NAMED:
            said.append(f"  and {len(self.skipped) - NAMED:,} more.")
        return "\n".join(said)


class Pairs:
    """Training or evaluation data: every item has a source and a target, neither of them empty.

    They are read each time that they are asked for, so that the whole never lies in memory; `report` is of the last whole reading.
    One file with columns, two line-aligned files, or, where `layout.format` says tsv or jsonl, several files one after another.
    `on_bad_line`: `error` stops at a line at fault, `skip` passes it by and reports it.  A JSONL target that is a list gives
    an item each.  DataError names the file, the line, what was expected and received, and the mend.
    """

    def __init__(self, files: Sequence[str], layout: Layout, *, on_bad_line: str = "error") -> None:
        if on_bad_line not in ("error", "skip"):
            near = did_you_mean(on_bad_line, ("error", "skip"))
            raise ConfigError(message("data.on_bad_line", "error | skip", repr(on_bad_line), f"Choose one of them.{near}"))
        self._files, self._layout, self._skips = tuple(files), layout.resolved(files), on_bad_line == "skip"
        self.report = Report(tuple(shown(file) for file in files))

    def __iter__(self) -> Iterator[Item]:
        files, layout = self._files, self._layout
        report = Report(self.report.files)
        for place, row in _placed(files, layout):
            report.lines += 1
            found = row if isinstance(row, BadLine) else _items(row, place, layout)
            if not isinstance(found, BadLine):
                report.items += len(found)
                yield from found
            elif self._skips:
                report.skipped.append(str(found))
            else:
                raise BadLine(f"{found} Or set data.on_bad_line: skip.")
        if not report.items:
            received = f"{report.lines} bad lines; the first: {report.skipped[0]}" if report.skipped else "no lines"
            expected = "lines with a source and a target"
            raise DataError(message(" + ".join(report.files), expected, received, "Give a file with data."))
        self.report = report


def read_pairs(files: Sequence[str], layout: Layout, *, on_bad_line: str = "error") -> tuple[list[Item], Report]:
    """All items of `Pairs` at once, and what reading found."""
    pairs = Pairs(files, layout, on_bad_line=on_bad_line)
    return list(pairs), pairs.report


def each_pair(files: Sequence[str], layout: Layout) -> Iterator[Item | BadLine]:
    """What `Pairs` reads, with each line at fault as what is wrong with it, for `gather` to stop at or to pass by."""
    layout = layout.resolved(files)
    for place, row in _placed(files, layout):
        found = row if isinstance(row, BadLine) else _items(row, place, layout)
        yield from [found] if isinstance(found, BadLine) else found


def _placed(files: Sequence[str], layout: Layout) -> Iterator[tuple[Place, Row | BadLine]]:
    """The rows of all files, each with its place."""
    if layout.format == "lines":
        return _aligned(files[0], files[1])
    return (pair for file in files for pair in _rows(file, layout))


def _rows(file: str, layout: Layout) -> Iterator[tuple[Place, Row | BadLine]]:
    """The lines of one file with columns: each as a row, or what is wrong with it."""
    name, stream = shown(file), lines(file)
    parse, first = _parser(stream, name, layout, need_target=True)
    for number, line in enumerate(stream, start=first):
        place = Place(name, number)
        try:
            row: Row | BadLine = parse(line, place)
        except BadLine as fault:
            row = fault
        yield place, row


def _parser(stream: Iterator[str], name: str, layout: Layout, *, need_target: bool) -> tuple[Callable[[str, Place], Row], int]:
    """How a line becomes a row, and the number of the first such line: 2 where a header was read from the stream."""
    if layout.format == "lines":
        return _whole, 1
    if layout.format == "jsonl":
        return partial(jsonl_row, layout=layout, need_target=need_target), 1
    parse = tsv_pair if need_target else tsv_input
    if not layout.named:
        return partial(parse, columns=numbered(layout)), 1
    header = next(stream, None)
    if header is None:
        do = "Give a file whose first line names its columns."
        raise DataError(message(name, "a header and lines below it", "an empty file", do))
    return partial(parse, columns=headed(layout, header.split("\t"), Place(name, 1), need_target=need_target)), 2


def _aligned(source: str, target: str) -> Iterator[tuple[Place, Row | BadLine]]:
    """Two files line for line, named by the side that is empty, else by the source.  DataError where one ends before the other."""
    counts = [0, 0]
    for number, pair in enumerate(zip_longest(lines(source), lines(target)), start=1):
        counts = [count + (line is not None) for count, line in zip(counts, pair, strict=True)]
        if counts[0] == counts[1]:
            at_fault = target if pair[0].strip() and not pair[1].strip() else source
            yield Place(shown(at_fault), number), Row(pair[0], (pair[1],), ())
    if counts[0] != counts[1]:
        what, received = f"{shown(source)} and {shown(target)}", f"{counts[0]:,} and {counts[1]:,} lines"
        do = "Find the line that one of them lacks: with two files, each line of one belongs to the same line of the other."
        raise DataError(message(what, "the same number of lines", received, do))


def _items(row: Row, place: Place, layout: Layout) -> list[Item] | BadLine:
    """The items of a row, one for each target; a bad line where a side has no text."""
    if not row.source.strip() or not row.targets or not all(target.strip() for target in row.targets):
        side = "target" if row.source.strip() else "source"
        return BadLine(message(str(place), f"a {side} with text in it", f"an empty {side}", MEND))
    source = layout.clean(row.source)
    return [Item(source, layout.clean(target), row.features, place) for target in row.targets]


def read_inputs(file: str, layout: Layout, say: Callable[[str], None] | None = None) -> Iterator[Item]:
    """What to predict from, lazily: one item for every line (a header aside), so that output stays line for line with it.

    `-` is standard input.  The target may be missing: its column left blank or left out, or each line the source alone.  A line
    without a source gives an item whose source is "".  With `layout.format` lines, a whole line is a source, tabs included.
    A JSONL target that is a list counts as its first.  A list of sources is one for every layout (`listed`, which tells `say`).
    DataError as in `read_pairs`.
    """
    layout, name = layout if layout.format == "lines" else layout.resolved([file]), shown(file)
    stream, layout = listed(lines(file), name, layout, say)
    parse, first = _parser(stream, name, layout, need_target=False)
    for number, line in enumerate(stream, start=first):
        place = Place(name, number)
        row = parse(line, place) if line.strip() else _whole("", place)
        target = row.targets[0] if row.targets and row.targets[0].strip() else None
        source = layout.clean(row.source) if row.source.strip() else ""
        yield Item(source, None if target is None else layout.clean(target), row.features, place)


def _whole(line: str, place: Place) -> Row:
    """A line that is nothing but a source."""
    return Row(line, (), ())
