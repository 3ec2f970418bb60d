"""From files to a report: what they are, what is wrong with them, and how to train on them.  One pass; memory does not grow with text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.column_profile import profile
from regard.check.finding import Block, Check
from regard.check.form import FileForm, StatedForm, ending, split_csv_line
from regard.check.look import Look
from regard.check.ranking import by_hand, rank, soften
from regard.check.raw_lines import RawLines
from regard.check.report import CheckReport, config_lines, is_among, nothing_in, used_twice
from regard.check.rows import OpenedFiles, RowStream
from regard.check.structure import of_structure
from regard.check.task_checks import TaskChecks, checks_of
from regard.check.training_errors import refusals
from regard.core.errors import DataError, message
from regard.data.column_names import is_header
from regard.data.parts import all_parts, find_parts
from regard.data.text_files import refuse_streams
from regard.tasks.registry import TASKS

HEAD = 4000  # lines by which a form is recognised


def examine(
    files: Sequence[str],
    *,
    valid: Sequence[str] = (),
    task: str | None = None,
    given: StatedForm | None = None,
    most: int | None = None,
) -> CheckReport:
    """Look at files as a task would learn from them, and of a folder or a pattern at its parts (`data.parts`).  task: None: as the files
    look.  most: only so many rows, about.

    DataError where a file is not there or cannot be opened; what is wrong inside is a finding."""
    given = given or StatedForm()
    if not files:
        raise DataError(message("regard check", "a file", "none", "Name one."))
    refuse_streams([*files, *valid], "regard check")
    first = [find_parts(name)[0] for name in files]
    look = Look(first, [head(file) for file in first], given, task is not None)
    own = checks_of(task or max(TASKS, key=lambda each: checks_of(each).sure(look)))
    form = own.form(look)
    parts, beside = all_parts(files), all_parts(valid)
    if form.format == "lines" and len(parts) > len(files):
        do = f"Check them part by part: regard check {' '.join(first)}."
        raise DataError(message("regard check", "line-aligned files one by one", f"{len(parts)} parts", do))
    found = own.report(parts, beside, form, given) or _texts(own, parts, beside, form, given, most, names=files)
    return replace(found, files=tuple(files), valid=tuple(valid))


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


def _texts(
    own: TaskChecks,
    files: Sequence[str],
    valid: Sequence[str],
    form: FileForm,
    given: StatedForm,
    most: int | None,
    *,
    names: Sequence[str],
) -> CheckReport:
    """Files whose rows are texts.  names: what they were named by, of which they are the parts."""
    bad, again = RecordErrors(), [file for file in valid if is_among(file, files)]
    opened = [RawLines(file, bad) for file in files]
    beside = [RawLines(file, bad) for file in valid if file not in again]
    stream = own.stream(OpenedFiles(opened, form, given, bad, most=most))
    case, checks = Case(own, form, given, sampled=most is not None), list[Check]()
    for block in stream:
        if not checks:
            case = replace(case, profiles={role: profile(cells) for role, cells in block.cells.items()})
            checks = own.checks(case, bad, files)
        feed(checks, block)
    held = own.stream(OpenedFiles(beside, _same(form, [o.file for o in beside], given), given, bad, True, most))
    for block in held if beside else ():
        feed(checks, block)
    found = of_structure(case, stream, opened) if isinstance(stream, RowStream) else stream.findings()
    found = [*found, *(finding for check in checks for finding in check.findings()), *map(used_twice, again)]
    found += [finding for o in (*opened, *beside) for finding in o.findings()]
    if any(finding.kind == "swapped" for finding in found):  # from where it comes that there are so many
        found = [finding for finding in found if finding.kind != "many-labels"]
    if not stream.rows and not bad.count and not any(finding.level == "error" for finding in found):
        found.append(nothing_in(files))
    if most is None:
        told = any(finding.level == "error" for finding in found)
        found += refusals(own, names, [o.file for o in beside], form, given, bad, told=told)
    found += bad.findings(fixed=case.rewritten)
    lines, ranked = sum(o.lines for o in opened), rank(soften(found, stream.rows))
    ranked = ranked if case.rewritten else tuple(map(by_hand, ranked))
    spellings = {rare: often for check in checks for rare, often in getattr(check, "spellings", {}).items()}
    named, sampled = (tuple(files), tuple(valid)), most is not None
    return CheckReport(*named, case, stream.rows, lines, ranked, bad, (), config_lines(case, found), sampled, spellings)


def _same(form: FileForm, valid: Sequence[str], given: StatedForm) -> FileForm:
    """The form of validation data: that of training, but a header only where it has one."""
    if not valid or form.format not in ("tsv", "csv"):
        return form
    first = next(iter(head(valid[0])[:1]), "")
    if form.header:
        return form if form.header[0] in first else replace(form, header=None)
    cells = split_csv_line(first, form.separator) if form.quoted else first.split(form.separator)
    return replace(form, header=tuple(cells)) if given.header is None and is_header(cells) else form


def feed(checks: Iterable[Check], block: Block) -> None:
    """Hands a block to all checks."""
    for check in checks:
        check.feed(block)
