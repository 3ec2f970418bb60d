"""Coloured shapes on a small canvas, and what is said of them: the data of the caption demo, made here, so that it needs no file.

A picture holds one shape, or two of which one is above the other or left of it: "a red circle above a blue square".  What is named
first stands above, or on the left.  Some pairs of colour and kind never occur in training, and each validation picture has such a
one: who has learnt what red is, and what a circle is, can tell a red circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

COLOURS = {
    "red": (214, 48, 49), "green": (39, 154, 64), "blue": (41, 88, 204), "yellow": (240, 205, 40), "purple": (136, 58, 170),
    "brown": (140, 84, 38), "black": (30, 30, 34), "pink": (245, 140, 190), "teal": (20, 150, 165), "grey": (130, 130, 135),
    "lime": (165, 215, 60), "tan": (210, 170, 120),
}  # fmt: skip
KINDS = ("circle", "square", "triangle", "cross", "ring")
PAPER = (246, 245, 240)
SIDE = 48  # pixels of the canvas
SHADES = 20  # by how much red, green and blue of a colour vary: no two shapes have the very same
SIZES, STEP = (12, 16), 4  # pixels of a shape; where it may stand
APART = 4  # pixels between two shapes, and by how much further apart they are along the axis that is said
UNSEEN = tuple((colour, KINDS[i % len(KINDS)]) for i, colour in enumerate(COLOURS))  # pairs that training never shows
VALID_SHARE, ALONE = 0.1, 0.15  # pictures of validation; pictures with one shape


@dataclass(frozen=True)
class Shape:
    """box: top, left, bottom, right in pixels, the last two just outside."""

    colour: str
    kind: str
    box: tuple[int, int, int, int]

    @property
    def name(self) -> str:
        return f"a {self.colour} {self.kind}"


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, and what is right of it.  shapes: in the order in which the caption names them."""

    pixels: NDArray[np.uint8]  # H W 3
    shapes: tuple[Shape, ...]
    caption: str


def scenes(seed: int, count: int) -> tuple[list[Scene], list[Scene]]:
    """(training, validation): so many pictures in all.  The pairs of `UNSEEN` are in validation alone, in each of its pictures."""
    random, held = Random(seed), round(count * VALID_SHARE)
    pairs = [(colour, kind) for colour in COLOURS for kind in KINDS]
    seen = [pair for pair in pairs if pair not in UNSEEN]
    train = [_scene(random, seen, seen) for _ in range(count - held)]
    return train, [_scene(random, list(UNSEEN), pairs) for _ in range(held)]


def named(scene: Scene, words: list[str]) -> list[Shape | None]:
    """For each word of a right caption the shape whose colour or kind it names; None for all other words."""
    found: list[Shape | None] = []
    which = -1
    for word in words:
        which += word == "a"
        names = which >= 0 and word in (scene.shapes[which].colour, scene.shapes[which].kind)
        found.append(scene.shapes[which] if names else None)
    return found


def cells(shape: Shape, rows: int, columns: int) -> set[int]:
    """The cells of a grid of the picture that the box of a shape touches, counted row by row from 0."""
    tall, wide = SIDE / rows, SIDE / columns
    top, left, bottom, right = shape.box
    return {
        row * columns + column
        for row in range(int(top // tall), int(-(-bottom // tall)))
        for column in range(int(left // wide), int(-(-right // wide)))
    }


def _scene(random: Random, first: list[tuple[str, str]], others: list[tuple[str, str]]) -> Scene:
    while True:
        one = _shape(random, random.choice(first))
        if random.random() < ALONE:
            return _drawn(random, (one,), one.name)
        other = _shape(random, random.choice(others))
        if (one.colour, one.kind) == (other.colour, other.kind) or (placed := _related(one, other)) is None:
            continue
        (upper, lower), relation = placed
        return _drawn(random, (upper, lower), f"{upper.name} {relation} {lower.name}")


def _shape(random: Random, pair: tuple[str, str]) -> Shape:
    size = random.choice(SIZES)
    top, left = (random.randrange(0, SIDE - size + 1, STEP) for _ in range(2))
    return Shape(*pair, (top, left, top + size, left + size))


def _related(one: Shape, other: Shape) -> tuple[tuple[Shape, Shape], str] | None:
    """Which is named first, and how they stand; None where they touch, or where neither axis says it clearly."""
    down, across = _gap(one.box, other.box, 0), _gap(one.box, other.box, 1)
    if max(down, across) < APART or abs(down - across) < APART:
        return None
    axis, relation = (0, "above") if down > across else (1, "left of")
    return ((one, other) if one.box[axis] < other.box[axis] else (other, one)), relation


def _gap(one: tuple[int, ...], other: tuple[int, ...], axis: int) -> int:
    """Pixels between two boxes along an axis; negative where they overlap."""
    return max(one[axis], other[axis]) - min(one[axis + 2], other[axis + 2])


def _drawn(random: Random, shapes: tuple[Shape, ...], caption: str) -> Scene:
    noise = np.random.default_rng(random.getrandbits(32)).normal(0, 4, (SIDE, SIDE))
    pixels = np.full((SIDE, SIDE, 3), PAPER, dtype=np.float64)
    for shape in shapes:
        top, left, bottom, right = shape.box
        inked = _inked(shape.kind, bottom - top)
        shade = np.array(COLOURS[shape.colour]) + [random.uniform(-SHADES, SHADES) for _ in range(3)]
        pixels[top:bottom, left:right][inked] = shade
    return Scene(np.clip(pixels + noise[..., None], 0, 255).astype(np.uint8), shapes, caption)


def _inked(kind: str, size: int) -> NDArray[np.bool_]:
    """Which pixels of a square of so many pixels a shape covers."""
    y, x = np.mgrid[:size, :size]
    middle = (size - 1) / 2
    far_y, far_x = np.abs(y - middle) / (size / 2), np.abs(x - middle) / (size / 2)  # 0 in the middle, 1 at the edge
    away = np.hypot(far_y, far_x)
    covered: dict[str, NDArray[np.bool_]] = {
        "circle": away <= 1,
        "square": np.ones((size, size), dtype=bool),
        "triangle": far_x <= (y + 1) / size,
        "cross": (far_x <= 0.36) | (far_y <= 0.36),
        "ring": (away <= 1) & (away >= 0.55),
    }
    return covered[kind]
