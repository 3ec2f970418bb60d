"""Keys that are left out and fit the data: which they are in a config, and the config where they have values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regard.config.loader import read_config
from regard.config.schema import Config

SECTIONS = ("data", "model", "train", "decode")


def left_out(config: Config) -> frozenset[str]:
    """The keys, as `train.epochs`, that nobody set, that fit the data, and that the task uses."""
    own = (config.spec.name,) if config.own is not None else ()
    keys = (f"{section}.{key}" for section in (*SECTIONS, *own) for key in getattr(config, section).left_out())
    return frozenset(keys).difference(config.spec.unused)


def settle(config: Config, values: Mapping[str, Any]) -> Config:
    """The config with a value for each key that was left out: that of `values`, else the one it has before any data is seen.

    Keys that were set stay as they are, whatever `values` says.  Raises ConfigError where the values do not go together.
    """
    plain = config.model_dump(mode="json")
    for key in left_out(config):
        section, word = key.split(".")
        value = values.get(key, getattr(getattr(config, section), word))
        plain[section][word] = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        if key == "model.attention" and value is None:
            plain[section][word] = "none"
    return read_config(plain)


def as_begun(config: Config, begun: Config) -> Config:
    """A config to go on with a run: what it leaves out is as the run began."""
    return settle(
        config, {key: getattr(getattr(begun, section), word) for key in left_out(config) for section, word in [key.split(".")]}
    )
