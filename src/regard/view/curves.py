"""What is drawn of runs: a panel for each figure, and in it a curve for each run that has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.core.errors import UsageError, did_you_mean, message
from regard.training.history import Point, RunHistory

RATE = "learning_rate"


@dataclass(frozen=True)
class Curve:
    """One run in one panel.  run: its place among all, which settles its colour; kept: the validation whose weights are kept."""

    run: int
    name: str
    training: Sequence[Point]
    validation: Sequence[Point]
    kept: Point | None


@dataclass(frozen=True)
class Panel:
    """One figure of all runs that have it.  small: it is there to explain the others."""

    figure: str
    curves: Sequence[Curve]
    small: bool = False


def lay_out(runs: Sequence[RunHistory], figures: Sequence[str] = (), *, axis: str = "updates") -> tuple[list[Panel], list[str]]:
    """The panels, and what to tell the user: which runs lack what.  figures: those to draw; (): the loss and what chose each run.

    axis: one of `training.history.AXES`.  A small panel has the learning rate, where that changes and is not among the figures.
    UsageError for a figure that no run has, and where no run has reported anything.
    """
    known = list(dict.fromkeys(name for run in runs for name in run.figures))
    if not known:
        do = "Wait until one has reported, or look whether it is being trained."
        raise UsageError(message("regard plot", "a run that has reported something", "none", do))
    unknown = next((name for name in figures if name not in known), None)
    if unknown is not None:
        do = f"Choose one of these.{did_you_mean(unknown, known)}"
        raise UsageError(message("--metric", f"a figure of the runs: {', '.join(known)}", f"'{unknown}'", do))
    wanted = dict.fromkeys(figures or [name for name in ("loss", *(run.metric for run in runs)) if name in known])
    panels = [Panel(name, _trace(runs, name, axis)) for name in wanted]
    early = [run for run in runs if run.kept is None]
    notes = [f"{run.name} has {'no validation' if run.rows else 'reported nothing'} yet." for run in early]
    for panel in panels:
        drawn = {curve.run for curve in panel.curves}
        lacking = [f"{run.name} ({run.task})" for number, run in enumerate(runs) if number not in drawn and run.kept is not None]
        notes += [f"{panel.figure}: {', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} none."] if lacking else []
    rates = _trace(runs, RATE, axis)
    if RATE not in wanted and any(len({rate for _, rate in curve.training}) > 1 for curve in rates):
        panels.append(Panel(RATE, rates, small=True))
    return panels, notes


def _trace(runs: Sequence[RunHistory], figure: str, axis: str) -> list[Curve]:
    curves = list[Curve]()
    for number, run in enumerate(runs):
        training, validation = (run.trace(figure, training=kind, axis=axis) for kind in (True, False))
        if training or validation:
            curves.append(Curve(number, run.name, training, validation, run.mark(figure, axis=axis)))
    return curves
