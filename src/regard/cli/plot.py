"""`regard plot`: how trainings went, in one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.options import Quiet, teller
from regard.cli.trust import Trust


class AxisOption(StrEnum):
    updates = "updates"
    seconds = "seconds"
    epochs = "epochs"


def plot(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders, of whatever tasks; also while they are trained.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="PICTURE|PAGE", help="A new file: .svg, .png or .pdf (the extra `plots`), or an .html page."
        ),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="NAME", help="A figure to draw (again: more; default: loss and train.metric).", show_default=False
        ),
    ] = None,
    x: Annotated[AxisOption, typer.Option("--x", help="What stands along the picture.")] = AxisOption.updates,
    quiet: Quiet = False,
    trust: Trust = None,
) -> None:
    """Draw loss and metrics of runs, from their metrics.jsonl.

    Training is faint, validations are marked, the one whose weights are kept stands in a ring. docs/plot.md says what is drawn.
    """
    from regard.core.atomic_files import write_text
    from regard.training.history import read_history
    from regard.view.curves import lay_out
    from regard.view.save import claim

    say, path = teller(quiet), claim(out, suffixes=(".svg", ".png", ".pdf", ".html", ".htm"))
    found = [read_history(run, name=name, trust=trust or ()) for run, name in zip(runs, name_runs(runs), strict=True)]
    panels, notes = lay_out(found, metric or (), axis=x.value)
    if path.suffix.lower() in (".html", ".htm"):
        from regard.view.curves_page import html

        write_text(path, html(panels, found, notes, axis=x.value))
    else:
        from regard.view.curves_plot import write

        notes = [*notes, *write(panels, path, axis=x.value)]
    for note in notes:
        say(note)
    say(f"{path} is written.")


def name_runs(runs: Sequence[Path]) -> list[str]:
    """What to call runs: by their folder, or as they were written where two have the same."""
    names = [run.resolve().name for run in runs]
    twice = Counter(names)
    return [name if twice[name] == 1 else str(run) for name, run in zip(names, runs, strict=True)]
