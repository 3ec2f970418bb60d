"""Attention laid over what was looked at, where that is a grid of cells, as of an image: one small picture for each word."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.data.images import decode_image
from regard.view.picture import Drawable, Picture


@dataclass(frozen=True)
class Overlay:
    """words: what each picture stands above; heat: (words, rows, columns); pixels: (H, W, 3) of the image, where there is one.
    extent: the share of the grid that the image fills, down and across."""

    words: tuple[str, ...]
    heat: NDArray[np.float32]
    pixels: NDArray[np.uint8] | None
    extent: tuple[float, float]


def overlay(prediction: Drawable, picture: Picture) -> Overlay | None:
    """The pictures of a layer; None where its places are no grid."""
    grid = prediction.details.get("grid")
    if not grid or picture.weights.shape[1] != grid[0] * grid[1] or picture.across.kind != "source":
        return None
    image = prediction.details.get("image")
    pixels = None if image is None else decode_image(base64.b64decode(image))
    heat = picture.weights.reshape(-1, *grid)
    down, across = prediction.details.get("extent", (1.0, 1.0))
    return Overlay(tuple(picture.down.shown), heat, pixels, (down, across))


def describe(prediction: Drawable) -> dict[str, Any] | None:
    """What the page needs to lay attention over an image; None where there is no grid."""
    details = prediction.details
    if not details.get("grid"):
        return None
    image = details.get("image")
    url = {} if image is None else {"image": f"data:image/png;base64,{image}", "extent": list(details.get("extent", (1, 1)))}
    return {"rows": details["grid"][0], "columns": details["grid"][1], **url}


def figure(laid: Overlay, title: str, *, colours: Any) -> Any:
    """The pictures side by side, by matplotlib: the image in grey and lit where it was looked at, or the heat alone."""
    from matplotlib.figure import Figure

    count = len(laid.words)
    across = min(count, 5)
    down = -(-count // across)
    made = Figure(figsize=(1.7 * across, 1.95 * down + 0.3))
    rows, columns = laid.heat.shape[1:]
    for place, (word, heat) in enumerate(zip(laid.words, laid.heat, strict=True), 1):
        axes = made.add_subplot(down, across, place)
        if laid.pixels is None:
            axes.imshow(heat, vmin=0, vmax=1, cmap=colours, interpolation="nearest")
        else:
            axes.imshow(laid.pixels, extent=(0, laid.extent[1] * columns, laid.extent[0] * rows, 0), interpolation="nearest")
            veil = np.zeros((rows, columns, 4))
            veil[..., 3] = 0.82 * (1 - heat / max(float(heat.max()), 1e-9))
            axes.imshow(veil, extent=(0, columns, rows, 0), interpolation="nearest")
            axes.set_xlim(0, laid.extent[1] * columns)
            axes.set_ylim(laid.extent[0] * rows, 0)
        axes.set_title(f"{word}  {float(heat.max()):.2f}", fontsize=9)
        axes.set_axis_off()
    made.text(0.01, 0.005, f"{title} · beside each word its largest weight", fontsize=8, color="#666b74")
    return made
