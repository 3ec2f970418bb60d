"""A run that is to go on longer than it was told at first: which keys say so, and where what was done is what it would have been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from regard.attention.weighting import Annealed
from regard.config import Config
from regard.config.schema import TrainSection
from regard.core.errors import RunFolderError, message
from regard.core.plural import many
from regard.training import run_files
from regard.training.progress import Progress
from regard.training.stopping import over

LENGTH = ("epochs", "updates", "minutes", "patience")  # keys of `train` that say when to end, and nothing of what comes before


def of_length(key: str) -> bool:
    """Whether a key, as `train.epochs`, says only how long a run is."""
    section, _, word = key.partition(".")
    return section == "train" and word in LENGTH


def mark_longer(config: Config, checkpoint: Path | None) -> dict[str, Any]:
    """The config as a mark of the run, in plain values: with the length that stands in its checkpoint, if it has one."""
    plain: dict[str, Any] = config.model_dump(mode="json")
    before = run_files.read_json(checkpoint / "state.json") if checkpoint is not None else {}
    try:
        then = before["fingerprint"]["config"]["train"]
        plain["train"] |= {key: then[key] for key in LENGTH if key in then}
    except (KeyError, TypeError):
        pass  # a run of before there was such a mark, or one that is damaged, which who reads it whole will say
    return plain


def refuse_other_rates(folder: Path, begun: Config, config: Config) -> None:
    """RunFolderError where a run is to be of another length, and its rate went by the length that it was to have."""
    now, then = config.train, begun.train
    if then.schedule != "linear" or (now.epochs, now.updates) == (then.epochs, then.updates):
        return
    do = f"Begin another run with its weights: regard train --from {folder} ...; patience and minutes can be changed."
    length = many(then.updates, "update") if then.updates else many(then.epochs, "epoch")
    expected = f"the length that the run began with ({length}), at whose end its rate is 0 (train.schedule: linear)"
    received = many(now.updates, "update") if now.updates != then.updates and now.updates else many(now.epochs, "epoch")
    raise RunFolderError(message(f"{folder}", expected, received, do))


def refuse_annealed(network: nn.Module, folder: Path) -> None:
    """RunFolderError where a part of the net changes with the share of the training that is done, and that was of another length."""
    if any(isinstance(part, Annealed) for part in network.modules()):
        do = f"Begin another run with its weights: regard train --from {folder} ..."
        expected = "the length that the run began with: a part of its net changes with the share that is done"
        raise RunFolderError(message(f"{folder}", expected, "another", do))


def go_on_with(progress: Progress, settings: TrainSection) -> str:
    """A run that is over, and is now to be longer, is not over.  What is to be said of it; "" where nothing is."""
    tired = settings.patience is not None and progress.waited >= settings.patience
    if not progress.stopped or tired or over(progress, settings, progress.seconds):
        return ""
    timed, progress.stopped = progress.stopped == "minutes", ""
    return "note: the rate had fallen to 0 by the time limit; it begins anew." if timed and settings.schedule == "linear" else ""
