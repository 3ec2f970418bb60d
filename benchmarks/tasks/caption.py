"""Captions of generated shapes: how many are right on unseen pairs of colour and kind, and whether attention falls on what is named.

    python benchmarks/tasks/caption.py [--seeds 1 2 3] [--epochs N]

For soft attention, hard attention (REINFORCE) and hard attention by straight-through Gumbel, and without attention, each seed of them.
Pictures and weights follow the seed.  What is in the csv already is not run again.  Writes benchmarks/results/task-caption.{csv,md}.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tables

from regard.doors.demos.caption import CONFIG, HARD, PICTURES, looked, write
from regard.doors.python import load
from regard.tasks.shapes import scenes
from regard.workshop import fit
from regard.workshop.config import read_config

HEAD = ["decoder", "seed", "exact", "bleu", "chrf", "on_shape", "mass", "chance", "minutes"]
TITLE = (
    "Captions of coloured shapes; every validation picture has a pair of colour and kind that training never shows. on_shape: share of "
    "the words that name a shape (colour, kind), in right captions, whose largest weight lies on a cell that the shape's box touches"
)
LONG = {**CONFIG, "train": HARD["train"]}  # as many epochs for all
CONFIGS: Mapping[str, dict[str, Any]] = {
    "soft": LONG,
    "hard (REINFORCE)": HARD,
    "hard (Gumbel)": {**LONG, "model": {**CONFIG["model"], "attention": {"score": "additive", "weighting": "gumbel"}}},
    "no attention": {**LONG, "model": {**CONFIG["model"], "attention": "none"}},
}


def one(name: str, seed: int, epochs: int | None) -> list[Any]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        config = {"task": "caption", "data": write(folder, seed=seed), **CONFIGS[name]}
        config["train"] = {**config["train"], "seed": seed, **({} if epochs is None else {"epochs": epochs})}
        begun = time.perf_counter()
        fit.train(read_config(config), folder / "run")
        minutes = (time.perf_counter() - begun) / 60
        model, held = load(folder / "run"), scenes(seed, PICTURES)[1]
        figures = model.evaluate(config["data"]["valid"], beam=1)["metrics"]
        paths = [str(folder / "valid" / f"{i}.png") for i in range(len(held))]
        seen = looked(model, held, paths) if name != "no attention" else {}
    told = [f"{seen[key]:.4f}" if seen else "-" for key in ("on_shape", "mass", "chance")]
    return [name, seed, f"{figures['exact']:.4f}", f"{figures['bleu']:.2f}", f"{figures['chrf']:.2f}", *told, f"{minutes:.1f}"]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked.add_argument("--epochs", type=int)
    asked.add_argument("--only", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    options = asked.parse_args()
    path = tables.RESULTS / "task-caption.csv"
    rows: list[list[Any]] = []
    if path.exists():
        with path.open(encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row[1] != "median"]
    for name in options.only:
        for seed in options.seeds:
            if not any(row[0] == name and int(row[1]) == seed for row in rows):
                rows.append(one(name, seed, options.epochs))
                keep(rows)
    keep(rows)


def keep(rows: list[list[Any]]) -> None:
    """The table, with the median of the seeds below each kind."""
    whole = list[list[Any]]()
    for name in CONFIGS:
        same = sorted((row for row in rows if row[0] == name), key=lambda row: int(row[1]))
        whole += same
        if len(same) > 1:
            columns = [[row[i] for row in same if row[i] != "-"] for i in range(2, len(HEAD))]
            whole.append([name, "median", *(f"{median(map(float, c)):.4g}" if c else "-" for c in columns)])
    tables.write("task-caption", TITLE, "python benchmarks/tasks/caption.py", HEAD, whole)


if __name__ == "__main__":
    main()
