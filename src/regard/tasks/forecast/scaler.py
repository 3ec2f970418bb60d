"""The scaler: what is learnt of the training rows before a forecaster is built: columns, scale, step, and the linear forecast beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from regard.core.atomic_files import write_bytes, write_text
from regard.core.bounded_json import is_of, read_bytes, read_json, require_keys
from regard.core.errors import DataError, RegardError, RunFolderError, message
from regard.tasks.forecast.data import Series
from regard.tasks.forecast.least_squares import LinearForecast
from regard.tasks.forecast.time_steps import Step

SERIES, LINEAR = "series.json", "linear.safetensors"  # in the run folder
KIND, VERSION = "regard series", 1
FAR = 1e17  # deviations from a mean, of which float32 holds sums of squares
KEYS = {"kind": str, "version": int, "columns": list[str], "mean": list[float], "spread": list[float], "step": dict | None}
STEP = {"much": float, "months": int, "seconds": bool}
LARGEST = 1e30  # of a scale and of the time between rows


@dataclass(frozen=True, eq=False)
class Scales:
    """columns: of the series; mean, spread: of each in the training rows (a column that never changes has spread 1); step: between rows;
    digits: that each column has behind the point in the files."""

    columns: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    step: Step | None
    digits: tuple[int, ...] = ()

    @classmethod
    def of(cls, series: Sequence[Series]) -> Scales:
        values = np.concatenate([s.values for s in series])
        each = [s.digits or (0,) * values.shape[1] for s in series]
        spread = np.where(steady(values), 1.0, values.std(0))
        return cls(series[0].columns, values.mean(0), spread, _step(series[0]), tuple(map(max, zip(*each, strict=True))))

    @classmethod
    def like(cls, series: Series) -> Scales:
        """Those of one series, to see whether others fit."""
        return cls.of([series])

    def down(self, values: np.ndarray) -> np.ndarray:
        """Scaled, as the net reads them."""
        return (values - self.mean) / self.spread

    def up(self, values: np.ndarray) -> np.ndarray:
        """In the units of the file."""
        return values * self.spread + self.mean

    def written(self, values: np.ndarray) -> list[str]:
        """A row in the units of the file, each number with the digits that its column needs: those of the file, but at least a hundred
        thousandth of the spread and no more than float32 tells apart; six that count at the least."""
        digits = self.digits or (0,) * len(self.columns)
        return [_written(float(x), d, s, 5) for x, d, s in zip(values, digits, self.spread, strict=True)]

    def brief(self, values: np.ndarray) -> list[str]:
        """The same for people: a thousandth of the spread."""
        return [_written(float(x), 0, s, 3) for x, s in zip(values, self.spread, strict=True)]

    def refuse(self, series: Series) -> None:
        """DataError for a series whose rows stand at another distance, or that hardly one number of the training rows comes near."""
        series.refuse_beyond(self.down(series.values), FAR, f"a number within {FAR:g} deviations of the training rows")
        step = _step(series)
        if step and self.step and not step.like(self.step):
            do = "Give rows at the distance of training, or train on these."
            raise DataError(message(series.name, f"rows {self.step} apart, as in training", f"{step}", do))

    def save(self, folder: Path, linear: LinearForecast) -> None:
        """Write both files, each whole or not at all."""
        content = {
            **{"kind": KIND, "version": VERSION, "columns": self.columns},
            **{"mean": self.mean.tolist(), "spread": self.spread.tolist(), "digits": self.digits},
            "step": self.step and {"much": self.step.much, "months": self.step.months, "seconds": self.step.seconds},
        }
        write_text(folder / SERIES, json.dumps(content, ensure_ascii=False, indent=1))
        maps = {"weights": linear.weights} | ({} if linear.own is None else {"own": linear.own})
        write_bytes(folder / LINEAR, save({name: np.ascontiguousarray(map_) for name, map_ in maps.items()}))

    @classmethod
    def load(cls, folder: Path) -> tuple[Scales, LinearForecast]:
        """Read what `save` wrote.  RunFolderError where it is missing or damaged."""
        try:
            content = require_keys(read_json(folder / SERIES), KEYS, others=True)
            if content["kind"] != KIND or content["version"] > VERSION:
                raise ValueError(f"{content['kind']}, version {content['version']}")
            step = content["step"] and Step(**require_keys(content["step"], STEP))
            if step and not (0 <= step.much < LARGEST and 0 <= step.months <= 12_000):
                raise ValueError("a step between rows that is none")
            digits = tuple(content.get("digits", ()))  # runs of before have none
            mean, spread = (np.array(content[key], dtype=np.float64) for key in ("mean", "spread"))
            made = cls(tuple(content["columns"]), mean, spread, step, digits)
            if len(digits) not in (0, len(made.columns)) or not all(is_of(n, int) and abs(n) < 400 for n in digits):
                raise ValueError("digits of other columns")
            if not len(made.columns) == len(made.mean) == len(made.spread):
                raise ValueError("columns and scales of different numbers")
            if not (np.abs(made.mean) < LARGEST).all() or not ((made.spread > 0) & (made.spread < LARGEST)).all():
                raise ValueError("a mean or a spread that no column can have")
            maps = load(read_bytes(folder / LINEAR))
            return made, LinearForecast(_numbers(maps["weights"]), None if (own := maps.get("own")) is None else _numbers(own))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            do = "Copy the run folder again, or train again."
            expected = f"{SERIES} and {LINEAR} that regard wrote, of version {VERSION} or older"
            raise RunFolderError(message(str(folder), expected, f"{type(error).__name__}: {error}", do)) from error


def steady(values: np.ndarray) -> np.ndarray:
    """Which columns never change, but for what rounding leaves of a deviation: values "T C".

    The bound is that of the computed variance of equal numbers: Chan, Golub & LeVeque 1983, section 2 (as scikit-learn has it).
    """
    bound = 10 * np.finfo(np.float64).eps * np.abs(values.mean(0)) * math.sqrt(len(values))
    return (np.ptp(values, 0) == 0) | (values.std(0) <= bound)


def _written(x: float, digits: int, spread: float, fine: int) -> str:
    """fine: decimals below the spread's first.  RegardError for what is no number."""
    if not math.isfinite(x):
        do = "Look whether the weights, and the numbers that were read, are finite and of a usual size."
        raise RegardError(message("a forecast", "a number", repr(x), do))
    first = math.floor(math.log10(spread))
    own = fine - math.floor(math.log10(abs(x))) if x else 0
    places = max(min(max(digits, fine - first), 7 - first), own, 0)
    return repr(round(x, places)) if places else f"{x:.0f}"


def _numbers(weights: np.ndarray) -> np.ndarray:
    """What it is given, where all are finite."""
    if weights.ndim < 2 or weights.dtype.kind != "f" or not np.isfinite(weights).all():
        raise ValueError("weights that are no matrix of numbers")
    return weights


def _step(series: Series) -> Step | None:
    return series.clock.step if series.clock else None
