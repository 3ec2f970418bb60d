"""What changes where a model answers with weights of one byte: its answers against those in float32."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from regard.ground.errors import DataError
from regard.ground.files import write_text
from regard.workshop import jobs
from regard.workshop.checkpoint import MODEL
from regard.workshop.model import Model

REPORT = "int8.json"  # in the run folder
MOST = 500  # validation lines that are compared


@dataclass(frozen=True)
class Parity:
    """changed: of `lines` answers, how many are another text.  model: what was compared, a hash of its weights."""

    lines: int
    changed: int
    model: str

    def __str__(self) -> str:
        return f"int8: {self.changed:,} of {self.lines:,} validation lines are answered otherwise than in float32."


def parity(run: Path, *, trust: Iterable[str] = ()) -> Parity | None:
    """The report of a run: read where it was made before of these very weights, else made, on the first validation lines of its
    config, and kept in the run folder.  None where the validation files are gone."""
    file, weights = run / REPORT, sha256((run / MODEL).read_bytes()).hexdigest()
    if file.is_file():
        try:
            made = Parity(**json.loads(file.read_text("utf-8")))
        except (ValueError, TypeError):  # not ours, or half a file: made anew
            made = None
        if made is not None and made.model == weights:
            return made
    plain, bytes_ = Model.load(run, trust=trust), Model.load(run, trust=trust, precision="int8")
    try:
        held = jobs.of(plain.config.task).held(plain.config)[:MOST]
    except (DataError, OSError):
        return None
    told = [[p[0].text for p in model.stream(held, n_best=1, attention=False)] for model in (plain, bytes_)]
    made = Parity(len(told[0]), sum(a != b for a, b in zip(*told, strict=True)), weights)
    write_text(file, json.dumps(asdict(made)) + "\n")
    return made
