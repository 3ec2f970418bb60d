"""From files to a report: what they are, what is wrong with them, and how to train on them.  One pass; memory does not grow with text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Protocol

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.column_profile import profile
from regard.check.duplicates import Duplicates
from regard.check.exchanged_sides import ExchangedSides
from regard.check.finding import Block, Check, Finding
from regard.check.form import FileForm, StatedForm, ending, separated
from regard.check.labels import Labels
from regard.check.lengths import Lengths
from regard.check.patterns import Signs
from regard.check.ranking import by_hand, ordered, softened
from regard.check.raw_lines import RawLines
from regard.check.recognize import recognized
from regard.check.rows import RowStream
from regard.check.spelling import Digits, Lookalikes, Normal, OtherScript, StandIns
from regard.check.structure import of_structure
from regard.check.symbols import Phones, Readings, SymbolCounts
from regard.check.training_errors import refusals
from regard.core.errors import DataError, message
from regard.data.column_names import is_header
from regard.data.columns import LAST
from regard.data.text_files import refuse_streams
from regard.tasks.caption.check_images import Listed, Pictures, folder
from regard.tasks.forecast.check_numbers import of_series, of_several
from regard.tasks.forecast.check_rows import SeriesRows
from regard.tasks.read.check_questions import Questions
from regard.tasks.tag.check_sentences import Sentences
from regard.tasks.tag.check_spans import Spans
from regard.tasks.tag.check_tags import Tags

HEAD = 4000  # lines by which a form is recognised
CHECKS: tuple[Callable[[Case], Check], ...] = (
    Signs,
    Normal,
    Lookalikes,
    OtherScript,
    StandIns,
    Digits,
    Phones,
    Readings,
    SymbolCounts,
    Duplicates,
    Lengths,
    ExchangedSides,
    Labels,
    Tags,
)


class Stream(Protocol):
    """Reads files; after the last block it knows how many rows there were, and what is wrong with their frame."""

    rows: int

    def __iter__(self) -> Iterator[Block]: ...

    def findings(self) -> list[Finding]:
        """Of the frame."""


@dataclass(frozen=True)
class CheckReport:
    """files, valid: what was looked at.  form: what they are.  rows: that can be learnt from.  findings: most harmful first.
    bad: every line at fault.  config: lines for a config.  sampled: whether only the first rows were looked at.  spellings: of labels
    and tags that are written in several ways, the most frequent of each."""

    files: tuple[str, ...]
    valid: tuple[str, ...]
    case: Case
    rows: int
    lines: int
    findings: tuple[Finding, ...]
    bad: RecordErrors
    facts: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    sampled: bool = False
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def worst(self) -> str | None:
        """The level of the most harmful finding."""
        return self.findings[0].level if self.findings else None


def examine(
    files: Sequence[str],
    *,
    valid: Sequence[str] = (),
    task: str | None = None,
    given: StatedForm | None = None,
    most: int | None = None,
) -> CheckReport:
    """Look at files as a task would learn from them.  task: None: as the files look.  most: only so many rows, about.

    DataError where a file is not there or cannot be opened; what is wrong inside is a finding."""
    given = given or StatedForm()
    if not files:
        raise DataError(message("regard check", "a file", "none", "Name one."))
    refuse_streams([*files, *valid], "regard check")
    heads = [head(file) for file in files]
    form = recognized(files, heads, task, given)
    if form.task == "forecast":
        return _series(files, valid, form, given)
    return _texts(files, valid, form, given, most)


def head(file: str) -> list[str]:
    """The first lines of a file; of a packed array none."""
    if ending(file) == ".npz":
        return []
    found: list[str] = []
    with closing(RawLines(file).pieces()) as pieces:
        for _, lines in pieces:
            found += lines[:HEAD]
            if len(found) >= HEAD:
                break
    return found[:HEAD]


def _texts(files: Sequence[str], valid: Sequence[str], form: FileForm, given: StatedForm, most: int | None) -> CheckReport:
    """Files whose rows are texts."""
    bad, again = RecordErrors(), [file for file in valid if _again(file, files)]
    opened = [RawLines(file, bad) for file in files]
    beside = [RawLines(file, bad) for file in valid if file not in again]
    stream = _stream(opened, form, given, bad, False, most)
    case, checks = Case(form.task, form, given, sampled=most is not None), list[Check]()
    for block in stream:
        if not checks:
            case = replace(case, profiles={role: profile(cells) for role, cells in block.cells.items()})
            checks = [made(case) for made in CHECKS]
            checks += [Pictures(case, bad, folder(case, files))] if case.task == "caption" else []
            checks += [Spans(case, bad)] if case.task == "tag" else []
        feed(checks, block)
    held = _stream(beside, _same(form, [o.file for o in beside], given), given, bad, True, most)
    for block in held if beside else ():
        feed(checks, block)
    found = of_structure(case, stream, opened) if isinstance(stream, RowStream) else stream.findings()
    found = [*found, *(finding for check in checks for finding in check.findings()), *map(_twice, again)]
    found += [finding for o in (*opened, *beside) for finding in o.findings()]
    if any(finding.kind == "swapped" for finding in found):  # whence it comes that there are so many
        found = [finding for finding in found if finding.kind != "many-labels"]
    if not stream.rows and not bad.count and not any(finding.level == "error" for finding in found):
        found.append(_nothing(files))
    if most is None:
        told = any(finding.level == "error" for finding in found)
        found += refusals(files, [o.file for o in beside], form, given, bad, told=told)
    found += bad.findings(fixed=form.rewritten)
    lines, ranked = sum(o.lines for o in opened), ordered(softened(found, stream.rows))
    ranked = ranked if form.rewritten else tuple(map(by_hand, ranked))
    spellings = {rare: often for check in checks if isinstance(check, Labels | Tags) for rare, often in check.spellings.items()}
    named, sampled = (tuple(files), tuple(valid)), most is not None
    return CheckReport(*named, case, stream.rows, lines, ranked, bad, (), config(case, found), sampled, spellings)


def _again(file: str, files: Sequence[str]) -> bool:
    """Whether a file of validation data is one of the training data."""
    return any(os.path.exists(one) and os.path.samefile(file, one) for one in files if os.path.exists(file))


def _twice(file: str) -> Finding:
    do = "The figures will be too good: give other data to validate with, or none, so that some are set aside."
    return Finding("shared", "warning", f"{file} is training data and validation data.", 1, (), do)


def _nothing(files: Sequence[str]) -> Finding:
    do = "Give a file with data, or say its form (data.format, data.source ...)."
    return Finding("no-rows", "error", f"Nothing of {' + '.join(files)} can be learnt from.", 0, (), do)


def _stream(
    opened: Sequence[RawLines], form: FileForm, given: StatedForm, bad: RecordErrors, valid: bool, most: int | None
) -> Stream:
    """What reads files of a form, block by block."""
    if form.task == "read":
        return Questions(opened, bad, given, cloze=form.cloze or given.cloze, valid=valid, most=most)
    if form.task == "tag" and form.format != "lines":
        return Sentences(opened, form, bad, valid=valid, most=most)
    if form.format in ("json", "arrays") or (form.task == "caption" and form.format == "jsonl"):
        return Listed(opened, bad, given, valid=valid)
    return RowStream(opened, form, bad, valid=valid, most=most)


def _series(files: Sequence[str], valid: Sequence[str], form: FileForm, given: StatedForm) -> CheckReport:
    """Files whose rows are numbers."""
    bad, found, facts, each, opened = RecordErrors(), list[Finding](), list[str](), list[SeriesRows](), list[RawLines]()
    again = [file for file in valid if _again(file, files)]
    for file in (*files, *(file for file in valid if file not in again)):
        opened.append(RawLines(file, bad))
        each.append(SeriesRows(opened[-1], bad, given))
        each[-1].read()
        found += of_series(each[-1], given, held=file not in files, alone=not valid)
        found += opened[-1].findings()
        facts.append(f"{file}: {each[-1].facts()}")
    refused = [finding for finding in found if finding.kind == "refused"]  # whatever else is wrong, it comes of that
    found = refused or [*found, *of_several(each), *map(_twice, again), *bad.findings()]
    rows = sum(series.rows for series in each[: len(files)])
    if not rows and not bad.count and not refused:
        found.append(_nothing(files))
    lines, found = sum(o.lines for o in opened[: len(files)]), list(dict.fromkeys(found))
    case = Case("forecast", form, given)
    return CheckReport(tuple(files), tuple(valid), case, rows, lines, ordered(found), bad, tuple(facts), config(case, found))


def _same(form: FileForm, valid: Sequence[str], given: StatedForm) -> FileForm:
    """The form of validation data: that of training, but a header only where it has one."""
    if not valid or form.format not in ("tsv", "csv"):
        return form
    first = next(iter(head(valid[0])[:1]), "")
    if form.header:
        return form if form.header[0] in first else replace(form, header=None)
    cells = separated(first, form.separator) if form.quoted else first.split(form.separator)
    return replace(form, header=tuple(cells)) if given.header is None and is_header(cells) else form


def feed(checks: Iterable[Check], block: Block) -> None:
    """Hands a block to all checks."""
    for check in checks:
        check.feed(block)


def config(case: Case, found: Iterable[Finding]) -> tuple[str, ...]:
    """The lines of a config that fits, each key once."""
    form, lines = case.form, dict[str, str]()
    keys = {
        "source": ("data.source", 1),
        "target": ("data.target", 3 if case.task == "pair" else 2),
        "features": ("data.features", None),
    }
    keys["second"] = ("pair.second", 2)
    for role, at in form.roles.items():
        if form.format in ("tsv", "csv", "jsonl") and role in keys and case.task not in ("tag", "read"):
            key, usual = keys[role]
            value = LAST if form.last and role == "target" else form.key(at)
            if value != str(usual) and not (form.format == "jsonl" and value == role):
                lines[key] = value
    tokenizers = {"phones": "space", "symbols": "space", "words": "char", "transcription": "char"}
    if case.task == "transduce":
        for role in ("source", "target"):
            fit = tokenizers.get(case.manner(role), "char" if case.manner(role) == "unspaced text" else "")
            if fit and fit != "char":
                lines[f"data.{role}_tokenizer"] = fit
    for finding in found:
        for line in finding.config:
            key, _, value = line.partition(": ")
            lines.setdefault(key, value)
    return tuple(f"{key}: {value}" for key, value in lines.items())
