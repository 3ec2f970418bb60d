"""A heat map as plain SVG: no script, no extra, and colours that can be read on a light and on a dark page."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from regard.core.printable import printable
from regard.view.label import SPACE, clusters, columns
from regard.view.picture import Axis, Drawable, Picture, choose

CELL, GAP, ROUND = 26, 3, 4
TEXT, BASE = "#6e7781", "#808080"  # far enough from white and from black
FAINT, FULL = (56, 178, 172), (37, 99, 235)  # the ink of a small and of a large weight, which is also more opaque
FONT = (
    "'Noto Sans', Inter, 'Segoe UI', system-ui, 'DejaVu Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Naskh Arabic', sans-serif"
)
LETTER = 8.6  # how wide a letter is about, in pixels, at a size of 15: there is nothing here to measure it with
LEAST = 0.005  # a weight that would not be seen is not drawn


def svg(prediction: Drawable, *, name: str | None = None, head: int | None = None) -> str:
    """The picture of one layer as SVG text: source across, target down, first row on top; a pointer on a cell shows its value.

    `name`, `head` and errors: as in `picture.choose`.  Nothing in it has an id or a class, so that many may stand on one page.
    """
    picture = choose(prediction, name=name, head=head)
    down, across = _labels(picture.down), _labels(picture.across)
    turned = any(len(clusters(label)) > 2 for label in across)
    left = 12 + max(_length(label) for label in down)
    top = 10 + (max(_length(label) for label in across) if turned else 20)
    width = max(left + len(across) * CELL, left + 330) + 8
    height = top + len(down) * CELL + 40
    described = html.escape(printable(f"Where the model looked: {prediction.source} → {prediction.text}"))
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    look = f'role="img" aria-label="{described}" font-family="{FONT}" font-size="15" fill="{TEXT}"'
    labels = [*_columns(across, left, top, turned), *_rows(down, left, top)]
    drawn = [_grid(len(down), len(across), left, top), *_cells(picture, left, top)]
    legend = _legend(picture, left, top + len(down) * CELL + 18)
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look}>', *labels, *drawn, legend, "</svg>\n"])


def fragment(prediction: Drawable) -> str:
    """The prediction and its picture as a small piece of HTML for a notebook: no script, no style sheet, and never an error."""
    score = "" if prediction.score is None else "log-probability " + f"{prediction.score:.3f}".replace("-", "−")
    source, text = (html.escape(printable(told)) for told in (prediction.source, prediction.text or "(nothing)"))
    line = f'<div style="margin:0 0 6px"><bdi dir="auto">{source}</bdi> → <strong><bdi dir="auto">{text}</bdi></strong>'
    line += f' <span style="color:{TEXT}">{score}</span></div>'
    if not prediction.attention:
        return f'<div>{line}<div style="color:{TEXT}">No attention to show.</div></div>'
    return f'<div>{line}<div style="overflow:auto">{svg(prediction)}</div></div>'


def _labels(axis: Axis) -> list[str]:
    return [_cut(label) for label in axis.shown]


def _cut(label: str, most: int = 18) -> str:
    parts = clusters(label)
    return label if len(parts) <= most else "".join(parts[: most - 1]) + "…"


def _length(label: str) -> float:
    return columns(label) * LETTER


def _text(label: str) -> str:
    """The label, with a faint ▁ before a word: it is there to be noticed, not to be read."""
    if len(label) > 1 and label.startswith(SPACE):
        return f'<tspan opacity=".4">{SPACE}</tspan>{html.escape(label[1:])}'
    return html.escape(label)


def _ink(weight: float) -> str:
    weight = min(max(weight, 0.0), 1.0)
    red, green, blue = (round(low + (high - low) * weight) for low, high in zip(FAINT, FULL, strict=True))
    return f'fill="#{red:02x}{green:02x}{blue:02x}" fill-opacity="{weight**0.8:.3g}"'


def _columns(labels: Sequence[str], left: float, top: float, turned: bool) -> list[str]:
    lines = []
    for j, label in enumerate(labels):
        x = left + (j + 0.5) * CELL
        if turned and len(clusters(label)) > 1:
            lines.append(f'<text transform="translate({x + 5:g} {top - 8:g}) rotate(-90)">{_text(label)}</text>')
        else:
            lines.append(f'<text x="{x:g}" y="{top - 9:g}" text-anchor="middle">{_text(label)}</text>')
    return lines


def _rows(labels: Sequence[str], left: float, top: float) -> list[str]:
    return [
        f'<text x="{left - 8:g}" y="{top + (i + 0.5) * CELL + 5:g}" text-anchor="end">{_text(label)}</text>'
        for i, label in enumerate(labels)
    ]


def _grid(rows: int, places: int, left: float, top: float) -> str:
    """All cells as one faint path; its round joins give the corners."""
    side, inset = CELL - GAP - ROUND, (GAP + ROUND) / 2
    squares = (
        f"M{left + j * CELL + inset:g} {top + i * CELL + inset:g}h{side}v{side}h-{side}z"
        for i in range(rows)
        for j in range(places)
    )
    return f'<path fill="{BASE}" stroke="{BASE}" stroke-width="{ROUND}" stroke-linejoin="round" opacity=".14" d="{"".join(squares)}"/>'


def _cells(picture: Picture, left: float, top: float) -> list[str]:
    down, across = picture.down.said, picture.across.said
    side = CELL - GAP
    lines = []
    for (i, j), weight in np.ndenumerate(picture.weights):
        if weight >= LEAST:
            at = f'x="{left + j * CELL + GAP / 2:g}" y="{top + i * CELL + GAP / 2:g}" width="{side}" height="{side}" rx="{ROUND}"'
            told = html.escape(f"{down[i]} → {across[j]}: {weight:.3f}")
            lines.append(f"<rect {at} {_ink(float(weight))}><title>{told}</title></rect>")
    return lines


def _legend(picture: Picture, x: float, y: float) -> str:
    steps = "".join(f'<rect x="{x + 14 + k * 9:g}" y="{y - 8:g}" width="9" height="9" {_ink(k / 10)}/>' for k in range(11))
    scale = f'<rect x="{x + 14:g}" y="{y - 8:g}" width="99" height="9" fill="{BASE}" opacity=".14"/>{steps}'
    words = html.escape(f"{picture.name} · {picture.head}")
    labels = f'<text x="{x:g}" y="{y:g}">0</text><text x="{x + 118:g}" y="{y:g}">1</text><text x="{x + 142:g}" y="{y:g}">{words}</text>'
    return f'<g font-size="12">{scale}{labels}</g>'
