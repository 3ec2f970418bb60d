"""`--precision`: what a model's weights are kept in while it answers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Word(StrEnum):
    float32 = "float32"
    int8 = "int8"


Precision = Annotated[
    Word,
    typer.Option(help="int8: weights of one byte, faster on a CPU; some answers change, and how many is said."),
]


def say_parity(runs: Sequence[Path], precision: Word, trust: Iterable[str]) -> None:
    """How many validation answers int8 changes, on stderr; nothing in float32."""
    if precision is Word.float32:
        return
    from regard.workshop.jobs.parity import parity

    for run in runs:
        gone = f"int8: the validation files of {run} are gone, so how many answers change is not known."
        print(parity(run, trust=trust) or gone, file=sys.stderr)
