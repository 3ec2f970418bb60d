"""Captions of generated shapes: how many are right on unseen pairs of colour and kind, and whether attention falls on what is named.

    python benchmarks/tasks/caption.py [--seeds 1 2 3] [--threads 2] [--only shapes/soft ...]

For soft attention, hard attention (REINFORCE) and hard attention by straight-through Gumbel, and without attention, each seed of them.
Pictures and weights follow the seed.  What is in the csv already is not run again.  Writes benchmarks/results/task-caption.{csv,md}.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seeds import Row, Table, go

from regard import runs
from regard.api import load
from regard.config import read_config
from regard.tasks.caption.demo import CONFIG, HARD, PICTURES, looked, write
from regard.tasks.caption.demo_data import scenes

TITLE = (
    "Captions of coloured shapes; every validation picture has a pair of colour and kind that training never shows. on_shape: share of "
    "the words that name a shape (colour, kind), in right captions, whose largest weight lies on a cell that the shape's box touches; "
    "colours, kinds: of each alone"
)
LONG = {**CONFIG, "train": {**CONFIG["train"], "epochs": 24}}  # twice those of the demo
GUMBEL = {
    "model": {**HARD["model"], "attention": {"score": "additive", "weighting": "gumbel"}},
    "caption": {**HARD["caption"], "draws": 1},
}
RUNS: Mapping[str, dict[str, Any]] = {
    "shapes/soft": LONG,
    "shapes/hard (REINFORCE)": HARD,
    "shapes/hard (Gumbel)": {**HARD, **GUMBEL},
    "shapes/no attention": {**LONG, "model": {**CONFIG["model"], "attention": "none"}},
}
FIGURES = ("exact", "bleu", "chrf", "on_shape", "colours", "kinds", "mass", "chance")
TABLE = Table("task-caption", TITLE, "caption.py", FIGURES, RUNS)


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Draw, train and judge."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        config = {"task": "caption", "data": write(folder, seed=seed), **RUNS[name]}
        config["train"] = {**config["train"], "seed": seed, "threads": threads}
        begun = time.perf_counter()
        runs.train(read_config(config), folder / "run")
        minutes = (time.perf_counter() - begun) / 60
        model, held = load(folder / "run"), scenes(seed, PICTURES)[1]
        found = dict(model.evaluate(config["data"]["valid"], beam=1)["metrics"])
        if config["model"].get("attention") != "none":
            found |= looked(model, held, [str(folder / "valid" / f"{i}.png") for i in range(len(held))])
    return [TABLE.row(name, seed, found, minutes, threads)]


if __name__ == "__main__":
    go(TABLE, TABLE.asked(__doc__, []), run)
