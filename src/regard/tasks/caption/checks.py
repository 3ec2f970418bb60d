"""What is asked of images and their captions before a net learns them (`regard check`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Check
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead
from regard.check.look import ALIGNED, ARRAYS, LIST, Look
from regard.check.raw_lines import RawLines
from regard.check.task_checks import Stream, TaskChecks
from regard.config import Config
from regard.core.errors import DataError, message
from regard.data.column_names import CAPTIONS, IMAGES
from regard.data.columns import Layout
from regard.data.examples import Item
from regard.data.row_parser import RecordError
from regard.tasks.caption.check_images import Listed, Pictures
from regard.tasks.caption.section import CaptionSection
from regard.tasks.caption.tables import read_told


class CaptionChecks(TaskChecks):
    """Of a task that writes what an image shows."""

    nouns: Mapping[str, str] = {"source": "image name", "target": "caption"}
    names: Mapping[str, tuple[str, ...]] = {"source": IMAGES, "target": CAPTIONS}
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

    def stream(
        self,
        opened: Sequence[RawLines],
        form: FileForm,
        given: StatedForm,
        bad: RecordErrors,
        *,
        valid: bool = False,
        most: int | None = None,
    ) -> Stream:
        if form.format in (ARRAYS, LIST, "jsonl"):
            return Listed(opened, bad, given, valid=valid)
        return super().stream(opened, form, given, bad, valid=valid, most=most)

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

    def stated(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        return {"images": CaptionSection.of(config).images}
