"""Tagged sentences written again: O for what was written for it, one spelling of each tag, B- where a span begins."""

from __future__ import annotations

from collections import Counter
from typing import IO

from regard.check.clean import Cells
from regard.check.examine import Report
from regard.check.opened import Opened
from regard.check.tags import OUTSIDE, parted
from regard.data.tag_forms import fields as fields_of


class Retagged:
    """Changes the tag of each line by what was found."""

    def __init__(self, report: Report, changed: Counter[str], taken: Counter[str]) -> None:
        self._form, self._changed, self._taken = report.case.form, changed, taken
        self._kinds = frozenset(finding.kind for finding in report.findings if finding.fixable)
        self._spellings = report.spellings
        self._cells = Cells(report.case, self._kinds - {"double-blank", "odd-space"}, "tokens")

    def write(self, opened: Opened, stream: IO[str]) -> int:
        """Writes all lines of a file; the number of sentences."""
        before, sentences, inside = ("O", ""), 0, False
        for _, lines in opened.pieces():
            for line in lines:
                if not line.strip() or line.startswith("-DOCSTART-"):
                    sentences, before, inside = sentences + inside, ("O", ""), False
                    stream.write(line.strip() + "\n")
                    continue
                if self._form.comment and line.startswith(self._form.comment) and self._form.format != "conllu":
                    self._taken["comments"] += 1
                    continue
                inside = True
                made, before = self._line(line, before)
                stream.write(made + "\n")
        self._changed.update(self._cells.changed)
        return sentences + inside

    def _line(self, line: str, before: tuple[str, str]) -> tuple[str, tuple[str, str]]:
        fields, at, last = fields_of(line), self._form.token, self._form.tag
        if max(1, at, last) >= len(fields) or self._form.format == "conllu" or line.startswith("#"):
            return line, before
        tag = self._tag(fields[last].strip(), before)
        if tag != fields[last]:
            self._changed["tags"] += 1
        fields[at], fields[last] = self._cells.clean(fields[at]) or fields[at], tag
        return ("\t" if "\t" in line else " ").join(fields), parted(tag)

    def _tag(self, tag: str, before: tuple[str, str]) -> str:
        if "outside" in self._kinds and tag in OUTSIDE:
            return "O"
        tag = self._spellings.get(tag, tag)
        head, kind = parted(tag)
        if "broken-spans" in self._kinds and head == "I" and not (before[0] in ("B", "I") and before[1] == kind):
            return f"B-{kind}"
        return tag
