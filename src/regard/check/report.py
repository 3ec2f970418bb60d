"""What is known of files when all of them were looked at; and what is said of files as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Finding
from regard.data.columns import LAST

TOKENIZERS = {"phones": "space", "symbols": "space"}  # of what is not cut into letters


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


def is_among(file: str, files: Sequence[str]) -> bool:
    """Whether a file of validation data is one of the training data."""
    return any(os.path.exists(one) and os.path.samefile(file, one) for one in files if os.path.exists(file))


def used_twice(file: str) -> Finding:
    """A file of validation data that is one of the training data."""
    do = "The figures will be too good: give other data to validate with, or none, so that some are set aside."
    return Finding("shared", "warning", f"{file} is training data and validation data.", 1, (), do, quiet=True)


def nothing_in(files: Sequence[str]) -> Finding:
    """Files without a row."""
    do = "Give a file with data, or say its form (data.format, data.source ...)."
    return Finding("no-rows", "error", f"Nothing of {' + '.join(files)} can be learnt from.", 0, (), do)


def config_lines(case: Case, found: Iterable[Finding]) -> tuple[str, ...]:
    """The lines of a config that fits, each key once."""
    form, lines = case.form, dict[str, str]()
    for role, at in form.roles.items():
        if form.format in ("tsv", "csv", "jsonl") and (key := case.own.keys.get(role)):
            value = LAST if form.last and role == "target" else form.key(at)
            if value != str(case.own.usual.get(role)) and not (form.format == "jsonl" and value == role):
                lines[key] = value
    for role in ("source", "target") if case.own.translates else ():
        if fit := TOKENIZERS.get(case.manner(role)):
            lines[f"data.{role}_tokenizer"] = fit
    for finding in found:
        for line in finding.config:
            key, _, value = line.partition(": ")
            lines.setdefault(key, value)
    return tuple(f"{key}: {value}" for key, value in lines.items())
