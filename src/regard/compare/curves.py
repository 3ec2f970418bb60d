"""Learning curves of a study: the figure that chooses, on validation data, over updates; drawn by matplotlib (the extra `plots`)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from regard.compare.results import CellRow, Comparison
from regard.compare.worker import read_rows

WIDE, HIGH = 6.4, 3.6  # inches of a panel
ACROSS = 2  # panels side by side


def draw_curves(found: Comparison, run_of: Callable[[str], Path]) -> str:
    """The curves as an SVG text: a panel for each data set, a colour for each cell, a line for each seed.  "" without matplotlib.

    run_of: the run folder of a `StudyCell.path`.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        return ""
    names = list(dict.fromkeys(row.name for row in found.rows))
    down = -(-len(found.data) // ACROSS)
    across = min(ACROSS, len(found.data))
    style: Any = {"svg.hashsalt": "regard", "text.parse_math": False, "font.size": 10}
    kept = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith(("backend", "interactive"))}
    with matplotlib.rc_context({**kept, **style}):
        figure = Figure(figsize=(WIDE * across, HIGH * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).flat
        for data, panel in zip(found.data, panels, strict=False):
            _panel(panel, found, data, names, run_of)
        for panel in list(panels):
            panel.set_visible(False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _panel(panel: Any, found: Comparison, data: str, names: list[str], run_of: Callable[[str], Path]) -> None:
    chose = next((run.found["metric"] for row in found.of(data) for run in row.runs), None)
    for row in found.of(data):
        colour, first = f"C{names.index(row.name) % 10}", True
        line = "--" if names.index(row.name) >= 10 else "-"
        for steps, values in _lines(row, chose, run_of):
            panel.plot(steps, values, line, color=colour, linewidth=1.2, alpha=0.8, label=row.name if first else None)
            first = False
    panel.set_title(data)
    panel.set_xlabel("updates")
    panel.set_ylabel(f"{chose or ''} (validation)")
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(alpha=0.3)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=8)


def _lines(row: CellRow, figure: str | None, run_of: Callable[[str], Path]) -> Iterator[tuple[list[int], list[float]]]:
    """Of each run the updates and the figures of its validations."""
    for run in row.runs if figure else ():
        rows = [each for each in read_rows(run_of(run.cell.path)) if each.get("kind") != "train"]
        told = [(each["step"], value) for each in rows if (value := each.get(str(figure))) is not None]
        yield [step for step, _ in told], [value for _, value in told]
