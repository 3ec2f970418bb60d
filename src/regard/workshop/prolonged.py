"""A run that is to go on longer than it was told at first: which keys say so, and where what was done is what it would have been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from regard.attention.weighting import Annealed
from regard.ground.errors import RunFolderError, message
from regard.workshop.course import over

if TYPE_CHECKING:
    from pathlib import Path

    from regard.workshop.checkpoint import Progress
    from regard.workshop.config import Config
    from regard.workshop.config_schema import TrainSection

LENGTH = ("epochs", "updates", "minutes", "patience")  # keys of `train` that say when to end, and nothing of what comes before


def less_length(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as plain values, without the keys that say how long it is trained."""
    train = {key: value for key, value in config.get("train", {}).items() if key not in LENGTH}
    return {**config, "train": train}


def refuse_other_rates(folder: Path, begun: Config, config: Config) -> None:
    """RunFolderError where a run is to be of another length, and its rate went by the length that it was to have."""
    now, then = config.train, begun.train
    if then.schedule != "linear" or (now.epochs, now.updates) == (then.epochs, then.updates):
        return
    do = f"Begin another run with its weights: regard train --from {folder} ...; patience and minutes can be changed."
    length = f"{then.updates:,} updates" if then.updates else f"{then.epochs:,} epochs"
    expected = f"the length that the run began with ({length}), at whose end its rate is 0 (train.schedule: linear)"
    received = f"{now.updates:,} updates" if now.updates != then.updates and now.updates else f"{now.epochs:,} epochs"
    raise RunFolderError(message(f"{folder}", expected, received, do))


def refuse_annealed(network: nn.Module, folder: Path) -> None:
    """RunFolderError where a part of the net changes with the share of the training that is done, and that was of another length."""
    if any(isinstance(part, Annealed) for part in network.modules()):
        do = f"Begin another run with its weights: regard train --from {folder} ..."
        expected = "the length that the run began with: a part of its net changes with the share that is done"
        raise RunFolderError(message(f"{folder}", expected, "another", do))


def gone_on_with(progress: Progress, settings: TrainSection) -> None:
    """A run that is over, and is now to be longer, is not over."""
    tired = settings.patience is not None and progress.waited >= settings.patience
    if progress.stopped and not tired and not over(progress, settings, progress.seconds):
        progress.stopped = ""
