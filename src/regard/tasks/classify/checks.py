"""What is asked of texts with labels before a net learns them (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead
from regard.check.look import Look
from regard.check.recognize import give_label, texts_first
from regard.check.rows import RowStream
from regard.check.task_checks import TaskChecks
from regard.data.examples import Place
from regard.data.pairs import each_labelled
from regard.data.row_parser import RecordError


class LabelledRows(RowStream):
    """Rows of which each has one label."""

    def cells(self, record: Mapping[str, Any], place: Place) -> list[list[str]]:
        rows = super().cells(record, place)
        if len(rows) > 1:
            raise RecordError(f"{place}: expected one label; received {len(rows)}.", "several-labels")
        return rows


class ClassifyChecks(TaskChecks):
    """Of a task that gives a label to a text."""

    nouns: Mapping[str, str] = {"source": "text", "target": "label"}
    labelled = ("target",)
    majority = ("classify.class_weights: balanced", "train.metric: macro_f1")
    rows = LabelledRows

    def sure(self, look: Look) -> int:
        if look.kind in ("jsonl", "parquet"):
            return 4 if "label" in look.keys and look.keys.keys() & {"text", "sentence"} else 0
        if look.kind != "table" or any(held.segmented for held in look.table.held):
            return 0
        return 4 if len(look.table.texts) == 1 and any(held.labels for held in look.table.held) else 0

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        give_label(form, roles, free, [i for i in free if form.profiles[i].labels])
        texts_first(form, free, longest=True)

    def items(self, read: FilesToRead) -> Iterable[Any]:
        return each_labelled(read.files, replace(read.layout(), features=None))

    def kinds(self, item: Any, given: StatedForm) -> Iterable[str]:
        return [str(item.target).strip()]
