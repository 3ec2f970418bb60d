"""The table of a study: as Markdown for people, and as CSV with every figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from regard.compare.results import CellRow, Comparison, PairedTest
from regard.training.number_text import clock

SURE = 0.05
COLUMNS = (
    *("data", "cell", "figure", "median", "lowest", "highest", "runs", "difference", "low", "high", "p_randomization"),
    *("p_randomization_holm", "p_bootstrap", "p_bootstrap_holm", "tested_seeds", "why_not_tested"),
)
COSTS = ("parameters", "seconds", "peak_memory_mb")
NOTES = (
    "Figures: the median over seeds [lowest, highest], on test data; which model of a run is kept was chosen on validation data alone.",
    "difference: the cell less the baseline, of the counts of all seeds together; 95 %: where 95 of 100 such differences would lie if "
    "items were drawn anew (bootstrap). p: paired approximate randomization of items (10,000 trials), and paired bootstrap (1,000), "
    "corrected by Holm for all comparisons of that figure in this study. An item is swapped or drawn with the answers of all seeds, so p "
    "says whether these runs would differ on other items; whether other seeds would is seen in the spread alone.",
    "Several figures of one comparison are not corrected for: choose the one to judge by before looking.",
    "Time and memory are those of training as it ran, beside whatever else the machine did.",
)


def to_markdown(found: Comparison) -> str:
    """Tables for people: figures and cost of each cell, and the tests of the figure that chose the models."""
    lines = ["# Comparison", "", f"Baseline: {found.baseline}. Seeds: {', '.join(map(str, found.seeds))}.", ""]
    for title, head, rows in list_tables(found):
        lines += [f"## {title}", "", _line(head), _line(["---"] * len(head)), *map(_line, rows), ""]
    lines += [f"* {name}{': less is better; ' if m.lower else ': '}{m.meaning}" for name, m in _meanings(found)]
    lines += ["", *(f"{note}\n" for note in NOTES), *list_missing(found)]
    return "\n".join(lines).rstrip() + "\n"


def list_tables(found: Comparison) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows of each table for people."""
    for data in found.data:
        rows, figures = found.of(data), [name for name in found.figures if any(row.spread(name) for row in found.of(data))]
        head = ["cell", "runs", *figures, "parameters", "time", "memory, MB"]
        yield data, head, [[row.name, str(len(row.runs)), *(say_spread(row, n) for n in figures), *_costs(row)] for row in rows]
        head = ["cell", "difference", "95 %", "p, randomization", "after Holm", "p, bootstrap", "after Holm", ""]
        tests = [[row.name, *_test(found, row, found.main)] for row in rows if row.name != found.baseline]
        if tests:
            yield f"{data}: {found.main} against {found.baseline}", head, tests
    if len(found.data) > 1:
        yield "all data sets, mean of medians", ["cell", *found.figures], list(_means(found))


def list_missing(found: Comparison) -> list[str]:
    """A line for each run that is not there."""
    return [f"* missing: {row.data}/{row.name}/{seed}: {why}" for row in found.rows for seed, why in row.missing.items()]


def say_spread(row: CellRow, figure: str) -> str:
    """`0.95 [0.94, 0.96]`."""
    if (spread := row.spread(figure)) is None:
        return "-"
    middle, low, high = spread
    return f"{middle:.4g}" if len(row.runs) == 1 else f"{middle:.4g} [{low:.4g}, {high:.4g}]"


def _costs(row: CellRow) -> list[str]:
    if not row.runs:
        return ["-"] * len(COSTS)
    parameters, seconds, memory = row.cost()
    return [*("-" if value is None else f"{value:,.0f}" for value in (parameters,)), clock(seconds), _whole(memory)]


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _test(found: Comparison, row: CellRow, figure: str) -> list[str]:
    test = row.tests.get(figure, "not tested")
    if isinstance(test, str):
        return ["-"] * 6 + [test]
    result, (randomization, bootstrap) = test.result, test.holm
    better = (result.difference < 0) == found.metrics[figure].lower
    said = f"{'better' if better else 'worse'}" if randomization < SURE else "not told apart"
    values = [result.randomization, randomization, result.bootstrap, bootstrap]
    return [f"{result.difference:+.4g}", f"[{result.low:.4g}, {result.high:.4g}]", *map(_p, values), said]


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "<0.0001"


def _means(found: Comparison) -> Iterator[list[str]]:
    for name in dict.fromkeys(row.name for row in found.rows):
        rows, cells = [row for row in found.rows if row.name == name], [name]
        for figure in found.figures:
            medians = [spread[0] for row in rows if (spread := row.spread(figure))]
            cells.append(f"{sum(medians) / len(medians):.4g}" if len(medians) == len(found.data) else "-")
        yield cells


def _meanings(found: Comparison) -> list[tuple[str, Any]]:
    return [(name, found.metrics[name]) for name in found.figures]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def to_csv(found: Comparison) -> str:
    """A line for each data set, cell and figure, with full digits."""
    lines = [COLUMNS]
    for row in found.rows:
        for figure in found.figures:
            if (spread := row.spread(figure)) is None:
                continue
            lines.append((row.data, row.name, figure, *spread, len(row.runs), *_tested(row.tests.get(figure))))
    return _csv(lines)


def _tested(test: PairedTest | str | None) -> tuple[Any, ...]:
    if not isinstance(test, PairedTest):
        return (*[""] * 8, test or "the baseline")
    r, (randomization, bootstrap) = test.result, test.holm
    return r.difference, r.low, r.high, r.randomization, randomization, r.bootstrap, bootstrap, test.seeds, ""


def to_run_csv(found: Comparison) -> str:
    """A line for each run: its figures on test and on validation data, its cost, or why it is missing."""
    lines: list[Sequence[Any]] = [
        ("data", "cell", "seed", *found.figures, "chosen_by", "validation", "updates", *COSTS, "judging_seconds", "missing")
    ]
    for row in found.rows:
        for run in row.runs:
            told, chose = run.found, run.found["metric"]
            lines.append(
                (
                    *(row.data, row.name, run.cell.seed, *map(run.figure, found.figures)),
                    *(chose, told["validation"].get(chose), told["updates"], *run.cost, told["judging_seconds"], ""),
                )
            )
        empty = [""] * (len(found.figures) + 4 + len(COSTS))
        lines += [(row.data, row.name, seed, *empty, why) for seed, why in row.missing.items()]
    return _csv(lines)


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
