"""The page: sentences, their n-best lists and every layer and head of their attention, in one HTML file that works with no network.

Templates, a style and scripts lie beside this file.  Python decides what is shown (labels, words, axes); the
script only lays it out, averages heads and adds up words.  Weights are whole ten-thousandths in 16 bits, all high bytes before all low
bytes (most are zero, and so pack well), deflated and written in base64.
"""

from __future__ import annotations

import base64
import html as markup
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.core.atomic_files import write_bytes
from regard.core.errors import RegardError, message
from regard.view import merge
from regard.view.answer import show_answer
from regard.view.document import embed, fill, policy, read_part
from regard.view.label import SPACE, right_to_left, say_token, show_token
from regard.view.overlay import describe
from regard.view.picture import NUMBERED, Axis, Drawable, axes, blind, default, hides
from regard.view.save import claim
from regard.view.vector import fragment as fragment

PICTURE = (
    "picture.js",
    "table.js",
    "canvas.js",
    "keep.js",
    "answers.js",
    "figures.js",
    "pickers.js",
)  # what any page with a picture has
SAVED, LIVE = ("page.js",), ("compare.js", "ask.js", "touch.js")
# Steps from 0 to 1: finer than the three decimals that are shown, so that sums over the pieces of a word stay right.
UNIT = 10_000


def html(predictions: Sequence[Sequence[Drawable]], *, title: str) -> str:
    """The whole page as text: for each sentence its n-best list, best first.

    Errors: UsageError where no prediction has any attention.
    """
    if not any(prediction.attention for best in predictions for prediction in best):
        raise blind(next((prediction.source for best in predictions for prediction in best), ""))
    images = any("image" in p.details for best in predictions for p in best)
    return _page(SAVED, title=title, data=payload(predictions), images=images)


@cache
def live() -> str:
    """The page that asks a server (`regard.serve`): with a line to type in, and nothing in it yet."""
    return _page(LIVE, title="Where it looks", data={"unit": UNIT, "sentences": [], "weights": []}, images=True, live=True)


def read_scripts(names: Sequence[str]) -> str:
    """Scripts of the page as one."""
    return "".join(read_part(__package__, name) for name in names)


def _page(scripts: Sequence[str], *, title: str, data: Any, images: bool, live: bool = False) -> str:
    style, script = read_part(__package__, "page.css"), read_scripts((*PICTURE, *scripts))
    style += read_part(__package__, "live.css") if live else ""
    return fill(
        read_part(__package__, "page.html"),
        title=markup.escape(title),
        policy=policy(style, script, images=images, asks=live),
        style=style,
        kind="asking" if live else "saved",
        asks="it asks the server that it came from, and no other" if live else "it asks no network",
        logo=read_part(__package__, "logo.html"),
        ask=read_part(__package__, "ask.html") if live else "",
        picture=read_part(__package__, "picture.html"),
        data=embed(data),
        script=script,
    )


def write(predictions: Sequence[Sequence[Drawable]], path: str | Path, *, title: str) -> None:
    """Write the page to `path`, which must be new and end in .html.  Errors: UsageError; RegardError where the disk refuses."""
    path = claim(path, suffixes=(".html", ".htm"))
    write_bytes(path, html(predictions, title=title).encode("utf-8"))


def payload(predictions: Sequence[Sequence[Drawable]]) -> dict[str, Any]:
    """What the page embeds, as JSON: `unit`, `sentences` and the packed `weights`, to which the layers refer by number.

    A sentence: source, features, rtl, unknown, best (list).  One of its best: text, score, rtl, layer (the one shown first), `axes` by
    kind, `layers` by name, `answer` (`answer.show_answer`), and `grid`: rows, columns and maybe the image
    below, where there is one (`overlay.describe`).  An axis:
    `tokens` and `words`, each a list of [shown, said], `of` (for each token its word), `ends` (the tokens that are sentence marks),
    `spaced` (there are words to merge into).  A layer: `heads`, `down` and `across` (kinds of axis), `named` (what people call
    them), `weights` (the number of its packed weights).
    """
    packed: dict[str, int] = {}
    sentences = [_sentence(best, packed) for best in predictions]
    return {"unit": UNIT, "sentences": sentences, "weights": list(packed)}


def _sentence(best: Sequence[Drawable], packed: dict[str, int]) -> dict[str, Any]:
    first = best[0]
    return {
        "source": first.source,
        "features": list(first.features),
        "rtl": right_to_left(first.source) or any(map(right_to_left, first.source_tokens)),
        "unknown": list(first.unknown),
        "best": [_prediction(prediction, packed) for prediction in best],
    }


def _prediction(prediction: Drawable, packed: dict[str, int]) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    layers = []
    for name, weights in prediction.attention.items():
        pair = axes(prediction, name)
        kinds = [axis.kind if axis.kind != NUMBERED else f"{NUMBERED} {len(axis.tokens)}" for axis in pair]
        sides |= {kind: _side(axis) for kind, axis in zip(kinds, pair, strict=True) if kind not in sides}
        number = packed.setdefault(pack(np.asarray(weights), name), len(packed))
        layer = {"name": name, "heads": len(weights), "down": kinds[0], "across": kinds[1], "weights": number}
        layers.append(layer | {"named": [axis.name for axis in pair]})
    return {
        "text": prediction.text,
        "score": None if prediction.score is None or not np.isfinite(prediction.score) else float(f"{prediction.score:.7g}"),
        "rtl": right_to_left(prediction.text) or any(map(right_to_left, prediction.tokens)),
        "layer": default(prediction) if layers else None,
        "axes": sides,
        "layers": layers,
        "grid": describe(prediction),
        "answer": show_answer(prediction),
    }


def _side(axis: Axis) -> dict[str, Any]:
    return {
        "tokens": [list(pair) for pair in zip(axis.shown, axis.said, strict=True)],
        "words": _words(axis),
        "of": list(axis.words),
        "ends": hides(axis),
        "spaced": any(token.startswith(SPACE) for token in axis.tokens),
    }


def _words(axis: Axis) -> list[list[str]]:
    joined, plain = merge.join(axis.tokens, axis.words), set(axis.words[: axis.plain])
    return [[word, word] if i in plain else [show_token(word), say_token(word)] for i, word in enumerate(joined)]


def pack(weights: NDArray[np.floating], name: str) -> str:
    """The weights (heads, down, across) as base64 of deflated 16-bit ten-thousandths.  Errors: RegardError where they are not weights."""
    top = np.iinfo(np.uint16).max / UNIT
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights <= top).all()):
        expected, received = f"finite weights from 0 to {top:g}", f"values from {np.min(weights):g} to {np.max(weights):g}"
        do = "Please report this: the model is broken or was changed by hand."
        raise RegardError(message(f"the attention of {name}", expected, received, do))
    steps = np.rint(weights.astype(np.float64) * UNIT).astype(np.uint16).ravel()
    planes = (steps >> 8).astype(np.uint8).tobytes() + (steps & 255).astype(np.uint8).tobytes()
    return base64.b64encode(zlib.compress(planes, 9)).decode("ascii")
