"""Lines that cannot be read: all of them, in a file that takes no memory."""

from __future__ import annotations

import json
import tempfile
import weakref
from array import array
from collections import Counter
from collections.abc import Iterator

from regard.check.finding import Finding, Hits, Seen, short
from regard.ground.counted import many

WHY = {  # kind: what is said of one line, of several, and what to do
    "too-few-columns": ("has too few columns", "have too few columns", "Give them all their columns."),
    "empty-line": ("is empty", "are empty", "Remove them."),
    "empty-source": ("has no source", "have no source", "Fill them in, or remove the lines."),
    "empty-target": ("has no target", "have no target", "Fill them in, or remove the lines."),
    "no-json": ("is no JSON object", "are no JSON objects", "Correct or remove them."),
    "missing-key": ("lacks a key", "lack a key", "Correct or remove them."),
    "no-string": ("holds no text where one belongs", "hold no text where one belongs", "Write them as strings."),
    "no-tag": ("has a token without a tag", "have a token without a tag", "Give each token its tag."),
    "tag-count": ("has another number of tags than tokens", "have another number of tags than tokens", "Align tokens and tags."),
    "answer": (
        "has an answer that is not where it says",
        "have answers that are not where they say",
        "Correct answer and start.",
    ),
    "no-answer": ("has a question without an answer", "have questions without an answer", "Set data.on_bad_line: skip."),
    "no-number": ("has a cell that is no number", "have cells that are no numbers", "Fill in or remove the rows."),
    "cells": ("has another number of cells", "have another number of cells", "Give each row the cells of the first."),
    "no-image": (
        "names an image that is not there or does not open",
        "name images that are not there or do not open",
        "Correct the names.",
    ),
    "question": ("has no question that can be read", "have no question that can be read", "Correct or remove them."),
    "line-counts": ("has no counterpart", "have no counterpart", "Find the line that one of the files lacks."),
}
REMOVED = frozenset(WHY) - {
    "line-counts",
    "answer",
    "no-answer",
    "question",
    "no-number",
    "cells",
    "no-tag",
    "tag-count",
}  # by --fix


class BadLines:
    """Every line at fault, with its kind and what was received there; the places lie on the disk until they are asked for."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self.kinds: Counter[str] = Counter()
        self.first: dict[str, Hits] = {}
        self.numbers: dict[str, array[int]] = {}  # of each file

    def add(self, kind: str, file: str, line: int, text: str, why: str = "") -> None:
        self.kinds[kind] += 1
        self.first.setdefault(kind, Hits()).add(Seen(file, line, short(why or text)))
        self.numbers.setdefault(file, array("q")).append(line)
        self._file.write(json.dumps([file, line, kind, why, text[:2000]], ensure_ascii=False) + "\n")

    @property
    def count(self) -> int:
        return self.kinds.total()

    def __iter__(self) -> Iterator[tuple[str, int, str, str, str]]:
        """File, line, kind, what is wrong in particular, and the text."""
        self._file.seek(0)
        for line in self._file:
            yield tuple(json.loads(line))
        self._file.seek(0, 2)

    def findings(self) -> list[Finding]:
        found = []
        for kind, count in self.kinds.most_common():
            one, more, do = WHY[kind]
            what = f"{many(count, f'line {one}', f'lines {more}')}."
            fix = kind in REMOVED
            tail = " --bad BAD.tsv lists them all." if count > 3 else ""
            do = f"{do}{' --fix takes them out.' if fix else ''}{tail}"
            found.append(Finding(kind, "error", what, count, self.first[kind].first(), do, fix))
        return found
