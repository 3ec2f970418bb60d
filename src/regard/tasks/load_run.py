"""The model of a run folder, of whatever task, and several models as one.  Everybody opens a run here, so all get the same answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from regard.build.size_limit import within_file
from regard.config import Config, load_config
from regard.config.trust import refuse_strangers
from regard.core.devices import find_device
from regard.core.errors import ConfigError, RegardError, RunFolderError, describe_exhaustion, message
from regard.inference.batch_invariant import keep_steady
from regard.runtime.folder import is_exported
from regard.tasks import registry
from regard.tasks.base import Precision, Predictor
from regard.training.checkpoint import MODEL
from regard.training.checksums import CONFIG, refuse_changed


def load_run(
    folder: str | Path,
    *,
    trust: Iterable[str] = (),
    precision: Precision = "float32",
    batch_invariant: bool = False,
    device: str | torch.device = "cpu",
) -> Predictor:
    """The model of a run folder; only safetensors, JSON and YAML are read.

    trust: modules whose code may run where the config names a class of them; no other code of a run's ever does.
    precision: "int8" keeps the large weights in bytes, faster on a CPU; some answers change
    (`tasks.quantization_report.parity` says how many).
    batch_invariant: answers have the same bits alone and in any batch, as with "int8" (`inference.batch_invariant`); some are slower.
    device: where the network computes, as `core.devices.find_device` has it, whatever it was trained on; both of the above are the CPU's.
    Raises RunFolderError where the folder is no run, is damaged or was changed (`checksums`), is of a newer version, or names a
    module that is not trusted, and
    ConfigError for a device that is not there, or that cannot do what else is asked.
    """
    run, place = Path(folder), find_device(device, "device")
    if place.type != "cpu" and (batch_invariant or precision == "int8"):
        what = f'precision="{precision}"' if precision == "int8" else "batch_invariant"
        raise ConfigError(message(what, "the CPU, whose bits it is about", f"device {place}", "Leave out one of the two."))
    with _opening(run):
        config = _config(run, trust)
        with within_file(run / MODEL):
            opened = registry.of(config.task).open(config, run, precision=precision)
        if batch_invariant and precision == "float32":
            keep_steady(opened.network)
        refuse_changed(run, config)
        if place.type != "cpu":
            opened.network.to(place)
        return opened


@contextmanager
def _opening(run: Path) -> Iterator[None]:
    """A run folder may come from anybody, so whatever goes wrong while it is opened is the folder's fault, and says so."""
    try:
        yield
    except RegardError:
        raise
    except Exception as error:
        received = describe_exhaustion(error) or f"{type(error).__name__}: {error}"
        do = "Restore the folder from a copy, or train again into another one."
        raise RunFolderError(message(f"{run} cannot be opened", "a run folder as regard train makes it", received, do)) from error


def _config(run: Path, trust: Iterable[str]) -> Config:
    """The config of a run folder that holds a model."""
    if not (run / CONFIG).is_file():
        do = "Name a folder that `regard train` made."
        raise RunFolderError(message(str(run), f"a run folder with {CONFIG}", _what_is(run), do))
    if not (run / MODEL).is_file():
        do = "Let its training come to a first validation: regard train --resume --out " + str(run)
        raise RunFolderError(message(str(run), f"a trained model ({MODEL})", "a run that has none yet", do))
    try:
        config = load_config(run / CONFIG, [], trust=trust)
    except ConfigError as error:
        do = "Use the version of Regard that trained it, or restore the folder."
        raise RunFolderError(message(f"{run / CONFIG}", "a config of this version", f"\n{error}\n", do)) from error
    refuse_strangers(config, run / CONFIG, trust)
    return config


def _what_is(path: Path) -> str:
    if not path.exists():
        return "nothing of that name"
    if is_exported(path):
        return "an exported folder, which is used and not made anything else of"
    return "a folder without one" if path.is_dir() else "a file"
