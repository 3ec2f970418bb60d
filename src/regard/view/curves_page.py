"""Curves of runs as one page that needs nothing from outside and runs nothing; it needs no matplotlib either."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from regard.training.history import Point, RunHistory
from regard.training.number_text import clock, number
from regard.view.curves import Curve, Panel
from regard.view.document import fill, policy, read_part

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 62, 14, 26, 34  # of a panel, in pixels
TALL, SMALL = 220, 70  # of what is drawn in it
COLOURS = 8  # of the style sheet; runs beyond them have the same with dashes
Scale = tuple[float, float]  # least and most along an axis


def html(panels: Sequence[Panel], runs: Sequence[RunHistory], notes: Sequence[str] = (), *, axis: str) -> str:
    """The page as text.  runs: those of the panels, in their order; axis: what stands along the panels; notes: what is to be said."""
    style = read_part(__package__, "curves.css")
    points = [point for panel in panels for curve in panel.curves for point in (*curve.training, *curve.validation)]
    across = _span([x for x, _ in points], zero=True)
    return fill(
        read_part(__package__, "curves.html"),
        title=escape(", ".join(run.name for run in runs)),
        policy=policy(style, ""),
        style=style,
        table=_table([panel.figure for panel in panels if not panel.small], runs),
        panels="\n".join(_panel(panel, across, axis) for panel in panels),
        notes="".join(f'<p class="soft">{escape(note)}</p>' for note in notes),
    )


def _table(figures: Sequence[str], runs: Sequence[RunHistory]) -> str:
    """Each run with the validation that is kept, and its colour."""
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in ("run", "kept update", *figures, "updates", "time"))
    rows = list[str]()
    for place, run in enumerate(runs):
        kept, last = run.kept or {}, run.rows[-1] if run.rows else {}
        cells = [number(kept.get("step"), 0), *(number(kept.get(figure)) for figure in figures)]
        cells += [number(last.get("step"), 0), clock(last.get("seconds"))]
        name = f'<td><span class="c{place % COLOURS}" aria-hidden="true">{(_dash(place) and "┅") or "━"}</span> {escape(run.name)}</td>'
        rows.append(f"<tr>{name}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _panel(panel: Panel, across: Scale, axis: str) -> str:
    tall = SMALL if panel.small else TALL
    up = _span([y for curve in panel.curves for _, y in (*curve.training, *curve.validation)], zero=panel.small)
    parts = [f'<text class="name" x="{LEFT}" y="15">{escape(panel.figure)}</text>']
    for value in _ticks(up, 3 if panel.small else 5):
        y = _height(value, up, tall)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_say(value)}</text>')
    for value in _ticks(across, 8):
        parts.append(f'<text x="{_right(value, across):.1f}" y="{TOP + tall + 16}" text-anchor="middle">{_say(value)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{TOP + tall + 30}" text-anchor="end">{escape(axis)}</text>')
    for curve in panel.curves:
        parts.append(f'<g class="c{curve.run % COLOURS}">{"".join(_draw(curve, across, up, tall, axis))}</g>')
    size = f'width="{WIDTH}" height="{TOP + tall + BOTTOM}" viewBox="0 0 {WIDTH} {TOP + tall + BOTTOM}"'
    label = escape(f"{panel.figure} over {axis}: {', '.join(curve.name for curve in panel.curves)}")
    return f'<figure><svg role="img" aria-label="{label}" {size}>{"".join(parts)}</svg></figure>'


def _draw(curve: Curve, across: Scale, up: Scale, tall: int, axis: str) -> Iterator[str]:
    def at(point: Point) -> tuple[float, float]:
        return _right(point[0], across), _height(point[1], up, tall)

    for kind, points in (("training", curve.training), ("validation", curve.validation)):
        if points:
            drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, points))
            yield f'<polyline class="{kind}{_dash(curve.run)}" points="{drawn}"/>'
    for x, y in map(at, curve.training if len(curve.training) == 1 else ()):  # a line of one point is none
        yield f'<circle class="training" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
    for point in curve.validation:
        x, y = at(point)
        told = escape(f"{curve.name}: {number(point[1])} at {_say(point[0])} {axis}")
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"><title>{told}</title></circle>'
    if curve.kept is not None:
        x, y = at(curve.kept)
        yield f'<circle class="kept" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'


def _dash(run: int) -> str:
    return " dashed" if run // COLOURS % 2 else ""


def _span(values: Sequence[float], *, zero: bool = False) -> Scale:
    """The ends of an axis, apart from each other.  zero: it begins there."""
    least, most = (0.0 if zero else min(values, default=0.0)), max(values, default=1.0)
    half = 0.0 if most > least else max(0.5, abs(least) / 2)  # of the room around values that are all the same
    return (least if zero else least - half), most + half


def _right(value: float, across: Scale) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - across[0]) / (across[1] - across[0])


def _height(value: float, up: Scale, tall: int) -> float:
    return TOP + tall * (1 - (value - up[0]) / (up[1] - up[0]))


def _ticks(scale: Scale, most: int) -> list[float]:
    """Round values between the ends of an axis, about as many as `most` and at most so many."""
    rough = (scale[1] - scale[0]) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough)
    first = math.ceil(scale[0] / step)
    return [number * step for number in range(first, math.floor(scale[1] / step + 1e-9) + 1)]


def _say(value: float) -> str:
    return f"{value:,.6g}"
