"""Images, or features of them, and what is said of each: a table of file names and captions, or arrays and captions line for line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.data.columns import Layout
from regard.data.examples import Place
from regard.data.images import ENDINGS, read_image
from regard.data.parts import find_parts
from regard.data.row_parser import RecordError
from regard.data.text_files import show_file
from regard.tasks.caption.arrays import read_arrays as read_arrays
from regard.tasks.caption.tables import CaptionLine, read_told

NUMBERED = re.compile(rf"(.+(?:{'|'.join(map(re.escape, ENDINGS))}))#\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class CaptionedImage:
    """An image with its captions, or without.  seen: pixels (H W 3, bytes), or features (rows, columns, D, float32); None: nothing."""

    source: str
    captions: tuple[str, ...]
    seen: NDArray[Any] | None
    place: Place


def read_captioned(files: Sequence[str], layout: Layout, *, folder: str | None = None) -> Iterator[CaptionedImage | RecordError]:
    """Images with captions, each fault as a RecordError that names the place and says what to do.

    files: a table (TSV, JSONL, or a JSON list) of file names and captions; or captions (also a text file with one a line) and an .npz,
    row for row.  folder: where names begin; None: where the table lies.  An image that comes again gives an item again: see `merged`.
    DataError where the files are no such ones, or as many captions as rows there are not.
    """
    arrays = [file for file in files if file.lower().endswith(".npz")]
    tables = [file for file in files if file not in arrays]
    if len(tables) != 1 or len(arrays) > 1:
        do = "Name a .tsv, .jsonl or .json; with an .npz also a .txt, one caption a line."
        expected = "one file of captions, and maybe one .npz of features or images"
        raise DataError(message("data.train", expected, ", ".join(files) or "none", do))
    parts = find_parts(tables[0])
    if arrays:
        return _of_rows((line for part in parts for line in read_told(part, layout, whole=True)), tables[0], arrays[0])
    # The folder of each part is the same unless a pattern names several.
    each = [(os.path.dirname(part) if folder is None else folder, part) for part in parts]
    return _of_files((base, one) for base, part in each for one in read_told(part, layout, whole=False))


def merged(items: Iterable[CaptionedImage]) -> list[CaptionedImage]:
    """Each image once, with all its captions, where the first of them stands."""
    found: dict[str, CaptionedImage] = {}
    for item in items:
        first = found.get(item.source)
        captions = item.captions if first is None else tuple(dict.fromkeys((*first.captions, *item.captions)))
        found[item.source] = replace(first or item, captions=captions)
    return list(found.values())


def read_images(file: str, layout: Layout, *, folder: str | None = None) -> Iterator[CaptionedImage]:
    """What to predict from, one item for each line or row: an image file, an .npz, a table as in training whose captions may be missing,
    or a text file with a name a line (`-`: standard input).  A line without a name gives an item with nothing to see."""
    ending = os.path.splitext(file.lower())[1]
    if ending in ENDINGS:
        yield CaptionedImage(file, (), read_image(file), Place(file, 1))
    elif ending == ".npz":
        for i, row in enumerate(read_arrays(file)):
            yield CaptionedImage(f"{file}[{i}]", (), row, Place(file, i + 1))
    else:
        base = (os.path.dirname(file) if file != "-" else "") if folder is None else folder
        for told in read_told(file, layout, whole=False, plain=True):
            if isinstance(told, RecordError):
                raise told
            seen = _seen(told, base) if told.name else None
            yield CaptionedImage(file_of(told.name or "", base), told.captions, seen, told.place)


def _of_rows(told: Iterator[CaptionLine | RecordError], table: str, file: str) -> Iterator[CaptionedImage | RecordError]:
    """Captions and rows, one for one."""
    rows, each = read_arrays(file), list(told)
    if len(rows) != len(each):
        do = "Give each row its line: they belong together by their order."
        received = f"{len(each):,} captions and {len(rows):,} rows"
        raise DataError(message(f"{show_file(table)} and {file}", "as many captions as rows", received, do))
    first = dict[str, int]()
    for i, (one, row) in enumerate(zip(each, rows, strict=True)):
        if isinstance(one, RecordError):
            yield one
            continue
        name = one.name or f"{file}[{i}]"
        same = first.setdefault(name, i)
        # Names are only shown here: rows that differ are different images, whatever they are called.
        yield CaptionedImage(name if np.array_equal(rows[same], row) else f"{name} [{i}]", one.captions, row, one.place)


def _of_files(told: Iterator[tuple[str, CaptionLine | RecordError]]) -> Iterator[CaptionedImage | RecordError]:
    """Images by their names; all of one size.  told: what each line says, with the folder where its names begin."""
    first: tuple[CaptionLine, tuple[int, ...]] | None = None
    known = dict[str, NDArray[Any]]()
    for base, one in told:
        if isinstance(one, RecordError):
            yield one
            continue
        name = os.path.normpath(file_of(one.name or "", base))  # ./a.png is a.png
        try:
            seen = known[name] if name in known else _seen(one, base)
        except RecordError as fault:
            yield fault
            continue
        first = first or (one, seen.shape)
        if seen.shape != first[1]:
            expected = f"an image of {_size(first[1])} pixels, as {first[0].name} ({first[0].place}) is"
            do = "Give all images one size, for example with ImageMagick: mogrify -resize 64x64! *.png."
            yield RecordError.at(f"{one.place}: {name}", expected, _size(seen.shape), do=do)
            continue
        known[name] = seen
        yield CaptionedImage(name, one.captions, seen, one.place)


def _seen(one: CaptionLine, base: str) -> NDArray[Any]:
    """The pixels of the image that a line names.  RecordError, with the line's place."""
    try:
        return read_image(os.path.join(base, file_of(one.name or "", base)))
    except DataError as error:
        raise RecordError(f"{one.place}: {error}") from error


def file_of(name: str, base: str) -> str:
    """A name without the number of its caption, as Flickr8k has it: a.jpg#0."""
    bare = NUMBERED.fullmatch(name)
    return name if bare is None or os.path.exists(os.path.join(base, name)) else bare[1]


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"
