"""Lines that cannot be read: all of them, in a file that takes no memory."""

from __future__ import annotations

import json
import re
import tempfile
import weakref
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

from regard.check.finding import Finding, FindingPlace, Hits, short
from regard.core.plural import many

WHY = {  # kind of `RecordError`: what is said of one line, of several, and what to do
    "too-few-columns": ("has too few columns", "have too few columns", "Give them all their columns."),
    "empty-line": ("is empty", "are empty", "Remove them."),
    "empty-source": ("has no source", "have no source", "Fill them in, or remove the lines."),
    "empty-target": ("has no target", "have no target", "Fill them in, or remove the lines."),
    "quotes": (
        "has a quote that is not closed as CSV has it",
        "have quotes that are not closed as CSV has them",
        "Correct them.",
    ),
    "no-json": ("is no JSON object", "are no JSON objects", "Correct or remove them."),
    "missing-key": ("lacks a key", "lack a key", "Correct or remove them."),
    "no-string": ("holds no text where one belongs", "hold no text where one belongs", "Write them as strings."),
    "several-labels": ("has several labels", "have several labels", "Keep one label of each."),
    "no-rating": (
        "has an answer that is no number",
        "have answers that are no numbers",
        "Correct or remove them, or set pair.output: classes.",
    ),
    "no-tag": ("has a token without a tag", "have a token without a tag", "Give each token its tag."),
    "tag-count": ("has another number of tags than tokens", "have another number of tags than tokens", "Align tokens and tags."),
    "sentence": ("begins a sentence that cannot be read", "begin sentences that cannot be read", "Correct them."),
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
    "unreadable": ("cannot be learnt from", "cannot be learnt from", "Correct or remove them."),
}
KEPT = ("quotes", "no-tag", "tag-count", "sentence", "answer", "no-answer", "question", "no-number", "cells")
ANSWER = "no-rating"  # where classes are learnt, any answer is one
REMOVED = frozenset(WHY).difference(KEPT)  # by --fix


def place_said(error: str, files: Sequence[str]) -> tuple[str, int]:
    """The file and the line, or the element, that an error begins with; 0: it has none of its own, as in SQuAD's JSON."""
    file = max((file for file in files if error.startswith(file)), key=len, default=files[0])  # `a.json` begins `a.jsonl` too
    line = re.match(r"(?::|, element )(\d+)", error.removeprefix(file))
    return file, int(line[1]) if line else 0


class RecordErrors:
    """Every line at fault, with its kind and what was received there; the places lie on the disk until they are asked for."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self.kinds: Counter[str] = Counter()
        self.first: dict[str, Hits] = {}
        self.numbers: dict[str, array[int]] = {}  # of each file
        self.removed: dict[str, array[int]] = {}  # of those, what --fix takes out

    def add(self, kind: str, file: str, line: int, text: str, why: str = "") -> None:
        """kind: of `WHY`, or of a finding that another check tells."""
        self.kinds[kind] += 1
        self.first.setdefault(kind, Hits()).add(FindingPlace(file, line, short(why or text)))
        self.numbers.setdefault(file, array("q")).append(line)
        if kind in REMOVED:
            self.removed.setdefault(file, array("q")).append(line)
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

    def take(self, other: RecordErrors) -> None:
        """Adds all of another's."""
        for file, line, kind, why, text in other:
            self.add(kind, file, line, text, why)

    def findings(self, *, fixed: bool = True) -> Iterator[Finding]:
        """Of the kinds of `WHY`.  fixed: whether --fix can write the files again."""
        for kind, count in self.kinds.most_common():
            if kind not in WHY:
                continue
            one, more, do = WHY[kind]
            what = f"{many(count, f'line {one}', f'lines {more}')}."
            fix = fixed and (kind in REMOVED or kind == "quotes")
            tail = " --bad BAD.tsv lists them all." if count > 3 else ""
            does = "quotes them anew, or takes them out" if kind == "quotes" else "takes them out"
            do = f"{do}{f' --fix {does}.' if fix else ''}{tail}"
            answer, seen = kind == ANSWER, self.first[kind].first()
            yield Finding(kind, "error", what, count, seen, do, fix, trains=answer, skipped=not answer)
