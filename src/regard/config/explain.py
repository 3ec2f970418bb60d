"""What the schema says of a key, in words: for errors and for the docs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from regard.config.base import AUTO, ENDS, MOST, SMALLEST, Words, fits
from regard.config.mechanisms import WordError
from regard.config.other_names import KEYS, keys_called, nearest, same_values, suggest
from regard.config.schema import AttentionSection, Config
from regard.config.spellings import SPELLINGS, list_second_names, negate, resolve_path
from regard.config.yaml_text import KeyPath
from regard.core.errors import ConfigError, did_you_mean


class Explanation(NamedTuple):
    """The parts of an error that the schema can tell."""

    expected: str
    received: str
    do: str


def join_key(path: KeyPath) -> str:
    """`model.attention.score`, `data.train[1]`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that stands at a key, if one does."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def find(path: KeyPath, whole: type[BaseModel] = Config) -> tuple[KeyPath, type[BaseModel], FieldInfo | None]:
    """A path of the schema, its section and its field (None: no such key).  What pydantic adds to a path (a union's part) is left off.
    whole: the class of the config."""
    section = whole
    for depth, key in enumerate(path, 1):
        field = section.model_fields.get(str(key))
        below = section_of(field) if field else None
        if field is None or below is None or depth == len(path):
            numbers = tuple(p for p in path[depth:] if isinstance(p, int))
            return (*path[:depth], *numbers), section, field
        section = below
    return path, section, None


def describe_values(annotation: Any, metadata: tuple[Any, ...] = (), *, ends: bool = False) -> str:
    """`a whole number, at least 1, or null`.  ends: those that every number has are told too."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = tuple(m for x in args[1:] for m in (x.metadata if isinstance(x, FieldInfo) else [x]))
        return describe_values(args[0], (*inner, *metadata), ends=ends)
    if words := args if origin is Literal else _words_of(metadata):
        return " | ".join(map(str, words))
    if origin in (Union, UnionType):
        if AttentionSection in args:
            return "none, a score, or a mapping"
        return ", or ".join(describe_values(a, metadata, ends=ends) for a in args)
    if origin is dict:
        return "a mapping of names to numbers above 0, at least two"
    if origin is tuple and get_origin(args[0]) is Literal:
        return f"{describe_values(args[0])}, or a list of such words"
    if origin is tuple:
        return "a file name, or a list of them"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a score, or a mapping" if annotation is AttentionSection else "a mapping"
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "null"}[annotation]
    told = [_limit(m) for m in metadata if ends or not _is_end(m)]
    return ", ".join([plain, *(limit for limit in told if limit)])


def _words_among(annotation: Any) -> tuple[Any, ...]:
    """The words that a key, or each of its list, is one of."""
    if get_origin(annotation) is tuple:
        return _words_among(get_args(annotation)[0])
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _words_of(metadata: Sequence[Any]) -> tuple[str, ...]:
    return next((mark.words for mark in metadata if isinstance(mark, Words)), ())


def _is_end(mark: Any) -> bool:
    return isinstance(mark, limits.Ge | limits.Le) and getattr(mark, "ge", getattr(mark, "le", None)) in ENDS


def may_be(field: FieldInfo) -> str:
    """What a key may hold, in words."""
    found = describe_values(field.annotation, tuple(field.metadata))
    return f"{AUTO}, or {found}" if fits(field) else found


def _limit(mark: Any) -> str:
    match mark:
        case limits.Ge(ge=x):
            return f"at least {x}"
        case limits.Gt(gt=x):
            return f"above {x}"
        case limits.Le(le=x):
            return f"at most {x}"
        case limits.Lt(lt=x):
            return f"below {x}"
    return ""


def default_of(field: FieldInfo) -> Any:
    """The default as YAML would have it: `none` for no attention, a list for files, a score for a look."""
    if fits(field):
        return AUTO
    match field.default:
        case tuple() as files:
            return list(files)
        case AttentionSection(score=score):
            return score
        case None if section_of(field) is AttentionSection:
            return "none"
    return field.default


def show_value(value: Any) -> str:
    """A value as YAML would have it, in a few words."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "a mapping" if isinstance(value, dict) else repr(value)[:60]


