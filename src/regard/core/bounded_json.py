"""JSON that lies in a run folder, which may be anybody's: read within bounds, and held against what was written.

What is read has at most so many bytes, comes from a file (a pipe would wait, a device would never end), is not nested deeper than any
of ours, has no number that is none and no half character.  Whatever is wrong is a ValueError; the reader of a file says which it was.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NoReturn, Union, get_args, get_origin

LARGEST = 256 << 20  # bytes: a vocabulary of a million pieces has some 40 MB
DEEPEST = 32

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # how JSON writes one half of a character, or both


def read_bytes(path: Path, *, most: int = LARGEST) -> bytes:
    """A file's bytes.  OSError where it cannot be read; ValueError where it is no file, or a larger one than `most`."""
    # Without waiting, as for a pipe.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("no regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"more than {most:,} bytes")
    return data


def read_json(path: Path, *, most: int = LARGEST) -> Any:
    """What a file holds.  OSError, or ValueError, as `read_bytes` and `parse` say."""
    return parse(read_bytes(path, most=most))


def parse(text: bytes | str) -> Any:
    """One JSON value.  ValueError for anything else, and for what JSON has but we never write."""
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("brackets nested too deeply") from None
    whole = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    half = bool(_HALF.search(whole))
    for depth, each in _walk(value):
        if depth > DEEPEST:
            raise ValueError(f"brackets nested more than {DEEPEST} deep")
        if isinstance(each, float) and not math.isfinite(each):
            raise ValueError("a number that is not finite")
        if half and isinstance(each, str) and any("\ud800" <= character <= "\udfff" for character in each):
            raise ValueError("half a character")
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word}, which is no number")


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    """Every value and key, with its depth; without recursion."""
    todo = [(0, value)]
    while todo:
        depth, each = todo.pop()
        yield depth, each
        if isinstance(each, dict):
            todo += [(depth + 1, key) for key in each]
            todo += [(depth + 1, below) for below in each.values()]
        elif isinstance(each, list):
            todo += [(depth + 1, below) for below in each]


def require_keys(
    value: Any, kinds: Mapping[str, Any], *, lacking: frozenset[str] = frozenset(), others: bool = False
) -> dict[str, Any]:
    """An object whose keys have the kinds `kinds`: a type, `X | None`, `list[X]` or `dict[str, X]`; a truth value is no number, and
    a whole number is a number too.

    lacking: keys that may be absent; others: keys that are not named here may be there.  ValueError for another kind, and for a key
    that is missing or too much.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{_named(value)} where an object should be")
    if strange := [key for key in value if key not in kinds and not others]:
        raise ValueError(f"a key {strange[0]!r}, which is not known")
    for key, kind in kinds.items():
        if key not in value:
            if key in lacking:
                continue
            raise ValueError(f"no key {key!r}")
        if not is_of(value[key], kind):
            raise ValueError(f"{_named(value[key])} as {key!r}")
    return value


def is_of(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a kind."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(is_of(value, each) for each in args)
    if origin is list:
        return isinstance(value, list) and all(is_of(each, args[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(is_of(each, args[1]) for each in value.values())
    if kind is Any:
        return True
    if kind in (None, NoneType):
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, kind)


def _named(value: Any) -> str:
    """What is shown of a value that may be of any size."""
    names = {dict: "an object", list: "a list", str: "a text", NoneType: "null"}
    return names.get(type(value)) or repr(value)[:40]
