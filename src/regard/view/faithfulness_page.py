"""Findings on looks as one page: for each look what erasing costs, and how that grows with the share that is erased."""

from __future__ import annotations

import html as markup
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from regard.view.document import fill, policy, read_part

WIDTH, ROW, LEFT, RIGHT = 420, 22, 100, 78  # of a picture, in pixels
TALL = 110  # of a curve
BARS = {
    "most": "most attended",
    "random": "one at random",
    "least": "least attended",
    "uniform": "even weights",
    "permuted": "permuted",
}


class Findings(Protocol):
    """What is drawn: see `tasks.faithfulness.LookFindings`."""

    @property
    def name(self) -> str: ...
    @property
    def items(self) -> int: ...
    @property
    def drops(self) -> Mapping[str, Any]: ...
    @property
    def changed(self) -> Mapping[str, float]: ...
    @property
    def tau(self) -> Any: ...
    def conclude(self) -> str: ...


def html(found: Sequence[Findings], *, title: str) -> str:
    """The page as text; it needs nothing from outside, and runs nothing."""
    style = read_part(__package__, "faithfulness.css")
    return fill(
        read_part(__package__, "faithfulness.html"),
        title=markup.escape(title),
        policy=policy(style, ""),
        style=style,
        sections="".join(map(_section, found)),
    )


def _section(one: Findings) -> str:
    said, tau = one.conclude(), one.tau
    rank = f" Kendall's tau with gradient times input: {tau.mean:.2f} ({tau.low:.2f} to {tau.high:.2f})." if tau else ""
    bars = f"Loss under each change of the weights; beside it how many of the {one.items:,} answers are others then.{rank}"
    curves = "Loss without a share of the places (comprehensiveness), and with nothing but it (sufficiency)."
    return (
        f"<section><h2>{markup.escape(one.name)}</h2>\n<p>{markup.escape(said[0].upper() + said[1:])}</p>\n"
        f"<figure>{_bars(one)}<figcaption>{bars}</figcaption></figure>\n"
        f"<figure>{_curves(one)}<figcaption>{curves}</figcaption></figure></section>\n"
    )


def _bars(one: Findings) -> str:
    drops = [one.drops[name] for name in BARS]
    least, most = min(0.0, *(drop.low for drop in drops)), max(1e-9, *(drop.high for drop in drops))

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - least) / (most - least)

    parts, height = list[str](), ROW * len(BARS)
    for y, (name, label), drop in zip(range(0, height, ROW), BARS.items(), drops, strict=True):
        told = f"{drop.mean:.4f} nats a token ({drop.low:.4f} to {drop.high:.4f})"
        left, right, middle = min(x(0.0), x(drop.mean)), max(x(0.0), x(drop.mean)), y + ROW // 2
        parts += [
            _text(LEFT - 6, y + 15, label, "end"),
            f'<rect class="bar" x="{left:.1f}" y="{y + 4}" width="{right - left:.1f}" height="{ROW - 8}"><title>{told}</title></rect>',
            f'<line class="whisker" x1="{x(drop.low):.1f}" x2="{x(drop.high):.1f}" y1="{middle}" y2="{middle}"/>',
        ]
        if name in one.changed:
            parts.append(_text(WIDTH, y + 15, f"{one.changed[name]:.0%} others", "end", "key"))
    parts.append(f'<line class="axis" x1="{x(0.0):.1f}" x2="{x(0.0):.1f}" y1="0" y2="{height}"/>')
    parts += [_text(x(0.0), height + 14, "0", "middle", "key"), _text(x(most), height + 14, f"{most:.2g}", "end", "key")]
    return _svg("Loss by change", height + 18, parts)


def _curves(one: Findings) -> str:
    lines: dict[str, dict[str, float]] = {"without": {}, "only": {}}
    for name, drop in one.drops.items():
        word, _, share = name.partition(" ")
        if share:
            lines[word][share] = drop.mean
    every = [mean for line in lines.values() for mean in line.values()]
    least, most = min(0.0, *every), max(1e-9, *every)
    shares = list(lines["only"])
    step = (WIDTH - 120) / (len(shares) - 1)
    places = [45 + i * step for i in range(len(shares))]
    parts = [_text(x, TALL + 26, share, "middle", "key") for x, share in zip(places, shares, strict=True)]
    parts += [_text(38, 14, f"{most:.2g}", "end", "key"), _text(38, TALL + 10, f"{least:.1g}", "end", "key")]
    for word, line in lines.items():
        heights = [8 + TALL * (1 - (mean - least) / (most - least)) for mean in line.values()]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
        parts.append(f'<polyline class="{word}" points="{points}"/>')
        parts += _dots(word, line, places, heights)
        parts.append(_text(places[-1] + 9, heights[-1] + 4, word, "start"))
    return _svg("Loss by share", TALL + 32, parts)


def _dots(word: str, line: Mapping[str, float], places: Sequence[float], heights: Sequence[float]) -> Iterator[str]:
    for (share, mean), x, y in zip(line.items(), places, heights, strict=True):
        yield f'<circle class="{word}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{word} {share}: {mean:.4f}</title></circle>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{markup.escape(text)}</text>'


def _svg(label: str, height: int, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg role="img" aria-label="{label}" {size}>{"".join(parts)}</svg>'
