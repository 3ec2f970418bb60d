"""Findings in the order in which people should read them: the most harmful first; and what --fix cannot do, said so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from regard.check.finding import FIX, LEVELS, Finding

HARM = (  # within a level, the most harmful first
    "no-rows encoding torn no-tabs swapped columns line-counts shifted unaligned one-label one-tag refused many-labels "
    "answer too-few-columns out-of-bound header tokens-are-numbers ends odd-space double-blank normal-forms "
    "several-readings unsegmented ipa-mixed look-alike features-column shared contradictions"
)
# Kinds whose harm grows with the share of rows in which they are.
OF_ROWS = "several-readings no-phones language-mark csv-quotes very-long odd-space ends double-blank look-alike"


def soften(found: Iterable[Finding], rows: int) -> Iterator[Finding]:
    """A warning about a row in thousands is but a note."""
    for finding in found:
        faint = finding.level == "warning" and finding.kind in OF_ROWS.split() and rows > 2000 and finding.count < rows / 2000
        yield replace(finding, level="note") if faint else finding


def rank(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most harmful first."""
    kinds = HARM.split()

    def rank(finding: Finding) -> tuple[int, int, int]:
        harm = kinds.index(finding.kind) if finding.kind in kinds else len(kinds)
        return LEVELS.index(finding.level), harm, -finding.count

    return tuple(sorted(found, key=rank))


def by_hand(finding: Finding) -> Finding:
    """A finding of files that --fix cannot write again."""
    if not finding.fixable:
        return finding
    kept, _, _ = finding.do.partition(FIX)
    kept = kept.removesuffix(", or ").removesuffix("; ").removesuffix("or, ").strip()
    return replace(finding, fixable=False, do=kept + "." * (not kept.endswith(".")) if kept else "Correct them.")
