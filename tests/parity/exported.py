"""Small trained runs, and their folders as `regard export` writes them, without the proof."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regard import runs
from regard.config import read_config
from regard.export import folder as exports
from regard.tasks.base import Predictor
from regard.tasks.load_run import load_run

SETTINGS = {"epochs": 1, "batch_tokens": 300, "learning_rate": 5e-3, "metric": "loss", "samples": 0}


def train(folder: Path, lines: str, values: Mapping[str, Any]) -> Predictor:
    """A model that has seen some lines."""
    (folder / "train.tsv").write_text(lines, encoding="utf-8")
    files = [str(folder / "train.tsv")]
    data = {"train": files, "valid": files, **values.get("data", {})}
    runs.train(read_config({**values, "data": data, "train": SETTINGS}), folder / "run", say=lambda line: None)
    return load_run(folder / "run")


def write(model: Predictor, out: Path, precision: exports.Precision = "float32") -> Path:
    """The folder of a model's export, as the other formats begin with it: with bytes that stand for numbers."""
    out.mkdir()
    exports.write(model, out, precision, multiplied=False)
    return out
