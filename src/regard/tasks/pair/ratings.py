"""What is known of the numbers that a model of pairs learns: their ends, their spread, and how they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regard.core.atomic_files import write_text
from regard.core.bounded_json import read_json, require_keys
from regard.core.errors import DataError, RunFolderError, message

if TYPE_CHECKING:
    from jaxtyping import Float

    from regard.tasks.pair.section import PairSection


@dataclass(frozen=True)
class Scale:
    """Of the numbers of the training data."""

    low: float
    high: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Scale:
        """DataError where all are one."""
        each = np.asarray(numbers, dtype=np.float64)
        if np.ptp(each) == 0:
            do = "Give data with more of them, or name the column that holds them (data.target)."
            raise DataError(message("numbers of the training data", "at least 2 different ones", f"{each[0]:g} alone", do))
        return cls(float(each.min()), float(each.max()), float(each.mean()), float(each.std()))

    @classmethod
    def load(cls, file: Path) -> Scale:
        """RunFolderError where the file is missing or damaged."""
        try:
            found = cls(**require_keys(read_json(file), dict.fromkeys(cls.__dataclass_fields__, float)))
            if not (found.low < found.high and found.deviation > 0):
                raise ValueError("numbers that no data can have")
            return found
        except (OSError, ValueError) as error:
            do, received = "Copy the run folder again, or train again.", f"{type(error).__name__}: {error}"
            raise RunFolderError(message(str(file), "what is known of the numbers of training", received, do)) from error

    def save(self, file: Path) -> None:
        write_text(file, json.dumps(asdict(self), indent=0))

    def numbers(self, said: Float[np.ndarray, "B N"], section: PairSection) -> Float[np.ndarray, " B"]:
        """The numbers that are meant.  said: see `PairAnswers`; `network.SquaredRegression` and `BinnedRegression` are what learns it."""
        if section.ratings == "square":
            return self.mean + self.deviation * said[:, 0]
        return np.exp(said) @ self._bins(section)

    def costs(
        self, said: Float[np.ndarray, "B N"], right: Float[np.ndarray, " B"], section: PairSection
    ) -> Float[np.ndarray, " B"]:
        """How far they are from what is right, as training counts it."""
        if section.ratings == "square":
            return (said[:, 0] - (right - self.mean) / self.deviation) ** 2
        bins = self._bins(section)
        place = ((right - bins[0]) / (bins[1] - bins[0])).clip(0, section.bins - 1)[:, None]
        target = (1 - np.abs(place - np.arange(section.bins, dtype=said.dtype))).clip(0)
        known = np.log(target, out=np.zeros_like(target), where=target > 0)
        return (target * (known - said)).sum(-1)

    def _bins(self, section: PairSection) -> Float[np.ndarray, " N"]:
        return np.linspace(self.low, self.high, section.bins, dtype=np.float32)

    def written(self, number: float) -> str:
        """To a thousandth of the deviation, and no less than three places."""
        return f"{number:.{max(3, 3 - math.floor(math.log10(self.deviation or 1.0)))}f}"
