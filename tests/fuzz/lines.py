"""What stands in a data file by the plain rule of its format, written down here once more, and what Regard read of it.

The plain rule: UTF-8; a line ends with LF, or CR and LF; a BOM is none of the text; cells of a table lie between tabs, of a series between
commas; tokens of a sentence below each other, a blank line between sentences; of SQuAD's JSON what it says.  What is refused or told may
be read otherwise, nothing else.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from regard.tasks import registry
from regard.tasks.base import Splits
from regard.tasks.forecast.series_file import read_series

from .bases import SECTIONS

NOTHING = [("what cannot be read",)]


def rows(data: bytes) -> list[str] | None:
    """The lines of a text; None where it is none."""
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return None
    found = text.split("\n")
    return None if "\0" in text else [line.removesuffix("\r") for line in (found[:-1] if not found[-1] else found)]


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip(" \t"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def _asked(data: bytes) -> list[tuple[str, dict[str, Any]]] | None:
    """Each passage with each question about it."""
    try:
        whole = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
        paragraphs = [paragraph for article in whole["data"] for paragraph in article["paragraphs"]]
        return [(paragraph["context"], dict(asked)) for paragraph in paragraphs for asked in paragraph["qas"]]
    except (ValueError, KeyError, TypeError):
        return None


def _answered(data: bytes) -> list[Any]:
    try:
        return [
            (context, asked["question"], tuple(sorted({(a["text"], a["answer_start"]) for a in asked["answers"]})))
            for context, asked in _asked(data) or []
        ]
    except (KeyError, TypeError):
        return []


def stands(task: str, data: bytes) -> list[Any]:
    """The items of a training file, in an order of their own."""
    lines = rows(data)
    if task == "read":
        return sorted(_answered(data) or NOTHING, key=repr)
    if lines is None:
        return NOTHING
    if task == "language":
        return ["\n".join(lines)]
    if task == "pretrain":
        return sorted(line.strip() for line in lines if line.strip())
    if task == "forecast":
        cells = [line.split(",") for line in lines]
        with contextlib.suppress(ValueError):
            return [cells[0][1:], *((row[0].strip(), *map(float, row[1:])) for row in cells[1:])]
        return NOTHING
    if task == "tag":
        parted = [[re.split("[ \t]+", line.strip(" \t")) for line in block] for block in _blocks(lines)]
        return sorted(tuple((cells[0], cells[-1]) for cells in block) for block in parted)
    found = [tuple(line.split("\t")[: 3 if task == "pair" else 2]) for line in lines]
    return sorted(set(found) if task == "caption" else found)


def read(task: str, made: Splits, file: Path, *, share: bool) -> list[Any]:
    """The items that a training read of a file, in the same order.  share: some are set aside."""
    items: list[Any] = [*made.train, *(made.valid if share else [])]
    if task == "language":
        return ["".join(item.text for item in items)]
    if task == "pretrain":
        return sorted(line for item in items for line in item.lines)
    if task == "forecast":
        series = read_series(str(file))
        each = zip(series.times, series.values.tolist(), strict=True)
        return [list(series.columns), *((time, *values) for time, values in each)]
    if task == "tag":
        return sorted(tuple(zip(item.tokens, item.tags, strict=True)) for item in items)
    if task == "pair":
        return sorted((item.first, item.second, item.target) for item in items)
    if task == "read":
        answered = ((i.passage, i.question, tuple(sorted({(a.text, a.start) for a in i.answers}))) for i in items)
        return sorted(answered, key=repr)
    if task == "caption":
        return sorted({(item.source, caption) for item in items for caption in item.captions})
    return sorted(
        pair
        for item in items
        for pair in ([(item.source, item.target)] if hasattr(item, "target") else [(item.source, t) for t in item.references])
    )


def counted(task: str, data: bytes) -> int | None:
    """How many items `evaluate` must count; None where that is not told from the file alone."""
    found = stands(task, data)
    if task == "forecast":
        return len(found) - 1 - SECTIONS[task]["past"] - SECTIONS[task]["ahead"] + 1
    if task in ("transduce", "caption"):
        return len({item[0] for item in found})
    return None if task == "pretrain" else len(found)


def units(task: str, file: Path, data: bytes) -> list[str] | None:
    """What of a file to predict from has an answer each; None where it is no text."""
    lines = rows(data)
    if lines is None:
        return None
    if task == "read":
        found = _asked(data)
        return None if found is None else [repr((context, asked.get("question"), asked.get("id"))) for context, asked in found]
    if task == "forecast":
        return ["\n".join([*lines[:1], *lines[-SECTIONS[task]["past"] :]])]
    if file.suffix != ".conll":
        return lines
    told = [line for line in lines if not line.startswith("#") or "\t" in line]  # less comments, which are of no sentence
    return ["\n".join(block) for block in _blocks(told)]


@contextlib.contextmanager
def overheard(task: str) -> Iterator[list[Splits]]:
    """What is read by trainings of a task inside."""
    heard: list[Splits] = []
    kind: Any = type(registry.of(task))
    real, own = kind.read, "read" in vars(kind)

    def reading(self: Any, config: Any, say: Any) -> Splits:
        heard.append(real(self, config, say))
        return heard[-1]

    kind.read = reading
    try:
        yield heard
    finally:
        if own:
            kind.read = real
        else:
            del kind.read
