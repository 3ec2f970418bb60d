"""Regard trains and shows sequence models whose attention is chosen with one word.

Names are loaded when they are first used, so that `import regard` and `regard --help` never load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard import attention as attention
    from regard.api import Model as Model
    from regard.api import Prediction as Prediction
    from regard.api import Run as Run
    from regard.api import Scored as Scored
    from regard.api import load as load
    from regard.api import make_attention as make_attention
    from regard.api import train as train
    from regard.attention.interventions import Erase as Erase
    from regard.attention.interventions import Permute as Permute
    from regard.attention.interventions import Pin as Pin
    from regard.attention.interventions import Replace as Replace
    from regard.attention.interventions import Uniform as Uniform
    from regard.core.errors import ArgumentError as ArgumentError
    from regard.core.errors import ConfigError as ConfigError
    from regard.core.errors import DataError as DataError
    from regard.core.errors import RegardError as RegardError
    from regard.core.errors import RunFolderError as RunFolderError
    from regard.core.errors import UsageError as UsageError

__version__ = "0.1.0"

_ERRORS = ("ArgumentError", "ConfigError", "DataError", "RegardError", "RunFolderError", "UsageError")
_TOUCH = ("Erase", "Permute", "Pin", "Replace", "Uniform")
_DOOR = ("Model", "Prediction", "Run", "Scored", "load", "make_attention", "train")

__all__ = [*_ERRORS, *_DOOR, *_TOUCH, "__version__", "attention"]


def __getattr__(name: str) -> object:
    if name == "attention":
        return import_module("regard.attention")
    for names, module in ((_ERRORS, "regard.core.errors"), (_DOOR, "regard.api"), (_TOUCH, "regard.attention.interventions")):
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'regard' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
