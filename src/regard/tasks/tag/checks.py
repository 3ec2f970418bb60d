"""What is asked of tagged sentences before a net learns them (`regard check`); and how --fix writes them again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.clean import Cells
from regard.check.finding import Check
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead
from regard.check.look import ALIGNED, Look
from regard.check.raw_lines import RawLines
from regard.check.report import CheckReport
from regard.check.rows import OpenedFiles, RowStream, numbered
from regard.check.task_checks import Stream, TaskChecks, Writer
from regard.config import Config
from regard.tasks.tag.check_sentences import Sentences
from regard.tasks.tag.check_spans import Spans
from regard.tasks.tag.check_tags import OUTSIDES, Tags
from regard.tasks.tag.data import read_tagged
from regard.tasks.tag.file_formats import AUTO, TagFileForm, TagLayout, fields, form_of, of_record
from regard.tasks.tag.section import TagSection
from regard.tasks.tag.span_tags import OUTSIDE, to_iob2

COLUMNS = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".bioes", ".conll03")


class TaggedRows(RowStream):
    """Line-aligned files of tokens and of tags."""

    def misaligned(self, row: Sequence[str]) -> str:
        tokens, tags = (len(cell.split()) for cell in row[:2])
        return f"{tokens} tokens, {tags} tags" if tokens != tags else ""


class TagChecks(TaskChecks):
    """Of a task that gives a tag to each token."""

    roles = ("tokens", "tags")
    nouns: Mapping[str, str] = {"tokens": "sentence", "tags": "sentence's tags", "label": "label"}
    labelled = ("label",)
    keys: Mapping[str, str] = {}
    unit = ("sentence", "sentences")
    tabular = False
    annotated = True
    fault = "sentence"
    rows = TaggedRows

    def sure(self, look: Look) -> int:
        if look.kind == ALIGNED:
            same = [len(a.split()) == len(b.split()) for a, b in zip(*look.heads[:2], strict=False)] if look.heads[1:] else []
            alike = len(same) > 0 and sum(same) > 0.9 * len(same) and look.profiles[1].tags > 0.5
            return 8 if len(look.heads) == 3 or alike else 0
        if look.kind == "table":
            return 12 if look.ends[0] in COLUMNS or _in_columns(look.first) else 0
        return 8 if look.kind in ("jsonl", "parquet") and "tokens" in look.keys else 0

    def form(self, look: Look) -> FileForm:
        if look.kind != ALIGNED:
            return super().form(look)
        read_tagged(look.files)
        roles = dict(zip(self.nouns, range(len(look.heads)), strict=False))
        return FileForm(self.task, "lines", roles=roles, profiles=look.profiles)

    def objects(self, look: Look) -> FileForm:
        named = {"tokens": look.given.source, "tags": look.given.target}
        return FileForm(self.task, "jsonl", roles={role: key for role, key in named.items() if isinstance(key, str)})

    def table(self, look: Look) -> FileForm:
        """As a training takes the columns: the same lines are asked in the same way."""
        lines, given = look.first, look.given
        full = [fields(line) for line in lines if line.strip() and not line.startswith("#")]
        tabs = sum("\t" in line for line in lines)
        widths = Counter(map(len, full))
        width = widths.most_common(1)[0][0] if widths else 2
        said = given.format if given.format in ("columns", "conllu") else "auto"
        layout = TagLayout(said, *("auto" if column is None else column for column in (given.source, given.target)))
        found = form_of(lines, look.files[0], layout)
        told = found.kind == "conllu" or found.numbered or any(line.startswith("# ") and "=" in line for line in lines)
        separator = "\t" if tabs > len(full) / 2 else " "
        form = FileForm(self.task, found.kind, separator, comment="#" if told else "", width=width)
        return replace(form, token=found.token, tag=found.tag)

    def stream(self, read: OpenedFiles) -> Stream:
        return Sentences(read) if read.form.format != "lines" else super().stream(read)

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        return [*super().checks(case, bad, files), Tags(case), Spans(case, bad)]

    def items(self, read: FilesToRead) -> Iterable[Any]:
        given = read.given
        said = given.format if given.format in ("columns", "conllu", "jsonl", "lines") else AUTO
        return read_tagged(read.files, TagLayout(said, given.source or AUTO, given.target or AUTO))

    def kinds(self, item: Any, given: StatedForm) -> Iterable[str]:
        return [*(f"tag {tag}" for tag in item.tags), *([] if item.label is None else [f"label {item.label}"])]

    def writer(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> Writer | None:
        if report.case.form.format == "lines":
            return None
        return lambda file, stream: TagFixes(report, changed, taken).write(RawLines(file), stream)

    def row_fix(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> Callable[[list[str]], list[str]]:
        return TagFixes(report, changed, taken).row

    def read_section(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        own = TagSection.of(config)
        return {"scheme": own.scheme} if (fixed or "scheme" in own.model_fields_set) else {}


def _in_columns(lines: Sequence[str]) -> bool:
    """Whether a token stands on each line, with its tag behind it, and empty lines between sentences."""
    full = [line.split("\t") if "\t" in line else line.split() for line in lines if line.strip() and not line.startswith("#")]
    if not full or not any(not line.strip() for line in lines[1:-1]):
        return False
    tagged = sum(len(cells) > 1 and all(len(cell.split()) == 1 for cell in cells if cell) for cells in full)
    ended = Counter(cells[-1] for cells in full)
    return tagged > 0.95 * len(full) and len(ended) < 0.3 * len(full) + 10 and len(full) > 3 and len(full[0]) < 20


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
        for number, line in numbered(opened):
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
        for _, line in numbered(opened):
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
        rows = [fields(line) for line in kept]
        told = [i for i, row in enumerate(rows) if max(1, at, last) < len(row) and not kept[i].startswith("#")]
        tags = self.tags([rows[i][last].strip() for i in told]) if not conllu else []
        for i, tag in zip(told, tags, strict=not conllu):
            rows[i][last] = tag
        for i in told:
            rows[i][at] = self._cells.clean(rows[i][at]) or rows[i][at]
            kept[i] = ("\t" if "\t" in kept[i] else " ").join(rows[i])
        stream.writelines(f"{line}\n" for line in kept)
        return bool(kept)
