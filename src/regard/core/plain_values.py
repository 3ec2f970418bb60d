"""Values as bytes and back, for processes of one training: JSON, with arrays and a few known dataclasses in it; nothing is unpickled."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

ARRAY, TUPLE, CLASS, MAPPING = "array", "tuple", "class", "mapping"


def to_bytes(value: Any, classes: Sequence[type] = ()) -> bytes:
    """A value of None, booleans, numbers, texts, lists, tuples, mappings, arrays of numpy and dataclasses of these `classes`.

    TypeError for anything else, since `from_bytes` could not make it again.
    """
    return json.dumps(_plain(value, classes)).encode()


def from_bytes(data: bytes, classes: Sequence[type] = ()) -> Any:
    """What `to_bytes` was given, with the same classes."""
    return _made(json.loads(data), classes)


def _plain(value: Any, classes: Sequence[type]) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        return {ARRAY: [array.dtype.str, list(np.shape(value)), b64encode(array.tobytes()).decode()]}
    if type(value) is list:
        return [_plain(part, classes) for part in value]
    if type(value) is tuple:
        return {TUPLE: [_plain(part, classes) for part in value]}
    if type(value) is dict:
        return {MAPPING: [[_plain(name, classes), _plain(part, classes)] for name, part in value.items()]}
    if is_dataclass(value) and type(value) in classes:
        parts = [_plain(getattr(value, each.name), classes) for each in fields(value)]
        return {CLASS: [classes.index(type(value)), parts]}
    raise TypeError(f"plain values: expected numbers, texts, arrays and what holds them; received {type(value).__name__}.")


def _made(plain: Any, classes: Sequence[type]) -> Any:
    if isinstance(plain, list):
        return [_made(part, classes) for part in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == ARRAY:
        dtype, shape, data = content
        return np.frombuffer(b64decode(data), np.dtype(dtype)).reshape(shape).copy()
    if kind == TUPLE:
        return tuple(_made(part, classes) for part in content)
    if kind == MAPPING:
        return {_made(name, classes): _made(part, classes) for name, part in content}
    number, parts = content
    names = [each.name for each in fields(classes[number])]
    return classes[number](**{name: _made(part, classes) for name, part in zip(names, parts, strict=True)})
