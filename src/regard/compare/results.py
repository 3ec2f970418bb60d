"""What the cells of a study came to: figures over seeds, and how sure it is that a cell differs from the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from regard.compare.cells import StudyCell, StudyFolder, in_order
from regard.compare.worker import read_counts
from regard.metrics.significance import PairedResult, compare_paired, correct_holm, pool_seeds
from regard.tasks import registry
from regard.tasks.spec import Metric
from regard.training.json_files import read_json


@dataclass(frozen=True)
class CellResult:
    """A run that was judged.  found: what its process wrote (`worker.carry_out`)."""

    cell: StudyCell
    path: Path
    found: Mapping[str, Any]

    def figure(self, name: str) -> float | None:
        value: float | None = self.found["metrics"].get(name)
        return value

    @property
    def cost(self) -> tuple[float | None, ...]:
        """Parameters, seconds of training, and the most memory in MB."""
        return tuple(self.found.get(key) for key in ("parameters", "seconds", "peak_memory_mb"))


@dataclass(frozen=True)
class PairedTest:
    """A cell against the baseline, in one figure.  holm: both p-values corrected for all comparisons of the figure in the study."""

    result: PairedResult
    holm: tuple[float, float]
    seeds: int


@dataclass(frozen=True)
class CellRow:
    """A cell on one data set: its runs, why others are missing, and the test of each figure, or why there is none."""

    data: str
    name: str
    runs: Sequence[CellResult]
    missing: Mapping[int, str]
    tests: Mapping[str, PairedTest | str] = field(default_factory=dict)

    def spread(self, figure: str) -> tuple[float, float, float] | None:
        """Median, lowest and highest over seeds; None where no run has the figure."""
        values = [value for run in self.runs if (value := run.figure(figure)) is not None]
        return (median(values), min(values), max(values)) if values else None

    def cost(self) -> list[float | None]:
        """The medians of `CellResult.cost`."""
        each = zip(*(run.cost for run in self.runs), strict=True)
        return [median(kept) if (kept := [v for v in values if v is not None]) else None for values in each]


@dataclass(frozen=True)
class Comparison:
    """A study as far as it has come.  figures: those that are told; main: the one to judge by; metrics: what each means."""

    rows: Sequence[CellRow]
    baseline: str
    figures: Sequence[str]
    main: str
    metrics: Mapping[str, Metric]
    seeds: Sequence[int]

    def of(self, data: str) -> list[CellRow]:
        return [row for row in self.rows if row.data == data]

    @property
    def data(self) -> list[str]:
        return list(dict.fromkeys(row.data for row in self.rows))


def read_result(folder: StudyFolder, cell: StudyCell) -> CellResult | None:
    """What a cell came to; None where it is not judged yet."""
    path = folder.result(cell.path)
    return CellResult(cell, path, read_json(path)) if path.is_file() else None


def compare_cells(
    folder: StudyFolder, cells: Sequence[StudyCell], baseline: str, failed: Mapping[str, str], figure: str | None = None
) -> Comparison:
    """Read all results and test every cell against the baseline.  failed: by `StudyCell.path`, why a training ended.  figure: the one to
    judge by."""
    rows = list[CellRow]()
    for data, names in in_order(cells):
        for name in names:
            own = [cell for cell in cells if (cell.data, cell.name) == (data, name)]
            whole = [cell for cell in own if cell.path not in failed]  # what was found before the files changed counts no more
            runs = [found for cell in whole if (found := read_result(folder, cell)) is not None]
            done = {run.cell.seed for run in runs}
            missing = {cell.seed: failed.get(cell.path, "not trained yet") for cell in own if cell.seed not in done}
            rows.append(CellRow(data, name, runs, missing))
    metrics = registry.spec(cells[0].config.task).metrics
    figures = _figures(rows, metrics, figure)
    tested = _correct({(row.data, row.name): _test(row, _baseline(rows, row, baseline), figures) for row in rows})
    rows = [CellRow(r.data, r.name, r.runs, r.missing, tested[r.data, r.name]) for r in rows]
    tests = [row.tests for row in rows]
    main = figure or next(
        (name for name in figures if any(isinstance(t.get(name), PairedTest) for t in tests)), figures[0] if figures else ""
    )
    return Comparison(rows, baseline, figures, main, metrics, sorted({cell.seed for cell in cells}))


def _figures(rows: Sequence[CellRow], metrics: Mapping[str, Metric], first: str | None) -> list[str]:
    """The figures that runs have: the one to judge by, those that chose models, others."""
    runs = [run for row in rows for run in row.runs]
    chose = list(dict.fromkeys([*([first] if first else []), *(run.found["metric"] for run in runs)]))
    known = [name for name in metrics if any(name in run.found["metrics"] for run in runs)]
    return [*(name for name in chose if name in known), *(name for name in known if name not in chose)]


def _baseline(rows: Sequence[CellRow], row: CellRow, name: str) -> CellRow | None:
    return None if row.name == name else next(other for other in rows if (other.data, other.name) == (row.data, name))


def _test(row: CellRow, base: CellRow | None, figures: Sequence[str]) -> dict[str, tuple[PairedResult, int] | str]:
    """Of each figure the test on the seeds that both have, or why there is none."""
    if base is None:
        return {}
    seeds = {run.cell.seed for run in row.runs} & {run.cell.seed for run in base.runs}
    if not seeds:
        return dict.fromkeys(figures, "no seed of which both have a run")
    pooled = list[dict[str, Any]]()
    for each in (row, base):
        counts = [read_counts(run.path, run.found["counted"]) for run in each.runs if run.cell.seed in seeds]
        both = [name for name in counts[0] if all(name in c and c[name].like(counts[0][name]) for c in counts)]
        pooled.append({name: pool_seeds([c[name] for c in counts]) for name in both})
    mine, theirs = pooled
    found: dict[str, tuple[PairedResult, int] | str] = {}
    for name in figures:
        if name not in mine or name not in theirs:
            found[name] = "no figure of single items"
        elif not mine[name].like(theirs[name]):
            found[name] = "not of the same items"
        else:
            found[name] = compare_paired(mine[name], theirs[name]), len(seeds)
    return found


def _correct(
    tested: Mapping[tuple[str, str], Mapping[str, tuple[PairedResult, int] | str]],
) -> dict[tuple[str, str], dict[str, PairedTest | str]]:
    """Holm's correction, for each figure over all cells and data sets."""
    full: dict[tuple[str, str], dict[str, PairedTest | str]] = {
        key: {name: why for name, why in tests.items() if isinstance(why, str)} for key, tests in tested.items()
    }
    for figure in dict.fromkeys(name for tests in tested.values() for name in tests):
        family = [(key, t) for key, tests in tested.items() if not isinstance(t := tests.get(figure, ""), str)]
        first = correct_holm([result.randomization for _, (result, _) in family])
        second = correct_holm([result.bootstrap for _, (result, _) in family])
        for (key, (result, seeds)), a, b in zip(family, first, second, strict=True):
            full[key][figure] = PairedTest(result, (a, b), seeds)
    return full
