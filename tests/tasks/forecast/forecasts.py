"""The smallest forecasts: a river, and a run that learnt a little of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard import runs
from regard.config import read_config
from regard.tasks.forecast.demo_data import csv, floods

MODEL = {
    "family": "transformer",
    "size": 8,
    "heads": 2,
    "feedforward": 8,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "dropout": 0.0,
}
TRAIN = {"epochs": 1, "batch_tokens": 600, "learning_rate": 5e-3, "threads": 1, "precision": "float32"}
FORECAST = {"past": 12, "ahead": 5, "season": 6, "patch": 3}


def quiet(line: str) -> None:
    pass


def config(train: list[Path], **more: Any) -> Any:
    data = {"train": [str(f) for f in train], **more.pop("data", {})}
    return read_config({"task": "forecast", "data": data, "model": MODEL, "train": TRAIN, "forecast": FORECAST | more})


def river(folder: Path) -> Path:
    """The folder, with river.csv and a run."""
    (folder / "river.csv").write_text(csv(*floods(3, 160)), encoding="utf-8")
    runs.train(config([folder / "river.csv"]), folder / "run", say=quiet)
    return folder
