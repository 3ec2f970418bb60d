"""Training files in blocks that can be read by themselves, so that several processes share one file, and a reader goes on in its middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest

from regard.data.columns import Layout
from regard.data.examples import Item, Place
from regard.data.pairs import Found, RowParser, align_rows, make_items
from regard.data.parts import beside_each_other, find_parts
from regard.data.records import PassedLine, parse_records
from regard.data.row_parser import RecordError
from regard.data.text_files import LineSpan, explain_unreadable, lines

LINES, BYTES = 100_000, 1 << 24  # that a block has at most, but for its last line
BY_LINES = ("tsv", "jsonl", "lines", "cmudict")  # formats whose records are a line each


@dataclass(frozen=True, slots=True)
class FileBlock:
    """source: which of the names of the training data it is of; files: one, or two that are line-aligned; spans: its lines in each; none:
    the files as wholes, since they are packed, or their records are no lines."""

    source: int
    files: tuple[str, ...]
    spans: tuple[LineSpan, ...] = ()


def cut_blocks(names: Sequence[str], layout: Layout) -> Iterator[FileBlock]:
    """The blocks of files, in order.  layout: resolved; line-aligned files are one source."""
    if layout.format == "lines":
        each = [(0, files) for files in beside_each_other(names)]
    else:
        each = [(source, (part,)) for source, name in enumerate(names) for part in find_parts(name)]
    for source, files in each:
        if layout.format not in BY_LINES or any(file.endswith(".gz") for file in files):
            yield FileBlock(source, files)
        else:
            yield from (FileBlock(source, files, spans) for spans in _cut(files))


def _cut(files: Sequence[str]) -> Iterator[tuple[LineSpan, ...]]:
    with ExitStack() as stack:
        streams = []
        for file in files:
            try:
                streams.append(stack.enter_context(open(file, "rb")))
            except OSError as error:
                raise explain_unreadable(file, error) from error
        begins, ends, first, number = [0] * len(files), [0] * len(files), 1, 0
        for number, raws in enumerate(zip_longest(*streams, fillvalue=b""), 1):
            ends = [end + len(raw) for end, raw in zip(ends, raws, strict=True)]
            if number - first + 1 == LINES or sum(ends) - sum(begins) >= BYTES:
                yield tuple(LineSpan(begin, first, number - first + 1) for begin in begins)
                begins, first = ends, number + 1
        if number >= first:
            yield tuple(LineSpan(begin, first, number - first + 1) for begin in begins)


def read_block(block: FileBlock, layout: Layout, *, skips: bool) -> Iterator[Item]:
    """The items of a block, as `Pairs` reads them.  skips: lines at fault are passed by; RecordError otherwise."""
    for place, row in _rows(block, layout):
        if isinstance(row, PassedLine):
            continue
        found = row if isinstance(row, RecordError) else make_items(row, place, layout)
        if not isinstance(found, RecordError):
            yield from found
        elif not skips:
            raise found


def _rows(block: FileBlock, layout: Layout) -> Iterator[tuple[Place, Found]]:
    if layout.format == "lines":
        return align_rows(*block.files, spans=block.spans)
    (file,), parser = block.files, RowParser(layout, need_target=True)
    if not block.spans:
        return parse_records(file, parser)
    (span,) = block.spans
    if span.first > 1 and parser.width is None:
        for _ in parse_records(file, parser):  # the header stands in the first block
            if parser.width is not None:
                break
    return parse_records(file, parser, lines(file, span=span), first=span.first)
