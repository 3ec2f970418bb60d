"""The frame of a file: header, comments, empty lines, columns that are not used, exchanged or too many, and separators that are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from regard.check.case import Case
from regard.check.finding import Finding, FindingPlace, list_words, short
from regard.check.raw_lines import RawLines
from regard.check.rows import RowStream
from regard.core.plural import many


def of_structure(case: Case, rows: RowStream, opened: Sequence[RawLines]) -> Iterator[Finding]:
    """What is to be said of the frame, after the last row."""
    yield from (*_separators(case, rows, opened), *_header(case, opened), *_comments(case, rows), *_columns(case))
    if rows.wide.count < 0.5 * max(1, rows.rows):
        what = f"{many(rows.wide.count, 'line has', 'lines have')} more than {case.form.width} columns: a stray separator?"
        yield from rows.wide.report("too-many-columns", "warning", what, "Take the extra separators out.")
    if case.form.format == "lines" and len(set(rows.paired)) > 1:
        each = ", ".join(f"{o.file} {n:,}" for o, n in zip(opened, rows.paired, strict=True))
        do = "Find the line that one of them lacks: each line of one belongs to the same line of the other."
        yield Finding("line-counts", "error", f"The files have different numbers of lines: {each}.", 1, (), do)


def _separators(case: Case, rows: RowStream, opened: Sequence[RawLines]) -> list[Finding]:
    """A file of one column where two are needed."""
    form = case.form
    if form.format != "tsv" or form.width > 1 or "target" not in case.own.roles:
        return []
    with closing(RawLines(opened[0].file).pieces()) as pieces:
        _, lines = next(pieces, (1, []))
    some = [line for line in lines[:200] if line.strip()]
    signs = {"commas": ",", "semicolons": ";", "two or more blanks": "  ", "vertical bars": "|", "blanks": " "}
    for name, sign in signs.items():
        if some and sum(sign in line for line in some) > 0.8 * len(some):
            what = f"Columns are parted by tabs; here are none, but {name} in nearly every line."
            do = "Name the file .csv, or write tabs." if sign in ",;" else "Write a tab between the columns."
            return [Finding("no-tabs", "error", what, len(some), (FindingPlace(opened[0].file, 1, short(some[0])),), do)]
    return []


def _header(case: Case, opened: Sequence[RawLines]) -> list[Finding]:
    form = case.form
    if not form.header:
        return []
    keys = case.own.keys
    named = [f"{keys[role]}: {form.key(at)}" for role, at in form.roles.items() if role in keys and isinstance(at, int)]
    given = (case.given.source, case.given.target, case.given.features, case.given.second)
    learnt = not form.certain and not any(isinstance(column, str) for column in given)
    what = f"Line 1 looks like a header ({list_words(form.header)})"
    what += " and would be learnt as an item." if learnt else "."
    seen = (FindingPlace(opened[0].file, 1, short("\t".join(form.header))),)
    if not learnt:
        return [Finding("header", "note", what, 1, seen, "A training reads it as names.", False, tuple(named))]
    lines = tuple(named) or ("data.header: true",)
    do = f"Set data.header: true, or name the columns: {', '.join(named)}." if case.own.tabular else f"Set {', '.join(named)}."
    return [Finding("header", "warning", what, 1, seen, do, False, lines)]


def _comments(case: Case, rows: RowStream) -> Iterator[Finding]:
    what = f"{many(rows.blank.count, 'empty line stands', 'empty lines stand')} between rows."
    yield from rows.blank.report(
        "empty-line", "note", what, "A training passes them by, as UniMorph's; --fix takes them out.", True
    )
    if not rows.comments.count:
        return
    mark = case.form.comment or rows.comments.seen[0].text[:1]
    what, line = f"{many(rows.comments.count, 'comment line')} ({mark} ...).", f"data.comment: '{mark}'"
    if case.form.passed or not case.own.tabular:
        yield from rows.comments.report("comments", "note", what, "--fix takes them out.", True)
    else:
        do = f"Set {line}, or --fix takes them out."
        yield from rows.comments.report("comments", "error", what, do, True, (line,), skipped=True)


def _columns(case: Case) -> list[Finding]:
    """Columns that look like something else than what they are used for."""
    form, roles, keys = case.form, case.form.roles, case.own.keys
    if form.guessed and case.own.tabular:
        lines = tuple(f"{keys[role]}: {form.key(roles[role])}" for role in form.guessed)
        told = ", ".join(f"{case.noun(role)} in {form.called(roles[role])}" for role in form.guessed)
        what = f"A training does not find by itself which key is what: {told}."
        return [Finding("columns", "error", what, 1, (), f"Set {', '.join(lines)}.", False, lines, trains=True)]
    if form.format not in ("tsv", "csv"):
        return []
    if case.given.fixed or case.given.source is not None or case.given.target is not None:
        return list(_given_columns(case))
    usual = case.own.usual
    moved = any(isinstance(at, int) and at + 1 != usual.get(role) and role in keys for role, at in roles.items())
    if not moved or form.header:
        return []
    lines = tuple(f"{keys[role]}: {form.key(at)}" for role, at in roles.items() if role in keys)
    told = ", ".join(f"{case.noun(role)} in {form.called(at)}" for role, at in roles.items())
    odd = case.own.translates and roles.get("target") != 1
    what = f"The columns do not stand in the usual order: {told}."
    if case.own.translates and not odd:
        what = f"{form.called(roles['features']).capitalize()} holds features (V;PST): they are used only where they are named."
        return [Finding("features-column", "note", what, 1, (), f"Set {lines[-1]}.", False, lines[-1:])]
    return [Finding("columns", "warning" if odd else "note", what, 1, (), f"Set {', '.join(lines)}.", False, lines)]


def _given_columns(case: Case) -> Iterator[Finding]:
    """The columns were said: do they hold what they should?"""
    form, roles, held = case.form, case.form.roles, case.form.profiles
    target, source = roles.get("target", -1), roles.get("source", -1)
    sides = (("source", source), ("target", target)) if case.own.translates else ()
    wrong = [(role, at) for role, at in sides if at in held and held[at].manner == "features"]
    for role, at in wrong:
        what = f"{form.called(at).capitalize()}, the {role}, holds features (V;PST), not text."
        others = [i for i in held if i not in (source, target)]
        do = f"Set data.features: {form.key(at)}" + (f", data.{role}: {form.key(others[0])}." if others else ".")
        yield Finding("swapped", "warning", what, 1, (), do)
    unused = [i for i in held if i not in roles.values() and held[i].manner == "features"]
    if case.own.translates and "features" not in roles and unused and not wrong:
        what = f"{form.called(unused[0]).capitalize()} looks like features (V;PST), and is not used."
        line = f"data.features: {form.key(unused[0])}"
        yield Finding("features-column", "warning", what, 1, (), f"Set {line}.", False, (line,))
    if case.labelled("target") and len(case.own.roles) == 2 and source in held and target in held:
        a, b = held[source], held[target]
        if a.labels and not b.labels and b.distinct > 0.5 * b.cells and b.cells >= 10:
            lines = (f"data.source: {form.key(target)}", f"data.target: {form.key(source)}")
            what = f"The labels stand in {form.called(source)}, not in {form.called(target)}: the columns look swapped."
            yield Finding("swapped", "error", what, 1, (), f"Set {', '.join(lines)}.", False, lines, trains=True)
