"""A cleaned copy of files: the lines that can be read, without what was found in their cells.  What is there already is never touched."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from regard.check.clean import Cells
from regard.check.form import FileForm, split_csv_line
from regard.check.raw_lines import RawLines
from regard.check.report import CheckReport
from regard.check.rows import numbered, split_rows
from regard.check.task_checks import checks_of
from regard.core.atomic_files import atomic
from regard.core.errors import UsageError, message
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.file_format import is_parquet
from regard.data.records import is_comment
from regard.data.row_parser import RecordError, json_object


@dataclass
class Rewritten:
    """What was done.  written: rows; taken: lines that are gone, by why; changed: cells, by kind."""

    paths: tuple[Path, ...]
    written: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        gone = ", ".join(f"{count:,} {why}" for why, count in self.taken.most_common() if count) or "none"
        done = ", ".join(f"{kind} {count:,}" for kind, count in self.changed.most_common() if count) or "none"
        return f"{' + '.join(map(str, self.paths))}: {many(self.written, 'row')}. Lines taken out: {gone}. Cells changed: {done}."


def rewrite(report: CheckReport, out: Path, files: Sequence[str]) -> Rewritten:
    """Writes a cleaned copy of files of the report's form: one file as `out`, several into a new folder `out` under their own names.

    UsageError where something is there already, or the form is none that can be rewritten."""
    form = report.case.form
    if not report.case.rewritten:
        do = "Correct the file by hand; --bad BAD.tsv lists the lines."
        raise UsageError(message("--fix", "columns, JSON lines, line-aligned files, tagged sentences or series", form.format, do))
    paths = _claimed(out, files)
    done = Rewritten(paths)
    with ExitStack() as stack:
        streams = [_stream(stack, path) for path in paths]
        write = checks_of(form.task).writer(report, done.changed, done.taken)
        if write is None:
            _rows(report, files, streams, done)
        else:
            done.written = sum(write(file, stream) for file, stream in zip(files, streams, strict=True))
    return done


def _claimed(out: Path, files: Sequence[str]) -> tuple[Path, ...]:
    if out.exists() or out.is_symlink():
        raise UsageError(message("--fix", "a path where nothing is yet", f"'{out}', which exists", "Choose another name."))
    if len(files) == 1:
        if not out.parent.is_dir():
            do = "Make it first, or choose another name."
            raise UsageError(message("--fix", "a folder that exists", f"'{out.parent}'", do))
        if is_parquet(files[0]) and out.suffix != ".jsonl":
            do = f"Name it {out.with_suffix('.jsonl').name}."
            expected = "a name that ends in .jsonl: a Parquet file is written as JSON lines"
            raise UsageError(message("--fix", expected, f"'{out}'", do))
        return (out,)
    names = [_name(file) for file in files]
    if len(set(names)) < len(names):
        raise UsageError(message("--fix", "files of different names", ", ".join(files), "Clean them one by one."))
    out.mkdir(parents=True)
    return tuple(out / name for name in names)


def _name(file: str) -> str:
    """Of the copy of a file: unpacked, and of JSON lines where it was Parquet."""
    path = Path(file.removesuffix(".gz"))
    return path.with_suffix(".jsonl").name if is_parquet(file) else path.name


def _stream(stack: ExitStack, path: Path) -> IO[str]:
    raw: IO[bytes] = stack.enter_context(atomic(path))
    packed: Any = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0)) if path.name.endswith(".gz") else raw
    text = io.TextIOWrapper(packed, encoding="utf-8", errors="replace", newline="\n", write_through=True)
    stack.callback(text.detach)
    stack.callback(text.flush)
    return text


def _rows(report: CheckReport, files: Sequence[str], streams: Sequence[IO[str]], done: Rewritten) -> None:
    case, form = report.case, report.case.form
    kinds = frozenset(finding.kind for finding in report.findings if finding.fixable)
    roles = {role: Cells(case, kinds, role) for role in form.roles}
    for role, cells in roles.items():
        cells.renamed = report.spellings if case.labelled(role) else {}
    once, seen = bool(kinds) and case.own.tabular, set[int]()
    gone = {file: frozenset(numbers) for file, numbers in report.bad.removed.items()}
    if form.format == "lines":
        fix = checks_of(form.task).row_fix(report, done.changed, done.taken)
        _aligned(form, files, streams, roles, gone, done, seen if once else None, fix)
    else:
        write = {"jsonl": _keyed, "text": _plain}.get(form.format, _columns)
        for file, stream in zip(files, streams, strict=True):
            for row in write(form, RawLines(file), roles, gone.get(file, frozenset()), done):
                if once and hash(row) in seen:
                    done.taken["duplicates"] += 1
                    continue
                seen.add(hash(row)) if once else None
                done.written += 1
                stream.write(row + "\n")
    for cells in roles.values():
        done.changed.update(cells.changed)


Roles = Mapping[str, Cells]


def _columns(form: FileForm, opened: RawLines, roles: Roles, gone: frozenset[int], done: Rewritten) -> Iterator[str]:
    join: Callable[[list[str]], str] = _quoted(form.separator) if form.quoted else form.separator.join
    places = [(role, at) for role, at in form.roles.items() if isinstance(at, int)]
    first, least, layout = form.header is not None, form.least(), form.layout()
    for number, line, row in split_rows(form, numbered(opened)):
        if row is None and len(again := split_csv_line(line, form.separator)) == form.width:
            row = again  # with a blank behind a quote, or a quote within a cell: it can be told what is meant
        if row is None or number in gone or not line.strip():
            done.taken["bad"] += 1
            continue
        if is_comment(row, least, layout, True):
            done.taken["comments"] += 1
            continue
        if first:
            first = False
            yield join([cell.strip() for cell in row])
            done.written -= 1
            continue
        readings = [""]
        for role, at in places:
            if role == "target":
                readings = roles[role].readings(row[form.place(role, at, row)])
            elif at < len(row):
                row[at] = roles[role].clean(row[at])
        target = form.roles.get("target")
        target = form.place("target", target, row) if isinstance(target, int) else None
        for reading in readings:
            yield join([*row[:target], reading, *row[target + 1 :]] if target is not None else row)


def _quoted(separator: str) -> Callable[[list[str]], str]:
    def join(row: list[str]) -> str:
        held = io.StringIO()
        csv.writer(held, delimiter=separator, lineterminator="").writerow(row)
        return held.getvalue()

    return join


def _plain(form: FileForm, opened: RawLines, roles: Roles, gone: frozenset[int], done: Rewritten) -> Iterator[str]:
    for number, line in numbered(opened):
        if number in gone:
            done.taken["bad"] += 1
            continue
        yield roles["source"].clean(line)


def _keyed(form: FileForm, opened: RawLines, roles: Roles, gone: frozenset[int], done: Rewritten) -> Iterator[str]:
    for number, line in numbered(opened):
        try:
            record = json_object(line, Place(opened.file, number))
        except RecordError:
            record = None
        if record is None or number in gone:
            done.taken["bad"] += 1
            continue
        for role, named in form.roles.items():
            held, key = _holder(record, str(named))
            value = held.get(key)
            if role == "target" and isinstance(value, str | list):
                given = [value] if isinstance(value, str) else value
                made = [reading for text in given for reading in roles[role].readings(str(text))]
                held[key] = made[0] if len(made) == 1 and isinstance(value, str) else made
            elif isinstance(value, str):
                held[key] = roles[role].clean(value)
        yield json.dumps(record, ensure_ascii=False)


def _holder(record: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """The object that has a key, and its name there: `translation.de` is the key `de` of the object under `translation`."""
    outer, dot, inner = key.partition(".")
    if key not in record and dot and isinstance(record.get(outer), dict):
        return _holder(record[outer], inner)
    return record, key


def _aligned(
    form: FileForm,
    files: Sequence[str],
    streams: Sequence[IO[str]],
    roles: Roles,
    gone: Mapping[str, frozenset[int]],
    done: Rewritten,
    seen: set[int] | None,
    fix: Callable[[list[str]], list[str]],
) -> None:
    lost = frozenset().union(*gone.values())
    names = [next(role for role, at in form.roles.items() if at == i) for i in range(len(files))]
    for pairs in zip_longest(*(numbered(RawLines(file)) for file in files)):
        if None in pairs or pairs[0][0] in lost:
            done.taken["bad"] += 1
            continue
        row = fix([roles[name].clean(line) for name, (_, line) in zip(names, pairs, strict=True)])
        key = hash(tuple(row))
        if seen is not None and key in seen:
            done.taken["duplicates"] += 1
            continue
        if seen is not None:
            seen.add(key)
        done.written += 1
        for stream, line in zip(streams, row, strict=True):
            stream.write(line + "\n")
