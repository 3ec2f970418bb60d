"""What the ranks of a training tell each other before it begins: that they are told the same, and what rank 0 made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regard.config import Config, read_config
from regard.core.errors import ConfigError, message
from regard.training.checksums import CONFIG, METRICS, MODEL
from regard.training.progress import flatten
from regard.training.provenance import RUN, list_versions
from regard.training.ranks import Ranks, refuse_disagreement
from regard.training.run_lock import LOCK

OWN = frozenset({CONFIG, METRICS, MODEL, RUN, LOCK})  # of rank 0 alone
PACKAGES = ("regard", "torch", "numpy", "tokenizers")  # whose versions must be the same, for what they do is part of a training
BELOW = "bert"  # the one folder with files that are learnt from the data
ROWS = "data."  # what the names of files with rows from memory begin with: they are read from where they lie


def list_known(config: Config) -> dict[str, Any]:
    """What all ranks must be started with, by name; what a value is matters, not its kind."""
    keys = {f"the config: {name}": str(value) for name, value in flatten(config.of_training()).items()}
    return {**{f"the version of {name}": version for name, version in list_versions().items() if name in PACKAGES}, **keys}


def name_data(marks: Mapping[str, str]) -> dict[str, str]:
    """The sha256 of each file of the data, by a name for `refuse_disagreement`."""
    return {f"data: {name}": mark for name, mark in marks.items()}


def lead(ranks: Ranks, config: Config, marks: Mapping[str, str], folder: Path, *, alone: str) -> None:
    """Tells the other ranks the settled config and the files that were learnt from the data, and sees that they read the same.

    alone: why several cannot train it, see `TrainingSetup`: ConfigError.
    """
    if ranks.count == 1:
        return
    if alone:
        do = "Train it in one process, or change that key."
        raise ConfigError(message("the training", f"one process, because of {alone}", f"{ranks.count}", do))
    some = [path for path in (*folder.iterdir(), *(folder / BELOW).glob("*")) if path.is_file()]
    names = [str(path.relative_to(folder)) for path in some if path.name not in OWN and not path.name.startswith(ROWS)]
    files = {name: np.frombuffer((folder / name).read_bytes(), np.uint8) for name in sorted(names)}
    ranks.receive((config.model_dump(mode="json"), dict(marks), files))
    refuse_disagreement(ranks, name_data(marks))


def follow(ranks: Ranks, folder: Path) -> tuple[Config, dict[str, str]]:
    """What `lead` tells: the config, and the marks of the data; its files are written into the folder."""
    values, marks, files = ranks.receive(None)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data.tobytes())
    return read_config(values), marks
