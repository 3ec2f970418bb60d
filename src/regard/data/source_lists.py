"""A list of sources is a list of sources, whatever the files looked like that a model was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from regard.data.columns import Layout
from regard.data.examples import Item, Place
from regard.data.row_parser import Row, input_row, json_object, number_of_column, object_row, shorten

Say = Callable[[str], None]


def read_source_list(stream: Iterator[str], name: str, layout: Layout, say: Say | None = None) -> tuple[Iterator[str], Layout]:
    """The lines to predict from, and how they are read: in plain columns where they are no table or records of this layout.

    A single column whose first line is not the source's name has no header, and lines that begin with no JSON object are no records:
    then each line is a source (after a tab: features, where the layout has them), the first one too, and `say` hears of it.
    """
    if layout.format in ("tsv", "csv") and layout.named:
        above, first = list[str](), next(stream, None)
        while first is not None and layout.comment != "auto" and first.startswith(layout.marks):
            above.append(first)
            first = next(stream, None)
        stream = chain(above, [] if first is None else [first], stream)
        if first is None or not first.strip() or first.strip() == layout.source:
            return stream, layout
        if any(mark in first for mark in layout.parts or ",;\t"):
            return stream, layout
        why = f"its first line ({shorten(first)}) names no column {layout.source!r}"
    elif layout.format == "jsonl" and not name.removesuffix(".gz").lower().endswith(".jsonl"):
        blank, first = list[str](), next(stream, None)
        while first is not None and not first.strip():
            blank.append(first)
            first = next(stream, None)
        stream = chain(blank, [] if first is None else [first], stream)
        if first is None or first.lstrip().startswith("{"):
            return stream, layout
        why = f"its first line ({shorten(first)}) is no JSON object"
    else:
        return stream, layout
    if say:
        say(f"note: {name}: {why}, so each line is read as a source, the first one too.")
    return stream, plain(layout)


def plain(layout: Layout) -> Layout:
    """The same texts in columns without a header: source, target (which may be left out), and features where there are some."""
    features = None if layout.features is None else 3
    return replace(layout, format="tsv", source=1, target=2, features=features, header=False, separator="auto")


def single(line: str, layout: Layout) -> Item:
    """One line of text as an item to predict from, read as a line of a file would be that has no header."""
    place = Place("text", 1)
    if not line.strip():
        return Item("", None, (), place)
    if layout.format == "jsonl" and line.lstrip().startswith("{"):
        row = object_row(json_object(line, place), place, layout, need_target=False)
    elif layout.format == "lines":
        row = Row(line, (), ())
    else:
        layout = layout if layout.format == "tsv" and not layout.named else plain(layout)
        row = input_row(line.split(layout.parts), place, columns=number_of_column(layout), layout=layout)
    target = row.targets[0] if row.targets and row.targets[0].strip() else None
    return Item(layout.clean(row.source), None if target is None else layout.clean(target), row.features, place)
