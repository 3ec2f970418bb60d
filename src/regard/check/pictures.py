"""Images with captions: files that are not there or do not open, sizes that differ; arrays beside captions."""

from __future__ import annotations

import json
import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence

from regard.check.bad import BadLines
from regard.check.case import Case
from regard.check.finding import Block, Finding, Seen, listed
from regard.check.opened import Opened
from regard.data.caption_table import listed as objects
from regard.data.captioned import file_of, read_arrays
from regard.data.images import MARK, read_image
from regard.ground.counted import many
from regard.ground.errors import DataError

DECODED = 300  # images that are opened whole where their head does not say their size


class Pictures:
    """Looks at each image once."""

    def __init__(self, case: Case, bad: BadLines, base: str) -> None:
        self._case, self._bad, self._base = case, bad, base
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._first: dict[tuple[int, int], Seen] = {}
        self._known: set[int] = set()
        self._decoded = 0

    def feed(self, block: Block) -> None:
        if "source" not in block.cells or self._case.form.format == "arrays":
            return
        for i, name in enumerate(block.cells["source"]):
            if hash(name) in self._known:
                continue
            self._known.add(hash(name))
            try:
                size = self._size(os.path.join(self._base, file_of(name.strip(), self._base)))
            except (DataError, OSError, ValueError) as error:
                self._bad.add("no-image", block.files["source"], block.lines[i], name, f"{name}: {error}"[:200])
                continue
            if size is not None:
                self._sizes[size] += 1
                self._first.setdefault(size, block.at("source", i))

    def _size(self, path: str) -> tuple[int, int] | None:
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
        usual, *others = [size for size, _ in self._sizes.most_common()]
        told = listed([f"{wide} x {tall} ({self._sizes[wide, tall]:,})" for wide, tall in (usual, *others)])
        what = f"Images have {len(self._sizes)} sizes: {told}."
        count = sum(self._sizes[size] for size in others)
        seen = tuple(self._first[size] for size in others[:3])
        return [Finding("image-size", "error", what, count, seen, "Give all images one size.")]


class Listed:
    """Captions of a JSON list, or of a text beside arrays, as blocks."""

    def __init__(self, files: Sequence[str], bad: BadLines, *, valid: bool = False) -> None:
        self._arrays = [file for file in files if file.lower().endswith(".npz")]
        self._tables = [file for file in files if file not in self._arrays]
        self._bad, self._valid, self.rows = bad, valid, 0
        self._wrong: list[Finding] = []

    def __iter__(self) -> Iterator[Block]:
        for file in self._tables:
            records = self._records(file)
            lines, names, captions = list[int](), list[str](), list[str]()
            for number, (name, caption) in enumerate(records, 1):
                if not caption.strip():
                    self._bad.add("empty-target", file, number, f"{name}: {caption}")
                    continue
                lines.append(number)
                names.append(name)
                captions.append(caption)
            self.rows += len(lines)
            cells = {"source": names, "target": captions} if any(names) else {"target": captions}
            if lines:
                yield Block(lines, cells, dict.fromkeys(cells, file), self._valid)
            self._count(file, len(records))

    def _records(self, file: str) -> list[tuple[str, str]]:
        text = [line for _, lines in Opened(file).pieces() for line in lines]
        if not file.lower().removesuffix(".gz").endswith((".json", ".jsonl")):
            return [("", line) for line in text]
        try:
            one = file.lower().removesuffix(".gz").endswith(".json")
            whole = objects(file) if one else [json.loads(line) for line in text if line.strip()]
        except DataError as error:
            self._wrong.append(Finding("no-json", "error", str(error), 1, (Seen(file, 0),), "Correct the file."))
            return []
        except ValueError as error:
            self._wrong.append(
                Finding("no-json", "error", f"{file} is no JSON: {error}.", 1, (Seen(file, 0),), "Correct the file.")
            )
            return []
        found = []
        for record in whole if isinstance(whole, list) else []:
            said = record.get("caption", "") if isinstance(record, dict) else ""
            name = str(record.get("file") or "") if isinstance(record, dict) else ""
            found += [(name, str(one)) for one in (said if isinstance(said, list) else [said])]
        return found

    def _count(self, file: str, captions: int) -> None:
        for array in self._arrays:
            try:
                rows = len(read_arrays(array))
            except DataError as error:
                self._wrong.append(Finding("arrays", "error", str(error), 1, (Seen(array, 0),), "Save the array again."))
                continue
            if rows != captions:
                what = f"{array} has {many(rows, 'row')}, {file} {many(captions, 'caption')}."
                do = "Give as many captions as rows, in the same order."
                self._wrong.append(Finding("line-counts", "error", what, abs(rows - captions), (Seen(array, 0),), do))

    def findings(self) -> list[Finding]:
        return self._wrong


def folder(case: Case, files: Sequence[str]) -> str:
    """Where the names of images begin."""
    return case.given.images if case.given.images is not None else os.path.dirname(files[0])
