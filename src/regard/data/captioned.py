"""Images, or features of them, and what is said of each: a table of file names and captions, or arrays and captions line for line."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.data.files import lines, missing, shown
from regard.data.images import ENDINGS, read_image
from regard.data.items import Place
from regard.data.layout import Layout
from regard.data.rows import MEND, BadLine, halved, headed, numbered, shortened, tsv_input
from regard.ground.errors import DataError, did_you_mean, message

NAMES = ("images", "features")  # of arrays in an .npz


@dataclass(frozen=True, slots=True)
class Nth(Place):
    """An element of a JSON list, counted from 1: what has no line of its own."""

    def __str__(self) -> str:
        return f"{self.file}, element {self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Captioned:
    """An image with its captions, or without.  seen: pixels (H W 3, bytes), or features (rows, columns, D, float32); None: nothing."""

    source: str
    captions: tuple[str, ...]
    seen: NDArray[Any] | None
    place: Place


@dataclass(frozen=True, slots=True)
class Told:
    """What a line says: the name of an image, where it has one, and captions."""

    name: str | None
    captions: tuple[str, ...]
    place: Place


def read_captioned(files: Sequence[str], layout: Layout, *, folder: str | None = None) -> Iterator[Captioned | BadLine]:
    """Images with captions, each fault as a BadLine that names the place and the mend.

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
    told = _table(tables[0], layout, whole=bool(arrays))
    if arrays:
        return _of_rows(told, tables[0], arrays[0])
    return _of_files(told, os.path.dirname(tables[0]) if folder is None else folder)


def merged(items: Iterable[Captioned]) -> list[Captioned]:
    """Each image once, with all its captions, where the first of them stands."""
    found: dict[str, Captioned] = {}
    for item in items:
        first = found.get(item.source)
        captions = item.captions if first is None else tuple(dict.fromkeys((*first.captions, *item.captions)))
        found[item.source] = replace(first or item, captions=captions)
    return list(found.values())


def read_images(file: str, layout: Layout, *, folder: str | None = None) -> Iterator[Captioned]:
    """What to predict from, one item for each line or row: an image file, an .npz, a table as in training whose captions may be missing,
    or a text file with a name a line (`-`: standard input).  A line without a name gives an item with nothing to see."""
    ending = os.path.splitext(file.lower())[1]
    if ending in ENDINGS:
        yield Captioned(file, (), read_image(file), Place(file, 1))
    elif ending == ".npz":
        for i, row in enumerate(read_arrays(file)):
            yield Captioned(f"{file}[{i}]", (), row, Place(file, i + 1))
    else:
        base = (os.path.dirname(file) if file != "-" else "") if folder is None else folder
        for told in _table(file, layout, whole=False, plain=True):
            if isinstance(told, BadLine):
                raise told
            yield Captioned(told.name or "", told.captions, _seen(told, base) if told.name else None, told.place)


def read_arrays(file: str) -> NDArray[Any]:
    """Rows of an .npz: images (N H W 3, bytes) or features (N, rows, columns, D).  Nothing is ever unpickled.

    The array is called `images` or `features`, or is the only one.  Features (N, K, D) are a square where K is one, else one row;
    (N, D) is one cell an item.  DataError for what is none of these, or not finite.
    """
    name, array = _only_array(file)
    if array.dtype == np.uint8 and (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (1, 3))) and name != "features":
        return np.broadcast_to(array if array.ndim == 4 else array[..., None], (*array.shape[:3], 3))
    what = f"{file}, array {name!r}"
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3, 4) or not array.size or name == "images":
        expected = "images (N, H, W, 3) of bytes" if name == "images" else "features (N, D), (N, K, D) or (N, H, W, D)"
        raise DataError(message(what, expected, f"{array.dtype} of shape {array.shape}", "Save the array in that shape."))
    array = array.astype(np.float32)
    bad = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bad.any():
        raise DataError(message(f"{what}, row {int(bad.argmax())}", "finite numbers", "inf or nan", "Mend the features."))
    if array.ndim == 4:
        return array
    cells = array.reshape(len(array), -1, array.shape[-1])
    side = isqrt(cells.shape[1])
    rows = side if side * side == cells.shape[1] else 1
    return cells.reshape(len(array), rows, -1, array.shape[-1])


def _only_array(file: str) -> tuple[str, NDArray[Any]]:
    try:
        with np.load(file, allow_pickle=False) as found:
            names = [name for name in NAMES if name in found.files] or list(found.files)
            if len(names) != 1:
                received = ", ".join(found.files) or "none"
                do = "Save one array, called images or features."
                raise DataError(message(file, "one array, or one called images or features", received, do))
            return names[0], found[names[0]]
    except FileNotFoundError:
        raise missing(file) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        pickled = "pickle" in str(error)
        received = "pickled objects, which could run code" if pickled else str(error)
        do = "Save plain numbers: numpy.savez(FILE, features=array)."
        raise DataError(message(file, "an .npz of numbers", received, do)) from error


def _of_rows(told: Iterator[Told | BadLine], table: str, file: str) -> Iterator[Captioned | BadLine]:
    """Captions and rows, one for one."""
    rows, each = read_arrays(file), list(told)
    if len(rows) != len(each):
        do = "Give each row its line: they belong together by their order."
        received = f"{len(each):,} captions and {len(rows):,} rows"
        raise DataError(message(f"{shown(table)} and {file}", "as many captions as rows", received, do))
    first = dict[str, int]()
    for i, (one, row) in enumerate(zip(each, rows, strict=True)):
        if isinstance(one, BadLine):
            yield one
            continue
        name = one.name or f"{file}[{i}]"
        same = first.setdefault(name, i)
        # Names are only shown here: rows that differ are different images, whatever they are called.
        yield Captioned(name if np.array_equal(rows[same], row) else f"{name} [{i}]", one.captions, row, one.place)


