"""The files of a corpus, and their rows cut into the parts that are answered one by one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import islice
from typing import Any

import numpy as np

from regard.core.say import Say
from regard.data.examples import Place
from regard.tasks.base import Predictor


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """Rows of one file that are answered together.  number: of the part, from 0; first: of its first row in the whole corpus, from 1."""

    number: int
    file: str
    first: int
    rows: list[Any]

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    def digest(self) -> str:
        """What its rows are known by: what stands in them, and not where they stand."""
        known = hashlib.blake2b(digest_size=16)
        for row in self.rows:
            _read(known, row)
        return known.hexdigest()


def cut(model: Predictor, files: Sequence[str], rows: int, say: Say) -> Iterator[CorpusPart]:
    """The parts of a corpus, in order, while it is being read: so many rows each, the last of each file fewer.

    DataError names the line at fault; the parts before it were given.
    """
    number, first = 0, 1
    for file in files:
        items = model.inputs(file, say)
        while some := list(islice(items, rows)):
            yield CorpusPart(number, os.path.basename(file), first, some)
            number, first = number + 1, first + len(some)


def _read(known: Any, value: Any) -> None:
    if isinstance(value, Place):
        return
    if isinstance(value, np.ndarray):
        known.update(f"{value.dtype.str}{value.shape}".encode())
        known.update(np.ascontiguousarray(value).data)
    elif is_dataclass(value):
        for each in fields(value):
            _read(known, getattr(value, each.name))
    elif isinstance(value, list | tuple):
        known.update(f"{len(value)}:".encode())
        for each in value:
            _read(known, each)
    elif isinstance(value, Mapping):
        _read(known, list(value.items()))
    elif hasattr(value, "__dict__") and not callable(value):
        _read(known, [type(value).__qualname__, vars(value)])
    elif callable(value):
        known.update(f"{value.__qualname__};".encode())
    else:
        known.update(f"{value!r};".encode())
