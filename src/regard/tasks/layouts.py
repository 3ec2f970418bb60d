"""How the files of a config, and those that a trained model is given, are laid out in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from regard.data.columns import Layout
from regard.data.prediction_layout import another

if TYPE_CHECKING:
    from regard.config import Config


def layout_of(config: Config) -> Layout:
    """How the files of a config are read."""
    return Layout(**{field.name: getattr(config.data, field.name) for field in fields(Layout)})


def layout_for(files: Sequence[str], config: Config, *, inputs: bool = False) -> Layout:
    """How a trained model reads these files.  inputs: to predict from, where a target may be missing."""
    layout = layout_of(config)
    trained_on = layout.resolved(config.data.train).format if config.data.train else "tsv"
    return another(files, layout, trained_on=trained_on, train=config.data.train, inputs=inputs)