def _of_files(told: Iterator[Told | BadLine], base: str) -> Iterator[Captioned | BadLine]:
    """Images by their names; all of one size."""
    first: tuple[Told, tuple[int, ...]] | None = None
    known = dict[str, NDArray[Any]]()
    for one in told:
        if isinstance(one, BadLine):
            yield one
            continue
        name = os.path.normpath(one.name or "")  # ./a.png is a.png
        try:
            seen = known[name] if name in known else _seen(one, base)
        except BadLine as fault:
            yield fault
            continue
        first = first or (one, seen.shape)
        if seen.shape != first[1]:
            expected = f"an image of {_size(first[1])} pixels, as {first[0].name} ({first[0].place}) is"
            do = "Give all images one size."
            yield BadLine(message(f"{one.place}: {name}", expected, _size(seen.shape), do))
            continue
        known[name] = seen
        yield Captioned(name, one.captions, seen, one.place)


def _seen(one: Told, base: str) -> NDArray[Any]:
    """The pixels of the image that a line names.  BadLine, with the line's place."""
    try:
        return read_image(os.path.join(base, one.name or ""))
    except DataError as error:
        raise BadLine(f"{one.place}: {error}") from error


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _table(file: str, layout: Layout, *, whole: bool, plain: bool = False) -> Iterator[Told | BadLine]:
    """What each line says.  whole: captions may come without names, in a .txt of nothing else; plain: names without captions, likewise."""
    ending = os.path.splitext(file.lower().removesuffix(".gz"))[1]
    each: Iterator[Told | BadLine]
    if ending == ".json":
        each = (_checked(record, Nth(file, i)) for i, record in enumerate(_listed(file), 1))
    elif ending == ".jsonl":
        said = ((line, Place(shown(file), i)) for i, line in enumerate(lines(file), 1))
        each = (Told(None, (), at) if plain and not line.strip() else _checked(line, at) for line, at in said)
    elif (whole or plain) and ending != ".tsv":
        told = ((line.strip(), Place(shown(file), i)) for i, line in enumerate(lines(file), 1))
        each = (Told(None, (line,), at) if whole else Told(line, (), at) for line, at in told)
    else:
        each = _columns(file, layout)
    for one in each:
        yield one if isinstance(one, BadLine) else _said(one, layout, whole, plain)


def _said(one: Told, layout: Layout, whole: bool, plain: bool) -> Told | BadLine:
    """A line as it is, or what it lacks."""
    if plain:
        return replace(one, captions=tuple(layout.clean(text) for text in one.captions if text.strip()))
    if not whole and not (one.name and one.name.strip()):
        return BadLine(message(str(one.place), "the name of an image file", "none", MEND))
    if not one.captions or not all(text.strip() for text in one.captions):
        return BadLine(message(str(one.place), "a caption with text in it", "an empty caption", MEND))
    return replace(one, captions=tuple(layout.clean(" ".join(text.split())) for text in one.captions))


def _columns(file: str, layout: Layout) -> Iterator[Told | BadLine]:
    stream, name, start = lines(file), shown(file), 1
    columns = numbered(layout) if not layout.named else None
    if columns is None:
        columns = headed(layout, next(stream, "").split("\t"), Place(name, 1), need_target=False)
        start = 2
    for number, line in enumerate(stream, start):
        place = Place(name, number)
        try:
            row = tsv_input(line, place, columns)
        except BadLine as fault:
            yield fault
            continue
        yield Told(row.source.strip(), row.targets, place)


def _listed(file: str) -> list[Any]:
    text = "\n".join(lines(file))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(message(file, "a JSON list of objects", str(error), "Mend the file.")) from error
    if not isinstance(found, list):
        do = 'Write [{"file": "a.png", "caption": "..."}, ...].'
        raise DataError(message(file, "a JSON list of objects", shortened(text), do))
    return found


def _checked(record: Any, place: Place) -> Told | BadLine:
    """An object with `file` and `caption`, or a line that holds one."""
    if isinstance(record, str):
        try:
            record = json.loads(record)
        except (ValueError, RecursionError) as error:
            return BadLine(message(str(place), "a JSON object", f"{shortened(str(record))} ({error})", MEND))
    if not isinstance(record, dict):
        return BadLine(message(str(place), "a JSON object", shortened(str(record)), MEND))
    unknown = [key for key in record if key not in ("file", "caption") and did_you_mean(key, ("file", "caption"))]
    name, said = record.get("file"), record.get("caption", [])
    captions = said if isinstance(said, list) else [] if said is None else [said]
    if (name is None and unknown) or (not captions and unknown):
        do = f"{MEND}{did_you_mean(unknown[0], ('file', 'caption'))}"
        return BadLine(message(str(place), "the keys file and caption", ", ".join(map(repr, record)), do))
    if not isinstance(name, str | None) or not all(isinstance(text, str) for text in captions):
        expected = "a string under file, and a string or a list of strings under caption"
        return BadLine(message(str(place), expected, shortened(json.dumps(record, ensure_ascii=False)), MEND))
    if any(map(halved, (name or "", *captions))):
        return BadLine(message(str(place), "whole characters", "half a surrogate pair", MEND))
    return Told(name, tuple(captions), place)
