"""A report as one screen for people, and as one JSON object for programs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from regard.check.finding import LEVELS, Finding, FindingPlace, list_words
from regard.check.report import CheckReport
from regard.core.interface_language import translate
from regard.core.plural import many

FULL = 9  # findings that are told with their places
REST = 8  # and in one line each
SIGNS = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "blanks"}


def screen(report: CheckReport, *, cleaned: bool = False) -> str:
    """What was recognised, the findings, most harmful first, and how to train.  cleaned: a cleaned copy is being written."""
    lines = [*recognised(report), ""]
    told = report.findings
    if not told:
        lines += [translate("Nothing is wrong with it that this check knows of."), ""]
    for finding in told[:FULL]:
        lines += full(finding)
    rest = told[FULL:]
    lines += [brief(finding) for finding in rest[:REST]]
    if len(rest) > REST:
        lines.append(translate(f"... and {len(rest) - REST} more: --json tells all."))
    counts = [many(sum(f.level == level for f in told), level) for level in LEVELS if any(f.level == level for f in told)]
    lines += ["", f"{', '.join(map(translate, counts))}."] if counts else []
    lines += map(translate, advice(report, cleaned))
    return "\n".join(lines)


def recognised(report: CheckReport) -> list[str]:
    """What the files are, in a few lines."""
    case, form = report.case, report.case.form
    parted = f"columns parted by {translate(SIGNS.get(form.separator, repr(form.separator)))}"
    how = {
        **{"tsv": parted, "csv": f"CSV, {parted}", "columns": f"a token on each line, {parted}", "conllu": "CoNLL-U"},
        "cmudict": "a pronouncing dictionary, a word and its phones",
        "jsonl": "Parquet, whose columns are keys" if form.parquet else "a JSON object on each line",
        **{"lines": "line-aligned files", "text": "plain text", "json": "JSON", "arrays": "arrays"},
    }[form.format]
    header = f", header ({list_words(form.header)})" if form.header else ", no header" if form.format in ("tsv", "csv") else ""
    comments = f", comments ({form.comment})" if form.comment else ""
    looked = f", of which the first {report.rows:,} rows were looked at" if report.sampled else ""
    lines, looked, how, header, comments = map(translate, (many(report.lines, "line"), looked, how, header, comments))
    looked = looked or f", {translate(many(report.rows, 'row'))}"
    first = f"{' + '.join(report.files)}: {lines}{looked}; {how}{header}{comments}."
    each = ((case.noun(role), _where(report, role), case.profiles[role].told) for role in case.profiles)
    roles = ["{} = {} ({})".format(*map(translate, told)) for told in each]
    task = translate(f"Task {case.task}") + (f": {'; '.join(roles)}." if roles else ".")
    return [first, task, *map(translate, report.facts)]


def _where(report: CheckReport, role: str) -> str:
    form = report.case.form
    if role not in form.roles:
        return role
    at = form.roles[role]
    return report.files[at] if form.format == "lines" and isinstance(at, int) else form.called(at)


def full(finding: Finding) -> list[str]:
    """A finding with its places and what to do."""
    lines = [f"{translate(finding.level):<8} {translate(finding.what)}"]
    lines += [f"         {_place(seen)}" for seen in finding.seen[:2]]
    return [*lines, f"         -> {translate(finding.do)}"] if finding.do else lines


def brief(finding: Finding) -> str:
    """A finding in one line, with its first place."""
    place = f" ({finding.seen[0]})" if finding.seen and finding.seen[0].line else ""
    return f"{translate(finding.level):<8} {translate(finding.what)}{place}"


def _place(seen: FindingPlace) -> str:
    text = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in seen.text.replace("\t", " ⇥ "))
    return f"{seen}: {text}" if text else str(seen)


def advice(report: CheckReport, cleaned: bool) -> Iterator[str]:
    """The commands that come next."""
    if not cleaned and any(finding.fixable for finding in report.findings):
        names = " ".join(map(shlex.quote, report.files))
        yield f"A cleaned copy: regard check {names} --fix OUT"
    if report.config:
        yield f"For a config: {'  '.join(report.config)}"


def told(report: CheckReport) -> dict[str, Any]:
    """Everything, as plain values."""
    case, form = report.case, report.case.form
    roles = {role: {"column": _where(report, role), "holds": case.profiles[role].told} for role in case.profiles}
    found: dict[str, Any] = {"task": case.task, "format": form.format, "separator": form.separator, "comment": form.comment}
    found |= {"header": list(form.header) if form.header else None, "roles": roles, "facts": list(report.facts)}
    bad = [dict(zip(("file", "line", "kind", "why", "text"), line, strict=True)) for line in report.bad]
    files = {"files": list(report.files), "valid": list(report.valid), "recognised": found}
    counted = {"lines": report.lines, "rows": report.rows, "sampled": report.sampled}
    findings = [finding.told() for finding in report.findings]
    return {**files, **counted, "findings": findings, "bad_lines": bad, "config": list(report.config)}
