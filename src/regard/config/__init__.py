"""The config of a run, and how to read one.

The schema stands in `schema.py`, what its keys demand of each other in `checks.py`, reading and errors in `loader.py`, the YAML in
`yaml_text.py`, the words of attentions, cells and tokenizers in `mechanisms.py`, the page in `docs.py`.  Names are loaded when they are
first used, so that `regard --help` loads neither pydantic nor YAML.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.config.loader import load_config as load_config
    from regard.config.loader import read_config as read_config
    from regard.config.loader import with_values as with_values
    from regard.config.schema import AttentionSection as AttentionSection
    from regard.config.schema import Config as Config
    from regard.config.schema import DataSection as DataSection
    from regard.config.schema import DecodeSection as DecodeSection
    from regard.config.schema import ModelSection as ModelSection
    from regard.config.schema import TrainSection as TrainSection

_HOMES = {name: "loader" for name in ("load_config", "read_config", "with_values")}
_HOMES |= {f"{name}Section": "schema" for name in ("Attention", "Data", "Decode", "Model", "Train")} | {"Config": "schema"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'regard.config' has no attribute '{name}'")
    return getattr(import_module(f"regard.config.{_HOMES[name]}"), name)
