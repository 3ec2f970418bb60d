"""The bodies of requests, read strictly: what is unknown, of another kind or beyond a limit is refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from regard.core.bounded_json import is_of, parse
from regard.core.errors import did_you_mean, message
from regard.serve.limits import ServerLimits
from regard.serve.problems import HTTPProblem, refuse_beyond
from regard.tasks.intervention_words import KINDS as INTERVENTIONS

OPTIONS: Mapping[str, type] = (
    MappingProxyType(  # what may be asked for of answers: the keys of the config's `decode`, but for those of batches
        {
            "beam": int,
            "n_best": int,
            "sample": bool,
            "seed": int,
            "temperature": float,
            "top_k": int,
            "top_p": float,
            "length_penalty": float,
            "min_length": int,
            "max_ratio": float,
            "max_extra": int,
        }
    )
)
Touched = tuple[
    tuple[str, tuple[str, ...]], ...
]  # words of interventions by their kind, as `tasks.intervention_words` reads them
KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "an object"}


@dataclass(frozen=True)
class PredictBody:
    """What POST /v1/predict asks for.  texts: items as `Model.predict` takes them."""

    texts: Sequence[Any]
    model: str | None
    options: Mapping[str, Any]
    attention: bool
    touched: Touched


@dataclass(frozen=True)
class ViewBody:
    """What POST /v1/view asks for: the picture of one text, or of one of the examples that the server was started with."""

    text: Any
    example: int | None
    model: str | None
    options: Mapping[str, Any]
    touched: Touched


@dataclass(frozen=True)
class ScoreBody:
    """What POST /v1/score asks for.  pairs: items as `Model.score` takes them."""

    pairs: Sequence[Any]
    model: str | None


def read_predict(body: bytes, limits: ServerLimits) -> PredictBody:
    """Raises HTTPProblem: 400 for no JSON, 413 for what is beyond a limit of size, 422 for anything else."""
    fields = {"texts": list, "model": str, "options": dict, "attention": bool, "interventions": dict}
    found = _fields(_json(body), fields, required="texts", what="the body")
    texts = found["texts"]
    _bounded(texts, "texts", limits)
    return PredictBody(texts, found.get("model"), _options(found, limits), found.get("attention", False), _touched(found, limits))


def read_view(body: bytes, limits: ServerLimits) -> ViewBody:
    """Raises as `read_predict`."""
    fields = {"text": object, "example": int, "model": str, "options": dict, "interventions": dict}
    found = _fields(_json(body), fields, what="the body")
    if ("text" in found) == ("example" in found):
        received = "both" if "text" in found else "neither"
        raise HTTPProblem(422, message("the body", "a `text` or the number of an `example`", received, "Send one of them."))
    if "text" in found:
        _bounded([found["text"]], "text", limits)
    return ViewBody(found.get("text"), found.get("example"), found.get("model"), _options(found, limits), _touched(found, limits))


def read_score(body: bytes, limits: ServerLimits) -> ScoreBody:
    """Raises as `read_predict`."""
    found = _fields(_json(body), {"pairs": list, "model": str}, required="pairs", what="the body")
    pairs = [tuple(pair) if isinstance(pair, list) else pair for pair in found["pairs"]]
    _bounded(pairs, "pairs", limits)
    return ScoreBody(pairs, found.get("model"))


def count_characters(item: Any) -> int:
    """The characters of an item: those of all texts in it."""
    return sum(map(len, _texts_in(item)))


def _options(found: Mapping[str, Any], limits: ServerLimits) -> dict[str, Any]:
    options = _fields(found.get("options", {}), OPTIONS, what="options")
    for name in ("beam", "n_best"):
        refuse_beyond("beam", limits.beam, options.get(name, 0), what=f"options.{name}", status=422)
    return options


def _touched(found: Mapping[str, Any], limits: ServerLimits) -> Touched:
    """Words of interventions; what they say is read where they are done."""
    each = _fields(found.get("interventions", {}), dict.fromkeys(INTERVENTIONS, list), what="interventions")
    refuse_beyond("touches", limits.touches, sum(map(len, each.values())), what="interventions", status=422)
    for kind, words in each.items():
        for word in words:
            if not isinstance(word, str):
                do = 'Write {"erase": ["decoder.0.cross:source=3"]}.'
                raise HTTPProblem(422, message(f"interventions.{kind}", "a list of texts", _describe(word), do))
    return tuple((kind, tuple(words)) for kind, words in each.items() if words)


def _json(body: bytes) -> Any:
    try:
        return parse(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        received = f"a byte at {error.start:,} that is none of it"
        raise HTTPProblem(400, message("the body", "UTF-8", received, "Send JSON in UTF-8.")) from None
    except ValueError as error:
        raise HTTPProblem(400, message("the body", "one JSON object", str(error), "Correct it.")) from None


def _fields(value: Any, kinds: Mapping[str, type], *, what: str, required: str = "") -> dict[str, Any]:
    """The fields of an object that are there; null is none."""
    if not isinstance(value, dict):
        raise HTTPProblem(422, message(what, "an object", _describe(value), f"Send one with {_listed(kinds)}."))
    for name in value:
        if name not in kinds:
            do = f"Correct or remove it.{did_you_mean(name, kinds)}"
            raise HTTPProblem(422, message(f"{what}, {name[:60]!r}", f"one of {_listed(kinds)}", "no such field", do))
    found = {name: each for name, each in value.items() if each is not None}
    if required and required not in found:
        raise HTTPProblem(422, message(what, f"a field `{required}`", "none", f'Send {{"{required}": [...]}}.'))
    for name, each in found.items():
        kind = kinds[name]
        if kind is not object and not is_of(each, kind):
            expected = KINDS.get(kind, "a list")
            raise HTTPProblem(422, message(f"{what}, {name}", expected, _describe(each), "Correct it, or leave it out."))
        found[name] = float(each) if kind is float else each
    return found


def _bounded(items: Sequence[Any], name: str, limits: ServerLimits) -> None:
    """HTTPProblem for no items, too many, too long ones, and for what holds anything but texts."""
    if not items:
        raise HTTPProblem(422, message(name, "at least one", "none", "Send some."))
    refuse_beyond("texts", limits.texts, len(items), what=name)
    for place, item in enumerate(items):
        what = f"{name}[{place}]"
        if not _is_item(item):
            expected = "a text, a list of texts, or an object of them"
            raise HTTPProblem(422, message(what, expected, _describe(item), "Send what docs/serve.md says of the task."))
        refuse_beyond("characters", limits.characters, count_characters(item), what=f"{what}, its characters")


def _is_item(value: Any, depth: int = 0) -> bool:
    """Whether it is made of texts; lists and objects are no deeper than any task has them."""
    if isinstance(value, str):
        return True
    if value is None:
        return depth > 0
    if depth == 3 or not isinstance(value, list | tuple | dict):
        return False
    return bool(value) and all(_is_item(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)


def _describe(value: Any) -> str:
    """What is told of a value that may be of any size."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    names = {dict: "an object", list: "a list", tuple: "a list", str: "a text", type(None): "null", bool: str(value).lower()}
    return names.get(type(value)) or repr(value)[:40]


def _listed(kinds: Mapping[str, Any]) -> str:
    return ", ".join(kinds)
