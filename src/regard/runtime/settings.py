"""The settings of an exported run: what its config said, read without the config's own machinery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from math import isfinite
from types import SimpleNamespace
from typing import Any

from regard.config.length_limits import Room
from regard.core.bounded_json import parse
from regard.core.errors import ConfigError, did_you_mean, message
from regard.tasks import registry
from regard.tasks.spec import TaskSpec

SECTION = "decode"  # the only one of which keys can be set in use
_KINDS: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
}


class Settings:
    """What a model in use asks of a config, under the same names: `settings.data.lowercase`, `settings.decode.beam`.

    values: the config's keys, resolved.  decode: of each key of `decode` what it may be, in the words of JSON Schema.  room:
    the most tokens that its net reads and writes.  ConfigError, or what Python raises, for values of another kind.
    """

    task: str
    data: Any
    model: Any
    train: Any
    decode: Any

    def __init__(self, values: Mapping[str, Any], decode: Mapping[str, Mapping[str, Any]], room: Room) -> None:
        self._kinds, self.room = decode, room
        vars(self).update({name: _named(value) for name, value in values.items()})
        for key in decode:
            self._refuse(key, getattr(self.decode, key))

    @property
    def spec(self) -> TaskSpec:
        """What the task says of itself."""
        return registry.spec(self.task)

    @property
    def own(self) -> Any:
        """The keys of the task alone."""
        return getattr(self, self.spec.name, None)

    def with_values(self, words: Sequence[str], values: Mapping[str, Any]) -> Settings:
        """Others of `decode`: words `decode.KEY=VALUE` and values of dotted keys, which win.  ConfigError for what no config may say."""
        told = {key: value for key, value in map(_parted, words)} | dict(values)
        found = {key.removeprefix(f"{SECTION}."): value for key, value in told.items()}
        for key, value in found.items():
            self._refuse(key, value)
        made = copy(self)
        made.decode = SimpleNamespace(**{**vars(self.decode), **found})
        if made.decode.n_best > made.decode.beam and not made.decode.sample:
            do = "Raise decode.beam."
            raise ConfigError(
                message("decode.n_best", f"at most decode.beam, which is {made.decode.beam}", str(made.decode.n_best), do)
            )
        return made

    def _refuse(self, key: str, value: Any) -> None:
        if key not in self._kinds:
            received = f"no such key{did_you_mean(key, self._kinds)}"
            raise ConfigError(message(f"{SECTION}.{key}", f"a key of {SECTION}", received, "Correct or remove it."))
        if wrong := list(_wrong(value, self._kinds[key])):
            raise ConfigError(message(f"{SECTION}.{key}", wrong[0], repr(value)[:60], "Give such a value."))


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _named(part) for name, part in value.items()})
    return tuple(map(_named, value)) if isinstance(value, list) else value


def _parted(word: str) -> tuple[str, Any]:
    key, _, text = word.partition("=")
    try:
        return key.strip(), parse(text)
    except ValueError:
        return key.strip(), text.strip()


def _wrong(value: Any, kind: Mapping[str, Any]) -> Iterator[str]:
    """What a value should be and is not."""
    name, types = _KINDS[kind["type"]]
    if (
        not isinstance(value, types)
        or (isinstance(value, bool) and types is not bool)
        or (isinstance(value, float) and not isfinite(value))
    ):
        yield name
        return
    for word, limit, fits in (
        ("minimum", "at least", lambda a, b: a >= b),
        ("maximum", "at most", lambda a, b: a <= b),
        ("exclusiveMinimum", "above", lambda a, b: a > b),
        ("exclusiveMaximum", "below", lambda a, b: a < b),
    ):
        if word in kind and not fits(value, kind[word]):
            yield f"{name} {limit} {kind[word]}"
