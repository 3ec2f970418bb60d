"""A study from end to end: check every cell, search, train what is not trained, judge, and write the tables."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regard.compare.cells import StudyCell, StudyFolder, check_cells, make_cells, remember_cells
from regard.compare.curves import draw_curves
from regard.compare.page import to_html
from regard.compare.results import Comparison, compare_cells, read_result
from regard.compare.schedule import Job, Processes, processes
from regard.compare.study import Study
from regard.compare.table import to_csv, to_markdown, to_run_csv
from regard.compare.tune import list_ends, tune_cells
from regard.compare.worker import WorkOrder
from regard.core.atomic_files import write_text
from regard.core.errors import ConfigError, RegardError, RunFolderError, UsageError, did_you_mean, message
from regard.core.plural import many
from regard.core.say import Say
from regard.tasks import registry
from regard.training.json_files import read_json, write_json
from regard.training.run_lock import LOCK, lock_folder

TUNED = "tuned.json"  # in the study's folder: what was found for each cell, and by how many trials
TABLE, NUMBERS, RUNS, PAGE = "compare.md", "compare.csv", "runs.csv", "compare.html"


@dataclass(frozen=True)
class Ways:
    """How a study is carried out.  command: starts a process of it (`schedule.Processes`); jobs: how many at a time; trials: of the search
    for each cell, 0 without one."""

    command: Sequence[str]
    jobs: int = 1
    trials: int = 0
    resume: bool = False


def run_study(study: Study, out: Path, ways: Ways, say: Say) -> Comparison:
    """Train and judge all cells into `out`, and write the tables there.  A cell that fails is told of there; the others go on.

    Raises ConfigError and DataError where a cell cannot be built or read, before any trains; RunFolderError where something else lies in
    `out`; RegardError where Optuna is asked for and missing.
    """
    if bool(study.space) != bool(ways.trials):
        received = "a study that has it, without" if study.space else "a study without"
        do = "Say both `tune:` in the study and --tune N, or neither."
        raise UsageError(message("--tune", "a space to search (`tune:` in the study)", received, do))
    cells, folder = make_cells(study), StudyFolder(out)
    _refuse_figure(study, cells[0])
    marks = check_cells([*cells, *_ends(study)], say)
    with _claimed(out, resume=ways.resume):
        write_text(out / "study.yaml", study.path.read_text("utf-8"))
        with processes(ways.command, ways.jobs) as running:
            failed = dict[str, str]()
            if ways.trials:
                cells, failed = _tune(study, cells, folder, ways.trials, running, say)
            ready = [cell for cell in cells if cell.path not in failed]
            remember_cells(folder, ready, marks)
            failed |= _train(ready, folder, running, say)
        return write_tables(study, folder, cells, failed)


def _refuse_figure(study: Study, cell: StudyCell) -> None:
    known = registry.spec(cell.config.task).metrics
    if study.figure is not None and study.figure not in known:
        do = f"Name one of them.{did_you_mean(study.figure, known)}"
        raise ConfigError(message(f"{study.path}: figure", f"one of {', '.join(known)}", f"'{study.figure}'", do))


def _ends(study: Study) -> list[StudyCell]:
    """Every cell with each value at an end of what may be searched."""
    found = list[StudyCell]()
    for end in list_ends(study):
        for cell in make_cells(replace(study, seeds=study.seeds[:1]), _everywhere(study, {end.key: end.value})):
            found.append(replace(cell, name=f"{cell.name}, {end.key}={end.value}"))
    return found


def _everywhere(study: Study, values: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {f"{data.name}/{name}": values for data in study.data for name in study.cells}


@contextmanager
def _claimed(out: Path, *, resume: bool) -> Iterator[None]:
    """The folder for this study alone."""
    if out.exists() and not (out / "study.yaml").is_file() and (not out.is_dir() or any(out.iterdir())):
        do = "Choose another --out."
        raise RunFolderError(message(str(out), "a folder that is not there yet, or a study's", "something else", do))
    if out.exists() and not resume and any(out.iterdir()):
        do = "Add --resume to go on with it, or choose another --out."
        raise RunFolderError(message(str(out), "a folder that is not there yet", "a study", do))
    out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out):
        yield
    (out / LOCK).unlink(missing_ok=True)


def _tune(
    study: Study, cells: Sequence[StudyCell], folder: StudyFolder, trials: int, running: Processes, say: Say
) -> tuple[list[StudyCell], dict[str, str]]:
    """All cells with what was found for them, and by `StudyCell.path` why some have nothing.

    What was found once stays, so that a study which goes on with more trials does not change cells that are trained.
    """
    path = folder.root / TUNED
    before: dict[str, Any] = read_json(path) if path.is_file() else {}
    kept = {label: found["values"] for label, found in before.items()}
    waiting = [cell for cell in cells if f"{cell.data}/{cell.name}" not in kept]
    chosen, why = tune_cells(study, waiting, trials, folder, running, say)
    write_json(path, {**before, **{label: {"trials": trials, "values": values} for label, values in chosen.items()}})
    made = make_cells(study, {**kept, **chosen})
    labels = {cell.path: f"{cell.data}/{cell.name}" for cell in made}
    return made, {path: why[label] for path, label in labels.items() if label in why}


def _train(cells: Sequence[StudyCell], folder: StudyFolder, running: Processes, say: Say) -> dict[str, str]:
    """Train and judge what is not yet; by `StudyCell.path` why one failed."""
    waiting = deque(cell for cell in cells if not _is_done(folder, cell))
    total, failed, jobs = len(waiting), dict[str, str](), dict[str, StudyCell]()
    if done := len(cells) - total:
        say(f"{done:,} of {many(len(cells), 'run')} are there")
    ended = 0
    while waiting or running.busy:
        while waiting and running.free:
            cell = waiting.popleft()
            order = WorkOrder(cell.values, str(folder.run(cell.path)), cell.test, str(folder.result(cell.path)))
            jobs[cell.path] = cell
            running.start(Job(cell.path, order, folder.log(cell.path)))
        found, ended = running.wait(), ended + 1
        if found.why:
            failed[found.job.name] = found.why
        say(
            f"{ended}/{total} {found.job.name} {f'failed: {found.why}' if found.why else _say_result(folder, jobs[found.job.name])}"
        )
    return failed


def _is_done(folder: StudyFolder, cell: StudyCell) -> bool:
    """Whether a cell was judged on the files as they are now."""
    from regard.data.text_files import fingerprint

    found = read_result(folder, cell)
    return found is not None and found.found["test"] == fingerprint(cell.test)


def _say_result(folder: StudyFolder, cell: StudyCell) -> str:
    found = read_result(folder, cell)
    assert found is not None
    name = found.found["metric"]
    value = found.figure(name)
    return f"{name} {value:.4g}" if value is not None else "judged"


def write_tables(study: Study, folder: StudyFolder, cells: Sequence[StudyCell], failed: Mapping[str, str]) -> Comparison:
    """Write what is known so far.  RegardError where no run came to an end."""
    found = compare_cells(folder, cells, study.baseline, failed, study.figure)
    if not any(row.runs for row in found.rows):
        why = next(iter(failed.values()), "none was trained")
        raise RegardError(message(str(study.path), "a run that comes to its end", f"none; the first: {why}", "See logs/."))
    curves = draw_curves(found, folder.run)
    for name, text in ((TABLE, to_markdown(found)), (NUMBERS, to_csv(found)), (RUNS, to_run_csv(found))):
        write_text(folder.root / name, text)
    write_text(folder.root / PAGE, to_html(found, curves, study.path.stem))
    return found
