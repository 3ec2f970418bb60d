"""What was reported while a run was trained: the rows of its `metrics.jsonl`, read back and laid along an axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.config import load_config
from regard.core.bounded_json import is_of, parse, read_bytes, require_keys
from regard.core.errors import RunFolderError, did_you_mean, message
from regard.training.checksums import CONFIG, METRICS
from regard.training.json_files import RESTORE

AXES = ("updates", "seconds", "epochs")
NO_FIGURES = frozenset({"kind", "best", "step", "epoch", "seconds"})  # of a row: what it is, and where it stands

Row = dict[str, Any]
Point = tuple[float, float]


@dataclass(frozen=True)
class RunHistory:
    """What a run reported.  name: for people; task: its word; metric: the figure that chooses the model kept, `train.metric`."""

    name: str
    task: str
    metric: str
    rows: Sequence[Row]

    @property
    def figures(self) -> list[str]:
        """What it has figures of, those of validations first."""
        ordered = sorted(self.rows, key=is_training)
        return list(dict.fromkeys(name for row in ordered for name in row if name not in NO_FIGURES))

    @property
    def kept(self) -> Row | None:
        """The validation whose weights are kept; None before the first."""
        return next((row for row in reversed(self.rows) if row.get("best") is True), None)

    def trace(self, figure: str, *, training: bool, axis: str = "updates") -> list[Point]:
        """Where the reports of training, or the validations, stand on an axis, each with its figure; those without it are left out."""
        return self._points(figure, axis, lambda row: is_training(row) == training)

    def mark(self, figure: str, *, axis: str = "updates") -> Point | None:
        """Where the validation stands whose weights are kept; None where it has no such figure."""
        kept = self.kept
        return next(iter(self._points(figure, axis, lambda row: row is kept)), None)

    def _points(self, figure: str, axis: str, chosen: Callable[[Row], bool]) -> list[Point]:
        each = zip(self.rows, place(self.rows, axis), strict=True)
        return [(x, row[figure]) for row, x in each if chosen(row) and x is not None and row.get(figure) is not None]


def is_training(row: Row) -> bool:
    """Whether a row is a report of training, and not a validation."""
    return row.get("kind") == "train"


def place(rows: Sequence[Row], axis: str) -> Sequence[float | None]:
    """Where rows stand on one of the `AXES`; None where a row does not say.

    epochs: a row says in which epoch it was made; within it, it stands as its updates do, from the last row of the epoch before to its own
    last.
    """
    if axis != "epochs":
        return [row.get({"updates": "step"}.get(axis, axis)) for row in rows]
    import numpy as np

    ends = {0: 0} | {row["epoch"]: row["step"] for row in rows}
    epochs, steps = list(map(float, ends)), list(map(float, ends.values()))
    if len(ends) > 2:  # the last epoch may not be over: it is as long as those before it, at least
        epochs[-1] = min(epochs[-1], epochs[-2] + (steps[-1] - steps[-2]) * epochs[-2] / max(1.0, steps[-2]))
    return list(map(float, np.interp([row["step"] for row in rows], steps, epochs)))


def refuse_no_run(run: Path) -> None:
    """RunFolderError where a folder is no run."""
    if (run / CONFIG).is_file():
        return
    received = f"a folder without {CONFIG}" if run.is_dir() else "a file" if run.exists() else "no such folder"
    near = did_you_mean(run.name, [p.name for p in run.parent.iterdir() if p.is_dir()]) if run.parent.is_dir() else ""
    expected, do = "a run folder, as regard train makes it", f"Name the folder of a run.{near}"
    raise RunFolderError(message(str(run), expected, received, do))


def read_history(run: Path, *, name: str = "", trust: Iterable[str] | None = None) -> RunHistory:
    """What a run reported so far; it may be in training.  name: what to call it; "": as its folder.

    RunFolderError where the folder is no run, or its files are damaged; trust: as `load_config`.
    """
    refuse_no_run(run)
    config = load_config(run / CONFIG, trust=trust)
    return RunHistory(name or run.name, config.task, config.train.metric, read_rows(run))


def read_rows(run: Path) -> list[Row]:
    """The rows of a run's metrics.jsonl; none where it has not come to its first.  RunFolderError, with the line, where one is damaged."""
    path, rows = run / METRICS, list[Row]()
    if not path.exists():
        return rows
    try:
        lines = read_bytes(path).splitlines()
    except (OSError, ValueError) as error:
        raise RunFolderError(message(f"{path} cannot be read", "JSON lines", str(error), RESTORE)) from None
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_check(parse(line)))
        except ValueError as error:
            raise RunFolderError(message(f"{path}:{number} is damaged", "JSON lines", str(error), RESTORE)) from None
    return rows


def _check(row: Any) -> Row:
    """A row whose figures are numbers, or null where they were not finite."""
    kinds = {"step": int, "epoch": int, "seconds": float | None}
    checked = require_keys(row, kinds, lacking=frozenset({"seconds"}), others=True)
    if any(not is_of(value, float | None) for name, value in checked.items() if name not in NO_FIGURES):
        raise ValueError("a figure that is no number")
    return checked
