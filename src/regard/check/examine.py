"""From files to a report: what they are, what is wrong with them, and how to train on them.  One pass; memory does not grow with text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from regard.check.bad import BadLines
from regard.check.case import Case
from regard.check.finding import LEVELS, Block, Check, Finding
from regard.check.form import Form, Given, ending
from regard.check.labels import Labels
from regard.check.lengths import Lengths
from regard.check.mixed import Mixed
from regard.check.opened import Opened
from regard.check.patterns import Signs
from regard.check.profile import profile
from regard.check.recognized import recognized
from regard.check.rows import Rows
from regard.check.spelling import Digits, Lookalikes, Normal, OtherScript, StandIns
from regard.check.structure import of_structure
from regard.check.symbols import Phones, Readings, Symbols
from regard.check.twins import Twins
from regard.ground.errors import DataError, message

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
    Symbols,
    Twins,
    Lengths,
    Mixed,
    Labels,
)
HARM = (  # within a level, the most harmful first
    *(
        "no-rows",
        "encoding",
        "torn",
        "no-tabs",
        "swapped",
        "columns",
        "line-counts",
        "shifted",
        "unaligned",
        "one-label",
        "one-tag",
    ),
    *(
        "many-labels",
        "answer",
        "too-few-columns",
        "out-of-bound",
        "header",
        "tokens-are-numbers",
        "ends",
        "odd-space",
        "double-blank",
    ),
    *(
        "normal-forms",
        "several-readings",
        "unsegmented",
        "ipa-mixed",
        "look-alike",
        "features-column",
        "shared",
        "contradictions",
    ),
)
OF_ROWS = frozenset(  # kinds whose harm grows with the share of rows in which they are
    (
        "several-readings",
        "no-phones",
        "language-mark",
        "csv-quotes",
        "very-long",
        "odd-space",
        "ends",
        "double-blank",
        "look-alike",
    )
)


@dataclass(frozen=True)
class Report:
    """files, valid: what was looked at.  form: what they are.  rows: that can be learnt from.  findings: most harmful first.
    bad: every line at fault.  config: lines for a config.  sampled: whether only the first rows were looked at."""

    files: tuple[str, ...]
    valid: tuple[str, ...]
    case: Case
    rows: int
    lines: int
    findings: tuple[Finding, ...]
    bad: BadLines
    facts: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    sampled: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def worst(self) -> str | None:
        """The level of the most harmful finding."""
        return self.findings[0].level if self.findings else None


def examine(
    files: Sequence[str],
    *,
    valid: Sequence[str] = (),
    task: str | None = None,
    given: Given | None = None,
    most: int | None = None,
) -> Report:
    """Look at files as a task would learn from them.  task: None: as the files look.  most: only so many rows, about.

    DataError where a file is not there or cannot be opened; what is wrong inside is a finding."""
    given = given or Given()
    if not files:
        raise DataError(message("regard check", "a file", "none", "Name one."))
    heads = [head(file) for file in files]
    form = recognized(files, heads, task, given)
    return _table(files, valid, form, given, most)


def head(file: str) -> list[str]:
    """The first lines of a file; of a packed array none."""
    if ending(file) == ".npz":
        return []
    found: list[str] = []
    with closing(Opened(file).pieces()) as pieces:
        for _, lines in pieces:
            found += lines[:HEAD]
            if len(found) >= HEAD:
                break
    return found[:HEAD]


def _table(files: Sequence[str], valid: Sequence[str], form: Form, given: Given, most: int | None) -> Report:
    """Files whose rows are texts."""
    bad, opened = BadLines(), [Opened(file) for file in files]
    rows = Rows(opened, form, bad, most=most)
    case, checks = Case(form.task, form, given, sampled=most is not None), list[Check]()
    for block in rows:
        if not checks:
            case = replace(case, profiles={role: profile(cells) for role, cells in block.cells.items()})
            checks = [made(case) for made in CHECKS]
        feed(checks, block)
    beside = [Opened(file) for file in valid]
    held = Rows(beside, _same(form, valid), bad, valid=True, most=most)
    for block in held if valid else ():
        feed(checks, block)
    found = [*of_structure(case, rows, opened), *(f for o in (*opened, *beside) for f in o.findings()), *bad.findings()]
    found += [finding for check in checks for finding in check.findings()]
    lines = sum(o.lines for o in opened)
    return Report(
        tuple(files),
        tuple(valid),
        case,
        rows.rows,
        lines,
        ordered(softened(found, rows.rows)),
        bad,
        config=config(case, found),
        sampled=most is not None,
    )


def _same(form: Form, valid: Sequence[str]) -> Form:
    """The form of validation data: that of training, but a header only where it has one."""
    if not valid or not form.header or form.format not in ("tsv", "csv"):
        return form
    first = next(iter(head(valid[0])[:1]), "")
    return form if form.header[0] in first else replace(form, header=None)


def feed(checks: Iterable[Check], block: Block) -> None:
    """Hands a block to all checks."""
    for check in checks:
        check.feed(block)


def softened(found: Iterable[Finding], rows: int) -> Iterator[Finding]:
    """A warning about a row in thousands is but a note."""
    for finding in found:
        faint = finding.level == "warning" and finding.kind in OF_ROWS and rows > 2000 and finding.count < rows / 2000
        yield replace(finding, level="note") if faint else finding


def ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most harmful first."""

    def rank(finding: Finding) -> tuple[int, int, int]:
        harm = HARM.index(finding.kind) if finding.kind in HARM else len(HARM)
        return LEVELS.index(finding.level), harm, -finding.count

    return tuple(sorted(found, key=rank))


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
            value = form.key(at)
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
