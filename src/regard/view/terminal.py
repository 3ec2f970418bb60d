"""A heat map in the terminal: target down, source across, first row on top.  Needs no extra."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Sequence

import numpy as np

from regard.view.label import LEFT_TO_RIGHT_MARK, clusters, columns, right_to_left, say_token, show_token
from regard.view.overlay import Overlay, overlay
from regard.view.picture import Axis, Drawable, Picture, choose, hides

SHADES = " ░▒▓█"
RAMP = (234, 17, 18, 24, 25, 31, 38, 44, 80, 122, 158, 229)  # of the 256 colours, from dark to bright: the same on any background
RESET = "\x1b[0m"
TALL, LONG = 12, 16  # a longer label is cut: rows of the header, columns of a row's label


def draw(
    prediction: Drawable, *, name: str | None = None, head: int | None = None, width: int | None = None, color: bool | None = None
) -> str:
    """The picture of one layer as text, without a newline at its end.

    `name`, `head`: as in `picture.choose` (the last cross attention, the mean over heads).  `width`: columns to stay within (default:
    the terminal's); a picture that is wider goes on below, from where it was cut.  `color`: 256 colours, or shades of ` ░▒▓█` where
    False; by default colours only for a terminal, and none where NO_COLOR is set.  Errors: UsageError as in `picture.choose`.
    """
    picture = choose(prediction, name=name, head=head)
    laid = overlay(prediction, picture)
    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    color = _colorful() if color is None else color
    if laid is not None:
        return "\n".join([f"{picture.name} · {picture.head}", *_laid(laid, width, color)])
    margin = max((columns(label) for label in _side(picture.down)), default=0) + 1
    wide = any(columns(part) > 1 for label in picture.across.shown for part in clusters(label))
    count = picture.weights.shape[1]
    cell = 2 if wide or margin + 2 * count <= width else 1
    room = max((width - margin) // cell, 1)
    panels = [_panel(picture, range(start, min(start + room, count)), margin, cell, color) for start in range(0, count, room)]
    title = f"{picture.name} · {picture.head}"
    return "\n".join([title, "\n\n".join("\n".join(panel) for panel in panels), *_legend(picture, margin, width, color)])


def add_colour(prediction: Drawable, *, width: int | None = None) -> str:
    """The tokens of a text, each above its tag.  `width`: as in `draw`."""
    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    lines, room = [["", ""]], 0
    for pair in zip(map(show_token, prediction.source_tokens), map(show_token, prediction.tokens), strict=False):
        wide = max(map(columns, pair)) + 2
        if room and room + wide > width:
            lines, room = [*lines, ["", ""]], 0
        lines[-1] = [line + part + " " * (wide - columns(part)) for line, part in zip(lines[-1], pair, strict=True)]
        room += wide
    return "\n\n".join("\n".join(line.rstrip() for line in both) for both in lines)


def _laid(laid: Overlay, width: int, color: bool) -> list[str]:
    """One small grid for each word, side by side as far as they fit; above it the word and its largest weight, which is the fullest."""
    titles = [f"{_shortened(word)} {heat.max():.2f}" for word, heat in zip(laid.words, laid.heat, strict=True)]
    cells = 2 * laid.heat.shape[2]
    wide = max(cells, *map(columns, titles)) + 2
    room, made = max(width // wide, 1), list[str]()
    for start in range(0, len(titles), room):
        some = range(start, min(start + room, len(titles)))
        made.append("".join(titles[i] + " " * (wide - columns(titles[i])) for i in some).rstrip(" "))
        for row in range(laid.heat.shape[1]):
            parts = [laid.heat[i, row] / max(float(laid.heat[i].max()), 1e-9) for i in some]
            made.append((" " * (wide - cells)).join((_colored if color else _framed)(part, 2) for part in parts).rstrip(" "))
        made.append("")
    return [*made, "each word's share of its largest weight, which stands beside it"]


def _framed(row: np.ndarray, cell: int) -> str:
    """A row of shades in which nothing can be told from no place: a place that got nothing is a dot."""
    return _shaded(row, cell).replace(" " * cell, "·" + " " * (cell - 1))


def _colorful() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _panel(picture: Picture, places: range, margin: int, cell: int, color: bool) -> list[str]:
    lines = [" " * margin + line for line in _header([picture.across.shown[i] for i in places], cell)]
    for label, row in zip(_side(picture.down), picture.weights, strict=True):
        cells = _colored(row[list(places)], cell) if color else _shaded(row[list(places)], cell)
        lines.append(" " * (margin - 1 - columns(label)) + label + " " + cells)
    return [line.rstrip(" ") if not color else line for line in lines]


def _header(tokens: Sequence[str], cell: int) -> list[str]:
    """The tokens written downwards, each over its column, all ending just above the first row."""
    labels = [clusters(token) for token in tokens]
    labels = [label if len(label) <= TALL else [*label[: TALL - 1], "⋮"] for label in labels]
    height = max((len(label) for label in labels), default=0)
    # Else a terminal that knows Arabic turns the header round.
    guard = LEFT_TO_RIGHT_MARK if any(map(right_to_left, tokens)) else ""
    lines = []
    for i in range(height):
        parts = [label[i - height + len(label)] if i >= height - len(label) else "" for label in labels]
        lines.append("".join(part + guard + " " * (cell - columns(part)) for part in parts).rstrip(" "))
    return lines


def _side(axis: Axis) -> list[str]:
    return [_shortened(label) for label in axis.shown]


def _shortened(text: str) -> str:
    if columns(text) <= LONG:
        return text
    kept = ""
    for part in clusters(text):
        if columns(kept + part) > LONG - 1:
            break
        kept += part
    return kept + "…"


def _shaded(row: np.ndarray, cell: int) -> str:
    return "".join(SHADES[i] * cell for i in _levels(row, len(SHADES)))


def _colored(row: np.ndarray, cell: int) -> str:
    runs = itertools.groupby(_levels(row, len(RAMP)))
    return "".join(f"\x1b[48;5;{RAMP[i]}m" + " " * cell * len(list(run)) for i, run in runs) + RESET


def _levels(row: np.ndarray, count: int) -> list[int]:
    return [int(level) for level in np.clip(np.rint(row * (count - 1)), 0, count - 1)]


def _legend(picture: Picture, margin: int, width: int, color: bool) -> list[str]:
    """The scale, the signs for the sentence marks and what lies across: on one line where it fits, else on one line each."""
    colors = "0 " + "".join(f"\x1b[48;5;{i}m " for i in RAMP) + RESET + " 1"
    shades = "  ".join(f"{shade} {level / (len(SHADES) - 1):g}" for level, shade in enumerate(SHADES) if level)
    marks = {axis.tokens[i] for axis in (picture.down, picture.across) for i in hides(axis)}
    signs = [f"{show_token(mark)} {say_token(mark)}" for mark in sorted(marks)]
    parts = [colors if color else shades, *signs, f"across: {picture.across.name}"]
    length = margin + sum(columns(part) + 3 for part in parts) - (len(colors) - len(RAMP) - 4 if color else 0)
    return [" " * margin + "   ".join(parts)] if length <= width else parts
