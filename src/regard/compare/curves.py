"""Learning curves of a study: the figure that chooses, on validation data, over updates; drawn by matplotlib (the extra `plots`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from regard.compare.results import CellRow, Comparison
from regard.training.history import Point, RunHistory, read_rows
from regard.view.curves_plot import choose_line, finish
from regard.view.plot import render

WIDE, HIGH = 6.4, 3.6  # inches of a panel
ACROSS = 2  # panels side by side


def draw_curves(found: Comparison, run_of: Callable[[str], Path]) -> str:
    """The curves as an SVG text: a panel for each data set, a colour for each cell, a line for each seed.  "" without matplotlib.

    run_of: the run folder of a `StudyCell.path`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return ""
    names = list(dict.fromkeys(row.name for row in found.rows))

    def draw() -> Any:
        down, across = -(-len(found.data) // ACROSS), min(ACROSS, len(found.data))
        figure = Figure(figsize=(WIDE * across, HIGH * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).flat
        for data, panel in zip(found.data, panels, strict=False):
            _panel(panel, found, data, names, run_of)
        for panel in list(panels):
            panel.set_visible(False)
        return figure

    data, _ = render(draw, "svg", labels=(*names, *found.data), size=10)
    return data.decode("utf-8")


def _panel(panel: Any, found: Comparison, data: str, names: list[str], run_of: Callable[[str], Path]) -> None:
    chose = next((run.found["metric"] for row in found.of(data) for run in row.runs), None)
    for row in found.of(data):
        colour, line = choose_line(names.index(row.name))
        for number, points in enumerate(_lines(row, chose, run_of)):
            label = None if number else row.name
            panel.plot(*zip(*points, strict=True), line, color=colour, linewidth=1.2, alpha=0.8, label=label)
    panel.set_title(data)
    finish(panel, "updates", f"{chose or ''} (validation)")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=8)


def _lines(row: CellRow, figure: str | None, run_of: Callable[[str], Path]) -> Iterator[list[Point]]:
    """Of each run the updates and the figures of its validations."""
    for run in row.runs if figure else ():
        history = RunHistory(row.name, "", str(figure), read_rows(run_of(run.cell.path)))
        if points := history.trace(str(figure), training=False):
            yield points
