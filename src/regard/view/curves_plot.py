"""Curves of runs as a PNG, SVG or PDF file, drawn by matplotlib (the extra `plots`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from regard.core.atomic_files import write_bytes
from regard.view.curves import Curve, Panel
from regard.view.plot import render

WIDE, HIGH, SMALL = 7.0, 3.0, 1.1  # inches of a panel, and the height of a small one
COLOURS = 10  # of matplotlib's cycle; runs beyond them have the same with dashes


def write(panels: Sequence[Panel], path: Path, *, axis: str) -> list[str]:
    """Draw panels into `path`, a new file that ends in .png, .svg or .pdf; what to tell the user (a font that is missing) comes back.

    axis: what stands along it.  RegardError where matplotlib is missing or the disk refuses.
    """
    names = [curve.name for panel in panels for curve in panel.curves]
    data, notes = render(partial(_figure, panels, axis), path.suffix.lower()[1:], labels=names, size=10)
    write_bytes(path, data)
    return notes


def _figure(panels: Sequence[Panel], axis: str) -> Any:
    from matplotlib.figure import Figure

    heights = [SMALL if panel.small else HIGH for panel in panels]
    figure = Figure(figsize=(WIDE, sum(heights) + 0.4), layout="constrained")
    places = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for panel, place in zip(panels, places, strict=True):
        for curve in panel.curves:
            _draw(place, curve)
        finish(place, "", panel.figure)
    places[-1].set_xlabel(axis)
    places[-1].set_xlim(left=0)
    _explain(places[0], panels)
    return figure


def _draw(place: Any, curve: Curve) -> None:
    """Training faint, validations marked, the one that is kept in a ring."""
    colour, line = choose_line(curve.run)
    if curve.training:
        dot = "." if len(curve.training) == 1 else None  # a line of one point is none
        place.plot(*zip(*curve.training, strict=True), line, color=colour, linewidth=1.2, alpha=0.4, marker=dot)
    if curve.validation:
        place.plot(*zip(*curve.validation, strict=True), line, color=colour, linewidth=1.4, marker=".", markersize=5)
    if curve.kept is not None:
        place.plot(*curve.kept, "o", color=colour, markersize=9, fillstyle="none", markeredgewidth=1.6)


def _explain(place: Any, panels: Sequence[Panel]) -> None:
    """The legend: each run in its colour, and what the kinds of lines mean."""
    names = {curve.run: curve.name for panel in panels for curve in panel.curves}
    for number, name in sorted(names.items()):
        colour, line = choose_line(number)
        place.plot([], [], line, color=colour, label=name)
    place.plot([], [], color="0.4", alpha=0.4, label="training")
    place.plot([], [], color="0.4", marker=".", label="validation")
    place.plot([], [], "o", color="0.4", fillstyle="none", label="kept")
    place.legend(frameon=False, fontsize=8)


def choose_line(number: int) -> tuple[str, str]:
    """The colour and the dashes of a run, by its place among all."""
    return f"C{number % COLOURS}", "--" if number // COLOURS % 2 else "-"


def finish(place: Any, across: str, up: str) -> None:
    """The look of a panel of curves, with what stands along its axes."""
    place.set_xlabel(across)
    place.set_ylabel(up)
    place.spines[["top", "right"]].set_visible(False)
    place.grid(alpha=0.3)
