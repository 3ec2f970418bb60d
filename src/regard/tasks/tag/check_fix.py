"""Tagged sentences written again: O for what was written for it, one spelling of each tag, B- where a span begins."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import IO, Any

from regard.check.clean import Cells
from regard.check.raw_lines import RawLines
from regard.check.report import CheckReport
from regard.tasks.tag.check_tags import OUTSIDES
from regard.tasks.tag.file_formats import AUTO, TagFileForm, TagLayout, of_record
from regard.tasks.tag.file_formats import fields as fields_of
from regard.tasks.tag.span_tags import OUTSIDE, to_iob2


class TagFixes:
    """Changes the tags of each sentence by what was found."""

    def __init__(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> None:
        self._form, self._changed, self._taken = report.case.form, changed, taken
        self._kinds = frozenset(finding.kind for finding in report.findings if finding.fixable)
        self._spellings = report.spellings
        self._cells = Cells(report.case, self._kinds - {"double-blank", "odd-space"}, "tokens")
        self._gone = {file: frozenset(numbers) for file, numbers in report.bad.removed.items()}

    def write(self, opened: RawLines, stream: IO[str]) -> int:
        """Writes all lines of a file; the number of sentences."""
        count = self._records(opened, stream) if self._form.format == "jsonl" else self._columns(opened, stream)
        self._changed.update(self._cells.changed)
        return count

    def tags(self, tags: Sequence[str]) -> list[str]:
        """The tags of a sentence as they should be."""
        made = [OUTSIDE if "outside" in self._kinds and tag in OUTSIDES else self._spellings.get(tag, tag) for tag in tags]
        made = list(to_iob2(made)) if "broken-spans" in self._kinds else made
        self._changed["tags"] += sum(a != b for a, b in zip(tags, made, strict=True))
        return made

    def row(self, row: list[str]) -> list[str]:
        """A row of line-aligned files, tokens, tags and maybe a label, with the tags as they should be."""
        made = self.tags(given := row[1].split())
        return row if made == given else [row[0], " ".join(made), *row[2:]]

    def _records(self, opened: RawLines, stream: IO[str]) -> int:
        form, count, gone = None, 0, self._gone.get(opened.file, frozenset[int]())
        layout = TagLayout("auto", *(self._form.roles.get(role, AUTO) for role in ("tokens", "tags")))
        for number, line in ((n + i, line) for n, lines in opened.pieces() for i, line in enumerate(lines)):
            if number in gone or not line.strip():
                self._taken["bad"] += bool(line.strip())
                continue
            record: dict[str, Any] = json.loads(line)
            form = form or of_record(record, layout)
            stream.write(json.dumps(self._record(record, form), ensure_ascii=False) + "\n")
            count += 1
        return count

    def _record(self, record: dict[str, Any], form: TagFileForm) -> dict[str, Any]:
        tokens, tags = record.get(form.token), record.get(form.tag)
        if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
            record[form.token] = [self._cells.clean(token) or token for token in tokens]
        if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
            record[form.tag] = self.tags(tags)
        return record

    def _columns(self, opened: RawLines, stream: IO[str]) -> int:
        """A sentence at a time; the number of those that have a token."""
        block, sentences = list[str](), 0
        for _, lines in opened.pieces():
            for line in lines:
                if line.strip() and not line.startswith("-DOCSTART-"):
                    block.append(line)
                    continue
                sentences += self._sentence(block, stream)
                stream.write(line.strip() + "\n")
                block = []
        return sentences + self._sentence(block, stream)

    def _sentence(self, lines: Sequence[str], stream: IO[str]) -> bool:
        conllu, at, last = self._form.format == "conllu", self._form.token, self._form.tag
        kept = [line for line in lines if conllu or not (self._form.comment and line.startswith(self._form.comment))]
        self._taken["comments"] += len(lines) - len(kept)
        rows = [fields_of(line) for line in kept]
        told = [i for i, row in enumerate(rows) if max(1, at, last) < len(row) and not kept[i].startswith("#")]
        tags = self.tags([rows[i][last].strip() for i in told]) if not conllu else []
        for i, tag in zip(told, tags, strict=not conllu):
            rows[i][last] = tag
        for i in told:
            rows[i][at] = self._cells.clean(rows[i][at]) or rows[i][at]
            kept[i] = ("\t" if "\t" in kept[i] else " ").join(rows[i])
        stream.writelines(f"{line}\n" for line in kept)
        return bool(kept)
