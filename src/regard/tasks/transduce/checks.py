"""What is asked of pairs of source and target before a net learns them (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Check
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead
from regard.check.look import Look
from regard.check.task_checks import TaskChecks
from regard.data.file_format import RecognizedFile
from regard.data.pairs import each_pair
from regard.tasks.transduce.check_sides import ExchangedSides


class TransduceChecks(TaskChecks):
    """Of a task that writes a target for each source."""

    translates = True
    noted = ("features-column", "swapped")

    def sure(self, look: Look) -> int:
        """Whatever no other task takes; a pronouncing dictionary, and a table with features, before most others."""
        if look.kind != "table":
            return 1
        features = look.table.width > 1 and any(held.manner == "features" for held in look.table.held)
        return 11 if look.table.format == "cmudict" else 7 if features else 1

    def named(self, given: StatedForm, said: RecognizedFile) -> StatedForm:
        features = said.features if given.features is None else given.features
        return replace(given, source=said.source, target=said.target, features=features)

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        bundles = [i for i in free if form.profiles[i].manner == "features"]
        if "features" not in roles and bundles and form.width > 2:
            roles["features"] = bundles[-1]
            free.remove(bundles[-1])

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        return [*super().checks(case, bad, files), ExchangedSides(case)]

    def items(self, read: FilesToRead) -> Iterable[Any]:
        return each_pair(read.files, read.layout())
