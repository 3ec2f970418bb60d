"""Exported models from Python: `load(FOLDER)`.  As the package `regard_runtime` this is all there is to import, without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regard.model import Decode as Decode
from regard.model import Model as Model
from regard.model import Prediction as Prediction
from regard.model import Scored as Scored
from regard.tasks.load_exported import load_exported

__all__ = ["Model", "Prediction", "Scored", "load"]


def load(folder: str | Path, *, decode: Decode | Sequence[str] | None = None) -> Model:
    """The model that `regard export` wrote to a folder; nothing in it is executed.

    decode: keys of the config's `decode` that are others while this model is used, as in decode={"length_penalty": 1.0},
    or words decode.KEY=VALUE as the command line takes them.
    Raises RunFolderError where the folder is none, is damaged, or is of a newer version; ConfigError for such keys as no config has.
    """
    return Model(load_exported(folder).apply_decode(decode))
