"""Checks of tasks that read running text: a text on each line, or in the longest column of a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from regard.check.column_profile import profile
from regard.check.form import FileForm
from regard.check.items_seen import FilesToRead
from regard.check.look import Look
from regard.check.recognize import texts_first
from regard.check.task_checks import TaskChecks

LARGE = 1 << 24  # bytes of texts beyond which some can be set aside for sure


class TextChecks(TaskChecks):
    """Of a task that reads running text."""

    roles = ("source",)
    nouns: Mapping[str, str] = {"source": "text"}
    tabular = aligned = parquet = False

    def table(self, look: Look) -> FileForm:
        if look.asked and look.given.source is None and look.ends[0] not in (".tsv", ".csv"):
            return FileForm(self.task, "text", roles={"source": 0}, profiles={0: profile(look.first)})
        if look.table.width == 1 and not look.table.header:
            return FileForm(self.task, "text", roles={"source": 0}, profiles=look.table.profiles)
        return super().table(look)

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        texts_first(form, free, longest=True)

    def items(self, read: FilesToRead) -> Iterable[Any] | None:
        if sum(os.path.getsize(file) for file in read.files) > LARGE:
            return None  # whose texts would lie whole in memory
        return self.texts(read)

    def texts(self, read: FilesToRead) -> Iterable[Any]:
        """The texts of files as a training reads them."""
        return ()
