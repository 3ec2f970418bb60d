"""`regard compare`: many runs from one file, and a table that says which differ."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from regard.cli.options import Quiet, teller
from regard.core.printable import printable


def compare(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="What is varied, on which data, with which seeds.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of all runs and tables.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Trainings at a time; they share the cores.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on; what is trained is not trained again.")] = False,
    tune: Annotated[
        int, typer.Option("--tune", min=0, metavar="N", help="Search the study's `tune:` first, N trials for each cell.")
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Train a study's cells and compare them on test data.

    Every cell is checked before the first is trained; one that fails leaves the others going. FOLDER gets compare.md, compare.csv,
    runs.csv and compare.html, and a run folder for each cell. docs/compare.md shows a study.
    """
    from regard.compare.run import PAGE, TABLE, Ways, run_study
    from regard.compare.study import load_study

    say = teller(quiet)
    ways = Ways([sys.executable, "-m", "regard.cli.compare_cell"], jobs, tune, resume)
    with _told_to_stop(out):
        found = run_study(load_study(study), out, ways, say)
    print(printable((out / TABLE).read_text("utf-8")), end="")
    say(f"The tables are in {out / TABLE}, and with learning curves in {out / PAGE}.")
    if any(row.missing for row in found.rows):
        say("Some runs are missing; --resume tries them again.")
        raise typer.Exit(1)


@contextmanager
def _told_to_stop(out: Path) -> Iterator[None]:
    """Signals end the trainings with a checkpoint each, and then this process."""
    from regard.training.signals import HEARD, Interrupted

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number, f"trainings are stopped, each with a checkpoint. Go on with --resume (--out {out}).")

    before = {number: signal.signal(number, stop) for number in HEARD if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
