"""What is learnt of the training rows before a forecaster is built: columns, scale, step, and the linear forecast beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from regard.data.clock import Step
from regard.data.series import Series
from regard.ground.errors import DataError, RunFolderError, message
from regard.ground.files import atomic
from regard.tasks.forecast import Linear

SERIES, LINEAR = "series.json", "linear.safetensors"  # in the run folder
KIND, VERSION = "regard series", 1


@dataclass(frozen=True, eq=False)
class Scales:
    """columns: of the series; mean, spread: of each in the training rows (a column that never changes has spread 1); step: between rows."""

    columns: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    step: Step | None

    @classmethod
    def of(cls, series: Sequence[Series]) -> Scales:
        values = np.concatenate([s.values for s in series])
        spread = values.std(0)
        return cls(series[0].columns, values.mean(0), np.where(spread > 0, spread, 1.0), _step(series[0]))

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

    def refuse(self, series: Series) -> None:
        """DataError for a series whose rows stand at another distance."""
        step = _step(series)
        if step and self.step and not step.like(self.step):
            do = "Give rows at the distance of training, or train on these."
            raise DataError(message(series.name, f"rows {self.step} apart, as in training", f"{step}", do))

    def save(self, folder: Path, linear: np.ndarray) -> None:
        """Write both files, each whole or not at all."""
        content = {
            **{"kind": KIND, "version": VERSION, "columns": self.columns},
            **{"mean": self.mean.tolist(), "spread": self.spread.tolist(), "step": self.step and asdict(self.step)},
        }
        with atomic(folder / SERIES) as stream:
            stream.write(json.dumps(content, ensure_ascii=False, indent=1).encode())
        with atomic(folder / LINEAR) as stream:
            stream.write(save({"weights": np.ascontiguousarray(linear)}))

    @classmethod
    def load(cls, folder: Path) -> tuple[Scales, Linear]:
        """Read what `save` wrote.  RunFolderError where it is missing or damaged."""
        try:
            content = json.loads((folder / SERIES).read_text(encoding="utf-8"))
            if content["kind"] != KIND or content["version"] > VERSION:
                raise ValueError(f"{content['kind']}, version {content['version']}")
            step = content["step"] and Step(**content["step"])
            made = cls(tuple(content["columns"]), np.array(content["mean"]), np.array(content["spread"]), step)
            if not len(made.columns) == len(made.mean) == len(made.spread):
                raise ValueError("columns and scales of different numbers")
            return made, Linear(load((folder / LINEAR).read_bytes())["weights"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            do = "Copy the run folder again, or train again."
            expected = f"{SERIES} and {LINEAR} that regard wrote, of version {VERSION} or older"
            raise RunFolderError(message(str(folder), expected, f"{type(error).__name__}: {error}", do)) from error


def _step(series: Series) -> Step | None:
    return series.clock.step if series.clock else None
