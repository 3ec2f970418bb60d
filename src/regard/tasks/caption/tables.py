"""Tables of file names and captions: TSV, CSV with a header, JSON lines, JSON lists, COCO's annotations, plain lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.data.column_names import TABLE_MARKS, header_cells, image_columns
from regard.data.columns import Layout
from regard.data.examples import Place
from regard.data.images import ENDINGS
from regard.data.records import PassedLine, parse_each, read_records
from regard.data.row_parser import (
    CORRECT,
    Columns,
    RecordError,
    has_half_surrogate,
    input_row,
    number_of_column,
    read_header,
    shorten,
)
from regard.data.text_files import lines, show_file

TABS = Layout("tsv")


@dataclass(frozen=True, slots=True)
class ListElement(Place):
    """An element of a JSON list, counted from 1: what has no line of its own."""

    def __str__(self) -> str:
        return f"{self.file}, element {self.line}"


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """What a line says: the name of an image, where it has one, and captions."""

    name: str | None
    captions: tuple[str, ...]
    place: Place


def read_told(file: str, layout: Layout, *, whole: bool, plain: bool = False) -> Iterator[CaptionLine | RecordError]:
    """What each line says.  whole: captions may come without names, in a .txt of nothing else; plain: names without captions, likewise."""
    ending = os.path.splitext(file.lower().removesuffix(".gz"))[1]
    each: Iterator[CaptionLine | RecordError]
    if ending in (".json", ".jsonl"):
        elements = ((ListElement(file, i), record) for i, record in enumerate(listed(file), 1)) if ending == ".json" else None
        found = parse_each(elements or read_records(file, "jsonl", blanks=plain), _checked)
        each = (CaptionLine(None, (), place) if isinstance(one, PassedLine) else one for place, one in found)
    elif (table := _headed(file, layout)) is not None:
        each = _rows(file, *table)
    elif (whole or plain) and ending != ".tsv":
        told = ((at, line.strip()) for at, line in read_records(file, "lines"))
        each = (CaptionLine(None, (line,), at) if whole else CaptionLine(line.partition("\t")[0], (), at) for at, line in told)
    else:
        each = _columns(file, layout)
    for one in each:
        yield one if isinstance(one, RecordError) else _said(one, layout, whole, plain)


def _said(one: CaptionLine, layout: Layout, whole: bool, plain: bool) -> CaptionLine | RecordError:
    """A line as it is, or what it lacks."""
    if plain:
        return replace(one, captions=tuple(layout.clean(text) for text in one.captions if text.strip()))
    if not whole and not (one.name and one.name.strip()):
        return RecordError.at(one.place, "the name of an image file", "none", "empty-source")
    if not one.captions or not all(text.strip() for text in one.captions):
        comma = not one.captions and one.name and one.name.partition(",")[0].lower().endswith(ENDINGS) and "," in one.name
        do = f"{CORRECT} Where commas part names and captions, the first line says so: image,caption." if comma else CORRECT
        return RecordError.at(one.place, "a caption with text in it", "an empty caption", "empty-target", do=do)
    return replace(one, captions=tuple(layout.clean(" ".join(text.split())) for text in one.captions))


def _columns(file: str, layout: Layout) -> Iterator[CaptionLine | RecordError]:
    found = read_records(file, "tsv")
    if layout.named:
        place, header = next(found, (Place(show_file(file), 1), []))
        columns = read_header(layout, header or [""], place, need_target=False)
    else:
        columns = number_of_column(layout)
    for _, made in parse_each(found, partial(_row, columns=columns)):
        if not isinstance(made, PassedLine):
            yield made


def _row(cells: list[str], place: Place, columns: Columns) -> CaptionLine:
    row = input_row(cells or [""], place, columns=columns, layout=TABS)
    return CaptionLine(row.source.strip(), row.targets, place)


def _headed(file: str, layout: Layout) -> tuple[str, int, int | None] | None:
    """(what parts cells, the columns of names and of captions) of a table whose first line names them: `image,caption` as Flickr8k has it,
    `file_name,text`, `image_name| comment_number| comment`; None where it does not."""
    if file == "-" or (layout.named and file.lower().endswith(".tsv")):
        return None  # read once only; or its header is read by the layout
    first = next(lines(file), "")
    if not layout.named:
        return image_columns(first)
    for mark in TABLE_MARKS:
        names = [cell.strip() for cell in header_cells(first, mark)]
        if mark != "\t" and str(layout.source) in names:
            said = names.index(str(layout.target)) if str(layout.target) in names else None
            return mark, names.index(str(layout.source)), said
    return None


def _rows(file: str, mark: str, image: int, said: int | None) -> Iterator[CaptionLine | RecordError]:
    """The rows below a header.  A last cell takes marks that stand in it without quotes."""
    stream, name = lines(file), show_file(file)
    width = len(header_cells(next(stream), mark))
    for number, line in enumerate(stream, 2):
        place, cells = Place(name, number), header_cells(line, mark)
        if len(cells) > width and said == width - 1:
            cells = line.split(mark, width - 1)
        if len(cells) <= image:
            yield RecordError.at(place, f"{width} cells, as the header has", f"{len(cells)}", "too-few-columns")
            continue
        yield CaptionLine(cells[image].strip(), (cells[said].strip(),) if said is not None and said < len(cells) else (), place)


def listed(file: str) -> list[Any]:
    """The objects of a JSON list, or of COCO's captions.  DataError where a file is neither."""
    text = "\n".join(lines(file))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(message(file, "a JSON list of objects", str(error), "Correct the file.")) from error
    if isinstance(found, dict) and isinstance(found.get("images"), list) and isinstance(found.get("annotations"), list):
        return _of_coco(found["images"], found["annotations"])
    if not isinstance(found, list):
        do = 'Write [{"file": "a.png", "caption": "..."}, ...].'
        raise DataError(message(file, "a JSON list of objects", shorten(text), do))
    return found


