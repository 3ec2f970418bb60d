"""What changes where a model answers with weights of one byte: its answers against those in float32."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG

from regard.core.atomic_files import write_text
from regard.core.bounded_json import read_json, require_keys
from regard.core.errors import DataError, RegardError
from regard.data.parts import all_parts
from regard.data.text_files import fingerprint
from regard.tasks import registry
from regard.tasks.load_run import load_run
from regard.tasks.options import AnswerOptions
from regard.training.checkpoint import MODEL, data_marks

REPORT = "int8.json"  # in the run folder
MOST = 500  # validation lines that are compared
LARGEST = 1 << 30  # bytes of a file that is read for them
_KEYS = {"lines": int, "changed": int, "model": str, "check": str}


@dataclass(frozen=True)
class QuantizationReport:
    """changed: of `lines` answers, how many are another text.  model: what was compared, a hash of its weights."""

    lines: int
    changed: int
    model: str

    def __str__(self) -> str:
        return f"int8: {self.changed:,} of {self.lines:,} validation lines are answered otherwise than in float32."


def parity(run: Path, *, trust: Iterable[str] = ()) -> QuantizationReport | None:
    """The report of a run: read where it was made before of these very weights, else made, on the first validation lines of its
    config, and kept in the run folder, where that can be written.  None where the validation files are gone, or others."""
    file, weights = run / REPORT, sha256((run / MODEL).read_bytes()).hexdigest()
    if (kept := _kept(file)) is not None and kept.model == weights:
        return kept
    plain = load_run(run, trust=trust)
    data = plain.config.data
    if not _as_trained(run, data.valid or data.train):
        return None
    bytes_ = load_run(run, trust=trust, precision="int8")
    try:
        held = registry.of(plain.config.task).validation_items(plain.config)[:MOST]
    except (DataError, OSError):
        return None
    told = [[p[0].text for p in model.stream(held, AnswerOptions(n_best=1), attention=False)] for model in (plain, bytes_)]
    made = QuantizationReport(len(told[0]), sum(a != b for a, b in zip(*told, strict=True)), weights)
    with suppress(RegardError):  # a folder of somebody else's, a CD, a full disk: it is said, and made again next time
        write_text(file, json.dumps({**asdict(made), "check": _check(made)}) + "\n")
    return made


def _kept(file: Path) -> QuantizationReport | None:
    """A report that was made before; None for what is not ours, or half a file."""
    try:
        found = require_keys(read_json(file, most=10_000), _KEYS, lacking=frozenset({"check"}))  # an older Regard wrote none
    except (OSError, ValueError):
        return None
    check = found.pop("check", None)
    made = QuantizationReport(**found)
    return made if 0 <= made.changed <= made.lines and check in (None, _check(made)) else None


def _check(made: QuantizationReport) -> str:
    """A hash of a report, so that a number that was changed is seen."""
    return sha256(json.dumps(asdict(made), sort_keys=True).encode()).hexdigest()


def _as_trained(run: Path, files: Sequence[str]) -> bool:
    """Whether the files that the config names are those of the training, by their hashes: under the same name another may lie by now, and
    a config may be a stranger's."""
    marks = data_marks(run)
    try:
        files = all_parts(files)
        if any(file not in marks or not S_ISREG(os.stat(file).st_mode) or os.stat(file).st_size > LARGEST for file in files):
            return False
        return fingerprint(files) == {file: marks[file] for file in files}
    except (OSError, DataError):
        return False
