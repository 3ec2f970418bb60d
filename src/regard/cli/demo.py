"""`regard demo`: a trained model, its figures and its pictures, from nothing."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from regard.core.interface_language import Translated, language
from regard.tasks.registry import USUAL


def demo(
    task: Annotated[str, typer.Option(metavar="TASK", help="What is shown: a task word of the config.")] = USUAL,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the data, the run and the page go.")] = None,
) -> None:
    """Train, predict and draw on data that Regard makes.

    Without --task the data are dates in English and Chinese writing; the model learns to write them as 2026-11-21.
    """
    from regard.demo import run

    with redirect_stdout(Translated(sys.stdout)) if language() != "en" else nullcontext():
        run(task, out)
