"""What is asked of captions (`regard check`): images that are not there or do not open, sizes that differ; arrays beside captions."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from regard.check.bad_lines import RecordErrors, place_said
from regard.check.case import Case
from regard.check.finding import Block, Check, Finding, FindingPlace, list_words, said_and_done
from regard.check.form import FileForm
from regard.check.items_seen import FilesToRead
from regard.check.look import ALIGNED, ARRAYS, LIST, Look
from regard.check.rows import OpenedFiles
from regard.check.task_checks import Stream, TaskChecks
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.column_names import CAPTIONS, IMAGES
from regard.data.columns import Layout
from regard.data.examples import Item
from regard.data.images import MARK, read_image
from regard.data.row_parser import RecordError
from regard.tasks.caption.data import file_of, read_arrays
from regard.tasks.caption.tables import read_told

DECODED = 300  # images that are opened whole where their head does not say their size
Size = tuple[int, int]


class Pictures:
    """Looks at each image once, and tells each line that names one at fault."""

    def __init__(self, case: Case, bad: RecordErrors, base: str) -> None:
        self._case, self._bad, self._base = case, bad, base
        self._sizes: Counter[Size] = Counter()  # of the images
        self._first: dict[Size, FindingPlace] = {}
        self._known: dict[int, Size | str | None] = {}  # of each name: its size, where it is known, or what is wrong
        self._others = self._decoded = 0

    def feed(self, block: Block) -> None:
        if "source" not in block.cells or self._case.form.format == "arrays":
            return
        for i, name in enumerate(block.cells["source"]):
            if (key := hash(name)) not in self._known:
                self._known[key] = size = self._looked(name)
                if isinstance(size, tuple):
                    self._sizes[size] += 1
                    self._first.setdefault(size, block.at("source", i))
            found = self._known[key]
            if isinstance(found, str):
                self._bad.add("no-image", block.files["source"], block.lines[i], name, found)
            elif found is not None and found != next(iter(self._first)):
                self._others += 1
                self._bad.add("image-size", block.files["source"], block.lines[i], name, f"{found[0]} x {found[1]}")

    def _looked(self, name: str) -> Size | str | None:
        try:
            return self._size(os.path.join(self._base, file_of(name.strip(), self._base)))
        except (DataError, OSError, ValueError) as error:
            return f"{name}: {error}"[:200]

    def _size(self, path: str) -> Size | None:
        with open(path, "rb") as stream:
            head = stream.read(24)
        if head.startswith(MARK) and len(head) == 24 and self._decoded >= DECODED:
            wide, tall = struct.unpack(">II", head[16:24])
            return wide, tall
        if self._decoded >= DECODED:
            return None
        self._decoded += 1
        shape = read_image(path).shape
        return shape[1], shape[0]

    def findings(self) -> list[Finding]:
        if len(self._sizes) < 2:
            return []
        first, *others = self._first
        told = list_words([f"{wide} x {tall} ({self._sizes[wide, tall]:,})" for wide, tall in (first, *others)])
        what = f"Images have {len(self._sizes)} sizes: {told}."
        seen = tuple(self._first[size] for size in others[:3])
        return [Finding("image-size", "error", what, self._others, seen, "Give all images one size.", skipped=True)]


class Listed:
    """Captions of JSON, or of a text beside arrays, as a training reads them, as blocks."""

    def __init__(self, read: OpenedFiles) -> None:
        self._arrays = [o.file for o in read.files if o.file.lower().endswith(".npz")]
        self._opened = [o for o in read.files if o.file not in self._arrays]
        self._bad, self._valid, self.rows = read.bad, read.valid, 0
        self._layout = Layout(source=read.given.source or 1, target=read.given.target or 2)
        self._wrong: list[Finding] = []

    def __iter__(self) -> Iterator[Block]:
        for opened in self._opened:
            for _ in opened.pieces():
                pass  # what is wrong with its bytes is known behind the last
            if opened.broken:
                continue
            lines, names, captions, count = list[int](), list[str](), list[str](), 0
            try:
                for told in read_told(opened.file, self._layout, whole=bool(self._arrays)):
                    count += 1
                    if isinstance(told, RecordError):
                        self._bad.add(told.kind, *place_said(str(told), [opened.file]), "", str(told).partition(": ")[2])
                        continue
                    lines += [told.place.line] * len(told.captions)
                    names += [told.name or ""] * len(told.captions)
                    captions += told.captions
            except DataError as error:
                what, do = said_and_done(str(error))
                self._wrong.append(Finding("no-json", "error", what, 1, (FindingPlace(opened.file, 0),), do, skipped=True))
            self.rows += len(lines)
            cells = {"source": names, "target": captions} if any(names) else {"target": captions}
            if lines:
                yield Block(lines, cells, dict.fromkeys(cells, opened.file), self._valid)
            self._count(opened.file, count)

    def _count(self, file: str, captions: int) -> None:
        for array in self._arrays:
            try:
                rows = len(read_arrays(array))
            except DataError as error:
                self._wrong.append(Finding("arrays", "error", str(error), 1, (FindingPlace(array, 0),), "Save the array again."))
                continue
            if rows != captions:
                what = f"{array} has {many(rows, 'row')}, {file} {many(captions, 'caption')}."
                do = "Give as many captions as rows, in the same order."
                self._wrong.append(Finding("line-counts", "error", what, abs(rows - captions), (FindingPlace(array, 0),), do))

    def findings(self) -> list[Finding]:
        return self._wrong


class CaptionChecks(TaskChecks):
    """Of a task that writes what an image shows."""

    nouns: Mapping[str, str] = {"source": "image name", "target": "caption"}
    names: Mapping[str, tuple[str, ...]] = {"source": tuple(IMAGES.split()), "target": tuple(CAPTIONS.split())}
    told: Mapping[str, str] = {"images": "images"}
    tabular = aligned = parquet = False
    by_lines = True

    def sure(self, look: Look) -> int:
        if look.kind in ("jsonl", "parquet"):
            return 7 if look.keys.keys() & {"caption", "captions"} else 0
        listed = look.kind == LIST and bool(look.first) and look.first[0].lstrip().startswith("[")
        return 9 if look.kind == ARRAYS or listed else 0

    def form(self, look: Look) -> FileForm:
        if look.asked and look.ends[0] == ".json" and look.kind not in (ARRAYS, ALIGNED):
            return FileForm(self.task, LIST)  # a list, or COCO's object, be it on one line
        return super().form(look)

    def stream(self, read: OpenedFiles) -> Stream:
        return Listed(read) if read.form.format in (ARRAYS, LIST, "jsonl") else super().stream(read)

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        base = case.given.images if case.given.images is not None else os.path.dirname(files[0])
        return [*super().checks(case, bad, files), Pictures(case, bad, base)]

    def items(self, read: FilesToRead) -> Iterable[Any]:
        arrays = [file for file in read.files if file.lower().endswith(".npz")]
        tables = [file for file in read.files if file not in arrays]
        if len(tables) != 1 or len(arrays) > 1:
            do, expected = "Name them apart.", "one file of captions, and maybe one .npz of features or images"
            raise DataError(message("the files", expected, ", ".join(read.files), do))
        layout = Layout(source=read.given.source or 1, target=read.given.target or 2)
        each = read_told(tables[0], layout, whole=bool(arrays))
        return (one if isinstance(one, RecordError) else Item(one.name or str(one.place), None, (), one.place) for one in each)
