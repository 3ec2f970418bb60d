"""One part answered, in whatever process: the model is opened once, the part is written whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from regard.core.atomic_files import write_bytes
from regard.core.checksum import checksum
from regard.core.errors import RunFolderError, message
from regard.core.garbage import collect_seldom
from regard.corpus.input_parts import CorpusPart
from regard.corpus.part_format import PartFormat
from regard.runtime.folder import MANIFEST, is_exported
from regard.runtime.ready import checksums
from regard.tasks.base import Predictor, TaskPrediction
from regard.tasks.options import AnswerOptions


@dataclass(frozen=True)
class CorpusJob:
    """What all parts have in common.

    name: no other job has it.  folder: where parts go.  runs: run folders or exported ones; made_of: what they are known by (`describe`).
    open_model: opens them.
    """

    name: str
    folder: Path
    runs: tuple[Path, ...]
    made_of: Mapping[str, str]
    open_model: Callable[[], Predictor]
    options: AnswerOptions
    format: PartFormat


@dataclass(frozen=True)
class DonePart:
    """A part that lies on the disk, as the manifest says it.

    file: of the corpus; first: the number of its first row in the whole corpus, from 1; rows: how many; sha256: of the part; rows_blake2b:
    of what it answers (`CorpusPart.digest`); unseen: rows with symbols that training never saw; heard: what `Predictor.notes` is told.
    """

    number: int
    name: str
    file: str
    first: int
    rows: int
    bytes: int
    sha256: str
    rows_blake2b: str
    unseen: int = 0
    heard: Mapping[str, int] = field(default_factory=dict)

    def is_whole(self, folder: Path) -> bool:
        """Whether it lies there as it was written."""
        path = folder / self.name
        return path.is_file() and path.stat().st_size == self.bytes and checksum(path) == self.sha256


def describe(runs: Sequence[Path]) -> dict[str, str]:
    """What a model is made of: SHA-256 of the files that it comes from, and the version of Regard."""
    found = {"regard": version("regard")}
    for run in runs:
        marks = {MANIFEST: checksum(run / MANIFEST)} if is_exported(run) else checksums(run)
        found |= {f"{run.name}/{name}" if len(runs) > 1 else name: mark for name, mark in marks.items()}
    return found


def answer_part(job: CorpusJob, part: CorpusPart, model: Predictor) -> DonePart:
    """Answers the rows of a part as `Predictor.stream` does, and writes them."""
    settings, heard, unseen = model.settle(job.options, None, attention=False), Counter[str](), 0

    def counted() -> Iterator[list[TaskPrediction]]:
        nonlocal unseen
        for best in model.answer_in_chunks(part.rows, settings, heard):
            unseen += bool(best[0].unknown)
            yield best

    name, data = job.format.name(part.number), job.format.to_bytes(part.first, counted())
    write_bytes(job.folder / name, data)
    known = hashlib.sha256(data).hexdigest()
    return DonePart(
        part.number, name, part.file, part.first, len(part.rows), len(data), known, part.digest(), unseen, dict(heard)
    )


_open: dict[str, Predictor] = {}  # the model of the job that this process works for
_lock = Lock()  # a model answers one part at a time, on as many threads as the process has


def answer_elsewhere(job: CorpusJob, part: CorpusPart) -> DonePart:
    """`answer_part` in a process that may have to open the model first.  RunFolderError where it finds another one."""
    with _lock:
        if job.name not in _open:
            _open.clear()
            _open[job.name] = _opened(job)
        return answer_part(job, part, _open[job.name])


def _opened(job: CorpusJob) -> Predictor:
    collect_seldom()
    model = job.open_model()
    found = describe(job.runs)
    for name, wanted in job.made_of.items():
        if found.get(name) != wanted:
            do = "Copy the run again to where this worker finds it, and install one version of Regard everywhere."
            raise RunFolderError(
                message(f"{job.runs[0]}: {name}", f"{wanted[:12]}, as at the start", str(found.get(name))[:12], do)
            )
    if not job.folder.is_dir():
        do = "Let all workers see the folder under this name."
        raise RunFolderError(message(str(job.folder), "the folder of the parts", "none that this worker sees", do))
    return model
