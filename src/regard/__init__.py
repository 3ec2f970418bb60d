"""Regard trains, shows and ships sequence models whose attention is chosen with one word.

Names are loaded when they are first used, so that `import regard` and `regard --help` never load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.doors.python import Model as Model
    from regard.doors.python import Prediction as Prediction
    from regard.doors.python import Run as Run
    from regard.doors.python import load as load
    from regard.doors.python import make_attention as make_attention
    from regard.doors.python import train as train

__version__ = "0.1.0"

__all__ = ["Model", "Prediction", "Run", "__version__", "load", "make_attention", "train"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'regard' has no attribute '{name}'")
    return getattr(import_module("regard.doors.python"), name)


def __dir__() -> list[str]:
    return __all__
