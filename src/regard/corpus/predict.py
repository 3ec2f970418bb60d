"""A corpus predicted into a folder of parts, by this process or by others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from regard.core.plural import many
from regard.core.say import Say
from regard.corpus.answering import CorpusJob, DonePart, answer_part
from regard.corpus.cluster import DaskWorkers, answer_by_workers
from regard.corpus.input_parts import CorpusPart, cut
from regard.corpus.ledger import MANIFEST, Ledger, open_ledger
from regard.data.parts import find_parts
from regard.tasks.base import Predictor
from regard.tasks.options import ahead

PAUSE = 10.0  # seconds between two lines on how far it is


def predict_corpus(
    job: CorpusJob, corpus: str, model: Predictor, told: Mapping[str, Any], *, rows: int, workers: DaskWorkers | None, say: Say
) -> None:
    """Answers every row of `corpus`, a file or parts of a folder or pattern, into the parts of `job.folder`, and goes on with those that
    lie there.

    The parts hold, one after another, the very bytes that one process gives that predicts file after file: they are cut where that begins
    anew to sort rows by length.  model: reads the corpus, and answers it where there are no workers.  told: what else the manifest says.
    rows: of a part, at least.
    Errors: DataError for a corpus that cannot be read, at the line; UsageError for a folder with something else in it; see
    `cluster.answer_by_workers`.  What was done until then stays, and a second call goes on.
    """
    together = ahead(model.settle(job.options, None, attention=False).decode)
    rows = -(-rows // together) * together
    files = find_parts(corpus)
    with open_ledger(job.folder, {**told, "part_rows": rows, "made_of": dict(job.made_of)}) as ledger:
        counted = _Counted(ledger, cut(model, files, rows, say), say)
        if workers is None:
            found: Iterable[DonePart] = (answer_part(job, part, model) for part in counted)
        else:
            found = answer_by_workers(job, counted, workers, say)
        for done in found:
            ledger.add(done)
            counted.tell(done)
        ledger.finish(counted.parts)
        counted.tell_end()
        _tell_notes(ledger, model, say)


def _tell_notes(ledger: Ledger, model: Predictor, say: Say) -> None:
    unseen, heard = ledger.notes()
    for note in model.notes(heard):
        say(note)
    if unseen:
        say(f"{many(unseen, 'row')} with symbols that training never saw.")


class _Counted:
    """The parts that are missing, and how far it is."""

    def __init__(self, ledger: Ledger, parts: Iterator[CorpusPart], say: Say) -> None:
        self._ledger, self._each, self._say = ledger, parts, say
        self.parts = self._rows = self._kept = self._answered = 0
        self._begun = self._told = time.monotonic()

    def __iter__(self) -> Iterator[CorpusPart]:
        for part in self._each:
            self.parts, self._rows = self.parts + 1, self._rows + len(part.rows)
            if self._ledger.has(part):
                self._kept += 1
            else:
                yield part

    def tell(self, done: DonePart) -> None:
        self._answered += done.rows
        if time.monotonic() > self._told + PAUSE:
            self._told = time.monotonic()
            self._say(f"{many(self._answered, 'row')} answered, {self._speed()}")

    def tell_end(self) -> None:
        kept = f", {self._kept:,} of them there before" if self._kept else ""
        speed = f"; {many(self._answered, 'row')} answered, {self._speed()}" if self._answered else ""
        where = self._ledger.folder / MANIFEST
        self._say(f"{many(self._rows, 'row')} in {many(self.parts, 'part')}{kept}{speed}. {where} has their checksums.")

    def _speed(self) -> str:
        return f"{self._answered / max(1e-9, time.monotonic() - self._begun):,.0f} a second"
