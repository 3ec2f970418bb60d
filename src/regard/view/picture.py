"""What is drawn: one layer and one head of a prediction's attention, with the tokens of both sides.

Terminal, page and plot differ only in the ink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import RegardError, UsageError, did_you_mean, message
from regard.view import merge
from regard.view.label import END, START, say_token, show_token


class Drawable(Protocol):
    """What a picture needs of a `regard.tasks.base.TaskPrediction`."""

    @property
    def text(self) -> str: ...
    @property
    def score(self) -> float | None: ...
    @property
    def tokens(self) -> Sequence[str]: ...
    @property
    def source_tokens(self) -> Sequence[str]: ...
    @property
    def attention(self) -> Mapping[str, NDArray[np.float32]]: ...
    @property
    def source(self) -> str: ...
    @property
    def features(self) -> Sequence[str]: ...
    @property
    def unknown(self) -> Sequence[str]: ...
    @property
    def sides(self) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]: ...
    @property
    def axes(self) -> Mapping[str, tuple[str, str]]: ...
    @property
    def details(self) -> Mapping[str, Any]: ...
    @property
    def read(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Axis:
    """One side of a picture: `kind` is source, target, read (the words that a decoder has read: the target one step later), place, or
    rows or columns of a layer; `name` is what people call it."""

    kind: str
    name: str
    tokens: tuple[str, ...]
    words: tuple[int, ...]  # for each token the number of its word
    plain: int = 0  # so many tokens at the front are features, whatever special sign they spell

    @property
    def shown(self) -> list[str]:
        """How each token is written."""
        return [token if i < self.plain else show_token(token) for i, token in enumerate(self.tokens)]

    @property
    def said(self) -> list[str]:
        """How a screen reader says each token."""
        return [token if i < self.plain else say_token(token) for i, token in enumerate(self.tokens)]


@dataclass(frozen=True)
class Picture:
    """One heat map: `weights` (target, source), first row on top; `head` says in words which head it is."""

    name: str
    head: str
    weights: NDArray[np.float32]
    down: Axis
    across: Axis


NAMES = {"source": "source", "target": "target", "read": "read so far"}
NUMBERED = "place"  # the kind, and the name, of a side of which nothing is known but its length


def axes(prediction: Drawable, name: str) -> tuple[Axis, Axis]:
    """The sides (down, across) of the layer called `name`.

    A `cross` layer: target by source.  `encoder...self`: source by source.  `decoder...self`: the words being written by the words
    *read* so far: a decoder that writes word t has read the start mark and the words before t, so its columns begin with the start mark
    and end before the end mark.  A layer that the prediction gives `sides`: those.  Anything else, or another size: places by number.
    """
    down, across = np.shape(prediction.attention[name])[1:]
    if name in prediction.sides:
        rows, places = prediction.sides[name]
        kind = "source" if tuple(places) == tuple(prediction.source_tokens) else f"columns of {name}"
        called = prediction.axes.get(name, (NUMBERED, NUMBERED))
        return _fit(_axis(f"rows of {name}", rows, called[0]), down), _fit(_axis(kind, places, called[1]), across)
    leading = min(len(prediction.features), len(prediction.source_tokens))  # the tokenizer writes a feature N as the token <N>
    named = [f"<{name}>" for name in prediction.features[:leading]]  # one that training never saw too: the reader gave it
    source = _axis("source", [*named, *prediction.source_tokens[leading:]], features=leading)
    target = _axis("target", prediction.tokens)
    if not name.endswith(".self"):
        sides = (target, source)
    elif name.startswith("decoder"):
        sides = (target, _axis("read", (START, *prediction.tokens[:-1])))
    else:
        sides = (source, source)
    return _fit(sides[0], down), _fit(sides[1], across)


def _axis(kind: str, tokens: Sequence[str], name: str = "", *, features: int = 0) -> Axis:
    return Axis(kind, name or NAMES.get(kind, NUMBERED), tuple(tokens), tuple(merge.words(tokens, features=features)), features)


def _fit(axis: Axis, size: int) -> Axis:
    return axis if len(axis.tokens) == size else _axis(NUMBERED, [str(i) for i in range(size)])


def hides(axis: Axis) -> list[int]:
    """The places of the sentence marks, which a reader may want out of sight."""
    return [i for i, token in enumerate(axis.tokens) if axis.kind != NUMBERED and i >= axis.plain and token in (END, START)]


def default(prediction: Drawable) -> str:
    """The layer drawn when none is named: the last `cross`, else the last there is.  Errors: no attention at all."""
    names = list(prediction.attention)
    if not names:
        raise blind(prediction.source)
    return next((name for name in reversed(names) if name.endswith("cross")), names[-1])


def blind(source: str) -> RegardError:
    """The error of a picture that nothing can be drawn in."""
    shortened = source if len(source) <= 40 else source[:39] + "…"
    empty = "an empty input, for which nothing is predicted"
    received = f"one without any attention for {shortened!r}" if source else empty
    model = "a model with attention (`model.attention`, of a language model `model.past`, other than none)"
    do = f"Give a sentence, {model}, and, from Python, `attention=True`."
    return UsageError(message("a picture of attention", "a prediction that looked somewhere", received, do))


def choose(prediction: Drawable, *, name: str | None = None, head: int | None = None) -> Picture:
    """The layer `name` (default: the last cross attention), its head `head` from 0 (default: the mean over heads).

    Errors: UsageError where there is no attention, no such layer (the names there are, with a did-you-mean) or no such head.
    """
    name = default(prediction) if name is None else name
    if not prediction.attention:
        raise blind(prediction.source)
    if name not in prediction.attention:
        known = ", ".join(prediction.attention)
        do = "Name one of them." + did_you_mean(name, prediction.attention)
        raise UsageError(message("the layer to draw", f"one of {known}", repr(name), do))
    weights = np.asarray(prediction.attention[name], dtype=np.float32)
    count = len(weights)
    if head is not None and not 0 <= head < count:
        heads = "head 0, the only one" if count == 1 else f"a head from 0 to {count - 1}"
        raise UsageError(message(f"the head of {name} to draw", heads, str(head), "Choose one, or none for the mean over heads."))
    down, across = axes(prediction, name)
    if count == 1:
        return Picture(name, "one head", weights[0], down, across)
    if head is None:
        return Picture(name, f"mean of {count} heads", weights.mean(0), down, across)
    return Picture(name, f"head {head} of {count}", weights[head], down, across)
