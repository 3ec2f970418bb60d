"""What a task brings to the data doctor: how its files are recognised and read, what is asked of them, what a training refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import IO, Any, Protocol

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.duplicates import Duplicates
from regard.check.finding import Block, Check, Finding
from regard.check.form import FileForm, StatedForm, ending
from regard.check.items_seen import FilesToRead, ItemsSeen
from regard.check.labels import Labels
from regard.check.lengths import Lengths
from regard.check.look import ALIGNED, ARRAYS, LIST, OBJECTS, PARQUET, Look
from regard.check.patterns import Signs
from regard.check.recognize import aligned_form, keyed_form, parquet_form, table_form
from regard.check.report import CheckReport
from regard.check.rows import OpenedFiles, RowStream
from regard.check.spelling import Digits, Lookalikes, Normal, OtherScript, StandIns
from regard.check.symbols import Phones, Readings, SymbolCounts
from regard.check.traits import TaskTraits
from regard.config import Config
from regard.core.errors import message
from regard.data.examples import split
from regard.tasks import registry

OF_CELLS = (Signs, Normal, Lookalikes, OtherScript, StandIns, Digits, Phones, Readings, SymbolCounts)
CHECKS: tuple[Callable[[Case], Check], ...] = (*OF_CELLS, Duplicates, Lengths)
Writer = Callable[[str, IO[str]], int]  # from a file to its copy; how many rows


class Stream(Protocol):
    """Reads files; after the last block it knows how many rows there were, and what is wrong with their frame."""

    rows: int

    def __iter__(self) -> Iterator[Block]: ...

    def findings(self) -> Iterable[Finding]:
        """Of the frame."""


class TaskChecks(TaskTraits):
    """The defaults are those of a task whose files have columns of text.  rows: what reads such rows."""

    rows: type[RowStream] = RowStream

    def sure(self, look: Look) -> int:
        """How sure files are this task's, where nobody said which task they are for: the surest takes them.  0: they are not."""
        return 0

    def form(self, look: Look) -> FileForm:
        """How the files are written, and which of their columns is what."""
        if look.kind == ALIGNED:
            return aligned_form(self, look)
        if look.kind in (PARQUET, OBJECTS):
            return parquet_form(self.objects(look), self, look)
        if look.kind in (ARRAYS, LIST):
            return FileForm(self.task, look.kind)
        return self.table(look)

    def objects(self, look: Look) -> FileForm:
        """Likewise of JSON lines."""
        return keyed_form(self, look)

    def table(self, look: Look) -> FileForm:
        """Likewise of one file with columns."""
        return table_form(self, look)

    def stream(self, read: OpenedFiles) -> Stream:
        """What reads files, block by block."""
        return self.rows(replace(read, files=[o for o in read.files if ending(o.file) != ".npz"]))

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        """What is asked of the rows."""
        return [*(made(case) for made in CHECKS), *([Labels(case)] if self.labelled else [])]

    def report(self, files: Sequence[str], valid: Sequence[str], form: FileForm, given: StatedForm) -> CheckReport | None:
        """A report on files whose rows are no texts; None: they are."""
        return None

    def items(self, read: FilesToRead) -> Iterable[Any] | None:
        """The items of files as a training reads them, those at fault as `RecordError`; None: they are not read again."""
        return None

    def enough(self, seen: ItemsSeen, given: StatedForm) -> bool:
        """Whether the rest of a table need not be read again: its rows were read by the same rules, and its labels differ."""
        return self.tabular and (not self.labelled or len(seen.right) > 1)

    def few_labels(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        """Errors of a training whose items teach nothing."""
        if "target" in self.labelled and len(seen.right) < 2:
            do = "Give data with more labels, or name the column that holds them (data.target)."
            yield message("labels of the training data", "at least 2 different ones", f"{next(iter(seen.right))!r} alone", do)

    def few_texts(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        """Errors of a training whose texts are too short, or too few."""
        return iter(())

    def kinds(self, item: Any, given: StatedForm) -> Iterable[str]:
        """What must be in training if it is in validation."""
        return ()

    def set_aside(self, seen: ItemsSeen, given: StatedForm) -> None:
        """DataError where nothing can be set aside for validation."""
        split(seen.first, given.valid_share, 1, kinds=lambda item: self.kinds(item, given))

    def writer(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> Writer | None:
        """What writes a cleaned copy of a file; None: row by row, cell by cell.  changed, taken: count what was done."""
        return None

    def row_fix(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> Callable[[list[str]], list[str]]:
        """What changes a row of line-aligned files whose cells are clean."""
        return lambda row: row

    def read_section(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        """What the task's own section of a config says of its data, by the names of `StatedForm`."""
        return {name: getattr(config.own, key) for name, key in self.told.items()}


@cache
def checks_of(task: str) -> TaskChecks:
    """What a task brings; the defaults where it brings nothing."""
    named = registry.spec(task).checks
    made: TaskChecks = (registry.part(named) if named else TaskChecks)(task)
    return made
