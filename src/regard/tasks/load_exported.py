"""An exported folder as a model in use: the predictor of its task, which asks graphs in the place of PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.core.errors import UsageError, message
from regard.runtime.folder import open_folder
from regard.tasks import registry
from regard.tasks.base import Predictor


def load_exported(folder: str | Path) -> Predictor:
    """The model of an exported folder.  RunFolderError where it is none, is damaged, or is of a newer version."""
    found = open_folder(Path(folder))
    assert found.settings.spec.predictor is not None  # every task of Regard's has one, and a folder names no other
    kind: Any = registry.part(found.settings.spec.predictor)
    made: Predictor = kind.load(found.settings, found.folder, found.network)
    return made


def refuse_device(folder: str | Path, device: str) -> None:
    """UsageError for a device on which an exported folder does not answer."""
    if device not in ("cpu", "auto"):
        do = "Leave the device out, or name the run folder that it was made of."
        raise UsageError(message(f"device {device}", "a run folder", f"an exported one, {folder}, which answers on the CPU", do))
