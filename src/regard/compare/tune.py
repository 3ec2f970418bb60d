"""Values of keys that are searched for, for every cell alike: so many trials each, judged on validation data alone (Optuna).

Each trial is an ordinary run with the study's first seed, and what was asked and answered lies in a database: a search that is killed
goes on where it was.  Every cell gets as many trials, for a comparison of one that was searched for with one that was not says little
(Dodge et al. 2019, Show your work: improved reporting of experimental results).
"""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regard.compare.cells import StudyCell, StudyFolder, make_values
from regard.compare.schedule import Job, Processes
from regard.compare.space import Choice, Space
from regard.compare.study import Setting, Study
from regard.compare.worker import WorkOrder
from regard.core.atomic_files import beside, sync_folder
from regard.core.errors import RegardError, message
from regard.core.say import Say
from regard.tasks import registry
from regard.training.json_files import read_json

STORE = "tune.db"  # in the study's folder


@dataclass
class Search:
    """The search of one cell on one data set.  optuna: its study; left: trials to come; begun: those that a kill left; why: what the last
    one that failed said."""

    label: str
    first: StudyCell
    settings: tuple[Setting, ...]
    optuna: Any
    left: int
    begun: deque[Any] = field(default_factory=deque)
    why: str = ""


def tune_cells(
    study: Study, cells: Sequence[StudyCell], trials: int, folder: StudyFolder, running: Processes, say: Say
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Search until every cell has so many trials.  The best values of each by "DATA/CELL", and why the others have none.

    RegardError where Optuna (the extra `tune`) is missing.
    """
    searches = [_open(study, cell, trials, folder) for cell in cells if cell.seed == study.seeds[0]]
    waiting, asked = deque(search for search in searches if search.left or search.begun), dict[str, tuple[Search, int]]()
    while waiting or asked:
        while waiting and running.free:
            search = waiting.popleft()
            job, number = _next(study, search, folder)
            asked[job.name] = search, number
            running.start(job)
            if search.left or search.begun:
                waiting.append(search)
        ended = running.wait()
        search, number = asked.pop(ended.job.name)
        say(_tell(search, number, Path(ended.job.order.result), ended.why))
    chosen = {search.label: best for search in searches if (best := _best(study, search, folder)) is not None}
    return chosen, {s.label: f"none of its {trials} trials came to an end: {s.why}" for s in searches if s.label not in chosen}


def _open(study: Study, cell: StudyCell, trials: int, folder: StudyFolder) -> Search:
    try:
        import optuna
    except ImportError as error:
        do = "Run: pip install -e '.[tune]'."
        raise RegardError(message("--tune", "Optuna", "an environment without it", do)) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    label = f"{cell.data}/{cell.name}"
    made = optuna.create_study(
        storage=f"sqlite:///{folder.root / STORE}", study_name=label, direction="maximize", load_if_exists=True
    )
    settings = (*next(data.settings for data in study.data if data.name == cell.data), *study.cells[cell.name])
    state = optuna.trial.TrialState
    begun = made.get_trials(deepcopy=False, states=(state.RUNNING,))
    return Search(label, cell, settings, made, max(0, trials - len(made.trials)), deque(begun))


def _next(study: Study, search: Search, folder: StudyFolder) -> tuple[Job, int]:
    """The next trial as a job, and its number."""
    import optuna

    if search.begun:
        trial = search.begun.popleft()
    else:
        # A sampler of its own for each trial, so that a search that was killed draws what it would have drawn.
        search.optuna.sampler = optuna.samplers.TPESampler(seed=study.seeds[0] * 10_007 + len(search.optuna.trials))
        trial = search.optuna.ask({key: _distribution(space) for key, space in study.space.items()})
        search.left -= 1
    values = _with_seed(make_values(study, (*search.settings, *_settings(study, trial.params))), study.seeds[0])
    run = folder.root / "trials" / search.label / str(trial.number)
    name = f"trials/{search.label}/{trial.number}"
    order = WorkOrder(values, str(run), (), str(run.with_suffix(".json")))
    return Job(name, order, folder.log(name)), trial.number


def _with_seed(values: dict[str, Any], seed: int) -> dict[str, Any]:
    return {**values, "train": {**(values.get("train") or {}), "seed": seed}}


def _tell(search: Search, number: int, result: Path, why: str) -> str:
    """Tell Optuna how a trial ended, and put it in a line."""
    from optuna.trial import TrialState

    name = f"{search.label}, trial {number}"
    value = None
    if not why:
        found = read_json(result)
        value = found["validation"].get(found["metric"])
        why = "" if value is not None else "no finite figure on validation data"
    if value is None:
        search.why = why
        search.optuna.tell(number, state=TrialState.FAIL)
        return f"{name} failed: {why}"
    lower = found["metric"] in registry.spec(search.first.config.task).lower
    search.optuna.tell(number, -value if lower else value)
    said = "  ".join(f"{key} {_said(given)}" for key, given in search.optuna.trials[number].params.items())
    return f"{name}: {found['metric']} {value:.4g} on validation data with {said}"


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _best(study: Study, search: Search, folder: StudyFolder) -> dict[str, Any] | None:
    """The values of the best trial, whose run becomes that of the cell's first seed; None where no trial came to an end."""
    from optuna.trial import TrialState

    if not search.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    best = search.optuna.best_trial
    source, run = folder.root / "trials" / search.label / str(best.number), folder.run(search.first.path)
    if not run.exists():
        run.parent.mkdir(parents=True, exist_ok=True)
        part = beside(run)
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part)
        part.rename(run)
        sync_folder(run.parent)
    return {setting.key: setting.value for setting in _settings(study, best.params)}


def _settings(study: Study, params: Mapping[str, Any]) -> list[Setting]:
    """What Optuna chose, as the config has it."""
    return [
        Setting(key, json.loads(value) if isinstance(study.space[key], Choice) else value, study.tuned[key])
        for key, value in params.items()
    ]


def _distribution(space: Space) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(space, Choice):  # as text: Optuna keeps words and numbers, and a value may be a mapping
        return CategoricalDistribution([json.dumps(value) for value in space.values])
    if space.whole and isinstance(space.step, int | None):
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=int(space.step or 1))
    return FloatDistribution(space.low, space.high, log=space.log, step=space.step)


def list_ends(study: Study) -> list[Setting]:
    """Values at the ends of each space, to be checked before anything trains."""
    found = list[Setting]()
    for key, space in study.space.items():
        values = space.values if isinstance(space, Choice) else (space.low, space.high)
        found += [Setting(key, value, study.tuned[key]) for value in values]
    return found