def explain(
    path: KeyPath, received: Any, cause: Exception | None, written: KeyPath, whole: type[BaseModel] = Config
) -> Explanation:
    """Why a value, or a key, was refused.  path, whole: as `find` has them.  cause: the word's own error, where it is one.  written: the
    path in the spelling that was written."""
    _, section, field = find(path, whole)
    if isinstance(cause, WordError):
        return Explanation(cause.expected, cause.received, cause.do)
    if field is None:
        return _unknown(written, section)
    if isinstance(cause, ValueError) and not isinstance(cause, ConfigError):
        return Explanation("a name that a file can have, in UTF-8", show_value(received), "Rename the file.")
    do = (
        "Write keys below it."
        if section_of(field)
        else f"Change it (the default: {show_value(negate(written, default_of(field)))})."
    )
    if words := _words_among(field.annotation) or _words_of(field.metadata):
        do = f"Choose one of these.{suggest(received, words)}"
    return Explanation(describe_values(field.annotation, tuple(field.metadata), ends=_beyond(received)), show_value(received), do)


def _beyond(value: Any) -> bool:
    """Whether a number is so large, or so near to 0, that the ends of all numbers may be what refused it."""
    return isinstance(value, int | float) and 0 < abs(value) < math.inf and not SMALLEST <= abs(value) <= MOST


def _unknown(path: KeyPath, section: type[BaseModel]) -> Explanation:
    above, key = path[:-1], str(path[-1])
    words = [*section.model_fields, *list_second_names(join_key(resolve_path(above)))]
    expected = f"a key of {join_key(above)}" if above else f"one of {', '.join(section.model_fields)}"
    here = [
        join_key((*above, word)) for word in (name.split(".")[-1] for name in keys_called(key)) if word in section.model_fields
    ]
    found = tuple(dict.fromkeys(here)) or keys_called(key) or (() if nearest(key, words) else find_keys(key))
    if found:
        return Explanation(expected, f"'{key}'", f"Write {suggest_keys(key, found)}; docs/config.md lists the keys.")
    near = did_you_mean(key, words)
    if not near and (others := find_keys(nearest(key, [*KEYS, *_words()]))):
        near = f" Did you mean {' or '.join(map(repr, others))}?"
    return Explanation(expected, f"'{key}'", f"Remove it (docs/config.md lists the keys).{near}")


def find_keys(name: str) -> tuple[str, ...]:
    """The keys, as `train.learning_rate`, that go by this name elsewhere, or else here in whatever section; () where none does."""
    name = name.replace("-", "_").lower()
    return keys_called(name) or _words().get(name) or ((name,) if find(tuple(name.split(".")))[2] is not None else ())


def _words() -> dict[str, tuple[str, ...]]:
    """The keys of all sections, by their last word; those of a look are the decoder's.  A standard name stands where no key has it."""
    inner = {key: below for key, field in Config.model_fields.items() if (below := section_of(field))}
    found: dict[str, tuple[str, ...]] = {}
    for key, section in inner.items():
        for word in section.model_fields:
            found[word] = (*found.get(word, ()), f"{key}.{word}")
    second: dict[str, tuple[str, ...]] = {}
    for name in SPELLINGS:
        above, _, word = name.rpartition(".")
        if above in inner or above == "model.attention":
            second[word] = (*second.get(word, ()), name)
    return {**second, **{word: (f"model.attention.{word}",) for word in AttentionSection.model_fields}, **found}


def suggest_keys(name: str, keys: tuple[str, ...], value: str = "") -> str:
    """How keys are written that `name` may stand for, with the value that it was given; what they hold where that is something else."""
    told = []
    for key in keys:
        field = find(tuple(key.split(".")))[2]
        if not same_values(name, key) and field is not None:
            told.append(f"{key}{'=...' if value else ''} ({may_be(field)}: {field.description})")
        else:
            told.append(f"{key}{value}")
    return " or ".join(told)
