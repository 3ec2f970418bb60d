"""What is asked of passages and questions before a net learns them (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FEW, FilesToRead
from regard.check.look import LIST, Look
from regard.check.raw_lines import RawLines
from regard.check.task_checks import Stream, TaskChecks
from regard.config import Config
from regard.tasks.read.check_questions import Questions
from regard.tasks.read.data import PassageQuestion, read_asked
from regard.tasks.read.section import ReadSection


class ReadChecks(TaskChecks):
    """Of a task that finds the answer to a question in a passage."""

    roles = ("passage", "question")
    nouns: Mapping[str, str] = {"target": "answer"}
    keys: Mapping[str, str] = {}
    any_script = ("target",)
    tabular = aligned = parquet = rewrites = False
    annotated = True

    def sure(self, look: Look) -> int:
        have = look.keys.keys() if look.kind in ("jsonl", "parquet") else set[str]()
        return 9 if {"context", "question"} <= have or {"doc", "query"} <= have else 2 if look.kind == LIST else 0

    def objects(self, look: Look) -> FileForm:
        return FileForm(self.task, "jsonl", cloze="doc" in look.keys)

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
        return Questions(opened, bad, given, cloze=form.cloze or given.cloze, valid=valid, most=most)

    def items(self, read: FilesToRead) -> Iterable[Any]:
        each = read_asked(read.files, blank=read.form.cloze or read.given.cloze)
        return islice((x for x in each if isinstance(x, PassageQuestion)), FEW + 1)  # what is wrong with others is known

    def stated(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        return {"cloze": ReadSection.of(config).head != "span"}
