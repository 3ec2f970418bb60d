"""What is known of the numbers that pairs of texts are rated with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regard.ground.errors import DataError, RunFolderError, message
from regard.tasks.pair import Binned, Rating, Squared
from regard.workshop.config_tasks import PairSection


@dataclass(frozen=True)
class Scale:
    """What is known of the numbers of the training data."""

    low: float
    high: float
    mean: float
    deviation: float


def scale_of(numbers: Sequence[float]) -> Scale:
    """DataError where all numbers are one."""
    each = np.asarray(numbers, dtype=np.float64)
    if np.ptp(each) == 0:
        do = "Give data with more of them, or name the column that holds them (data.target)."
        raise DataError(message("numbers of the training data", "at least 2 different ones", f"{each[0]:g} alone", do))
    return Scale(float(each.min()), float(each.max()), float(each.mean()), float(each.std()))


def rating_of(section: PairSection, file: Path) -> Rating:
    """How numbers are said, from what `learn` wrote.  RunFolderError where that is missing or damaged."""
    try:
        scale = Scale(**{name: float(value) for name, value in json.loads(file.read_text("utf-8")).items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        do, received = "Copy the run folder again, or train again.", f"{type(error).__name__}: {error}"
        raise RunFolderError(message(str(file), "what is known of the numbers of training", received, do)) from error
    if section.ratings == "square":
        return Squared(scale.mean, scale.deviation)
    return Binned(scale.low, scale.high, section.bins)