def _of_coco(images: list[Any], said: list[Any]) -> list[Any]:
    """The annotations of COCO's captions, each with the name of its image; such as lack one are left to be refused in their place."""
    names = {str(image.get("id")): image.get("file_name") for image in images if isinstance(image, dict)}
    return [
        {"file": names.get(str(one.get("image_id"))), "caption": one.get("caption")} if isinstance(one, dict) else one
        for one in said
    ]


def _checked(record: Any, place: Place) -> CaptionLine:
    """An object with `file` and `caption`.  RecordError for anything else."""
    if not isinstance(record, dict):
        raise RecordError.at(place, "a JSON object", shorten(str(record)), "no-json")
    if "file_name" in record and "file" not in record:  # as Hugging Face's folders of images have it
        record = {"file": record["file_name"], **({"caption": record["text"]} if "text" in record else {}), **record}
    unknown = [key for key in record if key not in ("file", "caption", "file_name") and did_you_mean(key, ("file", "caption"))]
    name, said = record.get("file"), record.get("caption", [])
    captions = said if isinstance(said, list) else [] if said is None else [said]
    if (name is None and unknown) or (not captions and unknown):
        do = f"{CORRECT}{did_you_mean(unknown[0], ('file', 'caption'))}"
        raise RecordError.at(place, "the keys file and caption", ", ".join(map(repr, record)), "missing-key", do=do)
    if not isinstance(name, str | None) or not all(isinstance(text, str) for text in captions):
        expected = "a string under file, and a string or a list of strings under caption"
        raise RecordError.at(place, expected, shorten(json.dumps(record, ensure_ascii=False)), "no-string")
    if any(map(has_half_surrogate, (name or "", *captions))):
        raise RecordError.at(place, "whole characters", "half a surrogate pair", "no-string")
    return CaptionLine(name, tuple(captions), place)
