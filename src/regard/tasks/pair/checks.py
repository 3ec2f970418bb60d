"""What is asked of pairs of texts, with a label or a number, before a net learns them (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Check
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead, ItemsSeen
from regard.check.look import Look
from regard.check.recognize import give_label, texts_first
from regard.check.rows import RowStream
from regard.check.task_checks import CHECKS, TaskChecks
from regard.config import Config
from regard.core.errors import message
from regard.data.column_names import TWO_TEXTS
from regard.data.examples import Place
from regard.data.file_format import RecognizedFile
from regard.tasks.pair.check_ratings import Ratings
from regard.tasks.pair.data import PairColumns, coupled_row, number, rated, read_coupled
from regard.tasks.pair.section import PairSection


class CoupledRows(RowStream):
    """Rows of two texts and what is right of them."""

    def cells(self, record: Mapping[str, Any], place: Place) -> list[list[str]]:
        roles = self.form.roles
        source, second, target = (roles.get(role, role) for role in ("source", "second", "target"))
        found = coupled_row(record, place, PairColumns(source, second, target, self.layout))
        texts = {"source": found.first, "second": found.second, "target": found.target or ""}
        return [[texts.get(role, "") for role in roles]]


class PairChecks(TaskChecks):
    """Of a task that gives a label or a number to two texts."""

    roles = ("source", "second", "target")
    nouns: Mapping[str, str] = {"source": "first text", "second": "second text", "target": "answer"}
    labelled = ("target",)
    keys: Mapping[str, str] = {**TaskChecks.keys, "second": "pair.second"}
    usual: Mapping[str, int] = {"source": 1, "second": 2, "target": 3}
    unit = ("pair of texts", "pairs of texts")
    aligned = False
    rows = CoupledRows

    def sure(self, look: Look) -> int:
        if look.kind in ("jsonl", "parquet"):
            return 5 if any({first, second} <= look.keys.keys() for first, second in TWO_TEXTS) else 0
        if look.kind != "table" or look.table.width < 3:
            return 0
        held, texts = look.table.held, look.table.texts
        running = len(texts) > 1 and texts[0].manner == texts[1].manner == "text"
        return 5 if running and any(one.labels or one.manner == "numbers" for one in held) else 0

    def named(self, given: StatedForm, said: RecognizedFile) -> StatedForm:
        return given if said.second is None else super().named(given, said)

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        give_label(form, roles, free, [i for i in free if form.profiles[i].labels][-1:])
        texts_first(form, free, longest=False)

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        return [*(made(case) for made in CHECKS), Ratings(case)]

    def items(self, read: FilesToRead) -> Iterable[Any]:
        form, given, layout = read.form, read.given, read.layout()
        columns: dict[str, int | str] = {role: form.named(role) for role in ("second",) if role in form.roles}
        columns |= {"source": layout.source, "target": layout.target} | ({"second": given.second} if given.second else {})
        found = read_coupled(read.files, PairColumns(**columns, table=layout))
        return rated(found) if given.output == "number" else found

    def enough(self, seen: ItemsSeen, given: StatedForm) -> bool:
        return given.output != "number" and super().enough(seen, given)

    def few_labels(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        if given.output != "number":
            yield from super().few_labels(seen, given)
        elif len(set(map(number, seen.right))) < 2:
            do = "Give data with more of them, or name the column that holds them (data.target)."
            what = f"{next(iter(seen.right))} alone"
            yield message("numbers of the training data", "at least 2 different ones", what, do)

    def kinds(self, item: Any, given: StatedForm) -> Iterable[str]:
        return [] if given.output == "number" else [item.target]

    def stated(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        return {"output": PairSection.of(config).output}
