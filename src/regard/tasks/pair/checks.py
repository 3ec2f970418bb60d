"""What is asked of pairs of texts (`regard check`): ratings that lie far outside of the others, all alike, or that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.column_profile import NUMBER
from regard.check.finding import Check, Finding, list_words
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead, ItemsSeen
from regard.check.labels import Labels
from regard.check.look import Look
from regard.check.recognize import give_label, texts_first
from regard.check.rows import RowStream
from regard.check.task_checks import CHECKS, TaskChecks
from regard.core.errors import message
from regard.core.plural import many
from regard.data.column_names import TWO_TEXTS
from regard.data.examples import Place
from regard.data.file_format import RecognizedFile
from regard.tasks.pair.data import PairColumns, as_rated, number, pair_of_row, read_coupled

RATINGS = 30  # different numbers from which on they are ratings and no labels


class Ratings(Labels):
    """Counts each answer, in training and in validation."""

    def findings(self) -> Iterator[Finding]:
        train = self.counts[False]
        numbers = [label for label in train if NUMBER.fullmatch(label)]
        rated = len(numbers) >= RATINGS or any("." in label for label in numbers)
        return self._ratings(train) if rated and len(numbers) > 0.5 * len(train) else super().findings()

    def _ratings(self, train: Counter[str]) -> Iterator[Finding]:
        words = [label for label in train if not NUMBER.fullmatch(label)]
        if words and self.case.given.output != "number":  # else each is a bad line
            what = f"{many(sum(train[w] for w in words), 'answer is no number', 'answers are no numbers')}: {list_words(words)}."
            yield Finding("no-rating", "error", what, len(words), self.first(words), "Correct or remove them.", trains=True)
        values = sorted((float(label), label) for label in train if label not in words)
        spread = [value for value, label in values for _ in range(min(train[label], 1000))]
        low, high = spread[int(0.005 * len(spread))], spread[int(0.995 * (len(spread) - 1))]
        room = high - low
        out = [label for value, label in values if value < low - 0.5 * room - 1e-9 or value > high + 0.5 * room + 1e-9]
        if len(values) == 1:
            what = f"All ratings are {values[0][1]}."
            yield Finding("one-label", "error", what, 1, self.first([values[0][1]]), "Is this the right column (data.target)?")
        if out and room:
            what = f"{many(len(out), 'rating lies', 'ratings lie')} far outside of the others ({low:g} to {high:g}): {list_words(out)}."
            yield Finding("rating-range", "warning", what, sum(train[x] for x in out), self.first(out), "Correct them.")


class CoupledRows(RowStream):
    """Rows of two texts and what is right of them."""

    def cells(self, record: Mapping[str, Any], place: Place) -> list[list[str]]:
        roles = self.form.roles
        source, second, target = (roles.get(role, role) for role in ("source", "second", "target"))
        found = pair_of_row(record, place, PairColumns(source, second, target, self.layout))
        texts = {"source": found.first, "second": found.second, "target": found.target or ""}
        return [[texts.get(role, "") for role in roles]]


class PairChecks(TaskChecks):
    """Of a task that gives a label or a number to two texts."""

    roles = ("source", "second", "target")
    nouns: Mapping[str, str] = {"source": "first text", "second": "second text", "target": "answer"}
    labelled = ("target",)
    keys: Mapping[str, str] = {**TaskChecks.keys, "second": "pair.second"}
    usual: Mapping[str, int] = {"source": 1, "second": 2, "target": 3}
    told: Mapping[str, str] = {"output": "output"}
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
        return as_rated(found) if given.output == "number" else found

    def enough(self, seen: ItemsSeen, given: StatedForm) -> bool:
        return given.output != "number" and super().enough(seen, given)

    def few_labels(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        if given.output != "number":
            yield from super().few_labels(seen, given)
        elif len(set(map(number, seen.right))) < 2:
            do = "Give data with more of them, or name the column that holds them (data.target)."
            yield message("numbers of the training data", "at least 2 different ones", f"{next(iter(seen.right))} alone", do)

    def kinds(self, item: Any, given: StatedForm) -> Iterable[str]:
        return [] if given.output == "number" else [item.target]
