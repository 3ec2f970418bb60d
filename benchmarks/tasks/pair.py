"""Entailment and relatedness of SICK: benchmarks/results/task-pair.csv and .md.

    python benchmarks/tasks/pair.py --seeds 1 2 3 --threads 2        # all; three quarters of an hour on two cores
    python benchmarks/tasks/pair.py --only entailment/recipe relatedness/recipe

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  Judged on valid, which also chose the epoch that was kept.  `word overlap` is no net: which share of each sentence's words the
other has, read by a linear model fitted to train (softmax for entailment, least squares for relatedness); `most frequent` always says
the label, or the mean, that train has most.  Minutes: wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables

from regard.tasks.agreement import number_figures
from regard.tasks.classify import class_figures

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
NAME, MEDIAN = "task-pair", "median"
FIGURES = ("accuracy", "macro_f1", "pearson", "spearman", "mse", "loss")
HEAD = ("data", "model", "seed", *FIGURES, "minutes", "threads", "date")
TRAIN, VALID = "pairs/sick/train.tsv.gz", "pairs/sick/valid.tsv"
NUMBER = ("data.target=relatedness_score", "pair.output=number", "train.metric=pearson")
MODELS = {
    "recipe": (),
    "no marks": ("pair.overlap=false",),
    "no look": ("pair.align=none",),
    "neither": ("pair.overlap=false", "pair.align=none"),
}
RUNS = {
    **{f"entailment/{name}": keys for name, keys in MODELS.items()},
    **{f"relatedness/{name}": (*NUMBER, *keys) for name, keys in MODELS.items()},
    "relatedness/squared error": (*NUMBER, "pair.ratings=square"),
}
PLAIN = ("word overlap", "most frequent")  # these need no training


def run(name: str, seed: int, threads: int) -> dict[str, str]:
    """Train and judge, in a fresh process each."""
    regard, environment = [sys.executable, "-m", "regard"], {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        files = ["--train", str(DATA / TRAIN), "--valid", str(DATA / VALID)]
        command = [*regard, "train", str(ROOT / "configs" / "pair.yaml"), *files, "--out", f"{folder}/run", *RUNS[name]]
        begun = time.perf_counter()
        subprocess.run(
            [*command, f"train.seed={seed}", f"train.threads={threads}"], check=True, capture_output=True, env=environment
        )
        minutes = (time.perf_counter() - begun) / 60
        judge = [*regard, "evaluate", f"{folder}/run", str(DATA / VALID), "--json"]
        found = json.loads(subprocess.run(judge, check=True, capture_output=True, env=environment).stdout)["metrics"]
    return row(name, str(seed), found, f"{minutes:.1f}", str(threads))


def row(name: str, seed: str, found: dict[str, float], minutes: str, threads: str) -> dict[str, str]:
    data, model = name.split("/")
    figures = {figure: f"{found[figure]:.4f}" if figure in found else "-" for figure in FIGURES}
    return {
        "data": data,
        "model": model,
        "seed": seed,
        **figures,
        "minutes": minutes,
        "threads": threads,
        "date": str(date.today()),
    }


def read(file: str) -> list[dict[str, str]]:
    path = DATA / file
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def shares(rows: list[dict[str, str]]) -> np.ndarray:
    """Of each pair: which share of the first sentence's words the second has, the reverse, and which share of both is common."""
    made = []
    for each in rows:
        a, b = (set(each[side].lower().split()) for side in ("sentence_A", "sentence_B"))
        made.append([len(a & b) / len(a), len(a & b) / len(b), len(a & b) / len(a | b), 1.0])
    return np.array(made)


def plain() -> list[dict[str, str]]:
    """What needs no net."""
    train, valid = read(TRAIN), read(VALID)
    x, y = shares(train), shares(valid)
    labels = Counter(each["entailment_judgment"] for each in train)
    names, right = list(labels), [each["entailment_judgment"] for each in valid]
    weights = torch.zeros(x.shape[1], len(names), dtype=torch.float64, requires_grad=True)
    targets, inputs = torch.tensor([names.index(each["entailment_judgment"]) for each in train]), torch.from_numpy(x)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(inputs @ weights, targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    said = [names[n] for n in (torch.from_numpy(y) @ weights).argmax(1).tolist()]
    numbers = np.array([float(each["relatedness_score"]) for each in train])
    truth = [float(each["relatedness_score"]) for each in valid]
    line = np.linalg.lstsq(x, numbers, rcond=None)[0]
    found = {
        "entailment/word overlap": class_figures(said, right),
        "relatedness/word overlap": number_figures((y @ line).tolist(), truth),
        "entailment/most frequent": class_figures([labels.most_common(1)[0][0]] * len(right), right),
        "relatedness/most frequent": number_figures([float(numbers.mean())] * len(truth), truth),
    }
    return [row(name, "-", figures, "-", "-") for name, figures in found.items()]


def medians(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """A row of medians over seeds for each model, the most minutes, and how many seeds."""
    made = []
    for data, model in dict.fromkeys((row["data"], row["model"]) for row in rows):
        own = [row for row in rows if (row["data"], row["model"]) == (data, model)]
        middle = {
            figure: "-" if own[0][figure] == "-" else f"{statistics.median(float(row[figure]) for row in own):.4f}"
            for figure in FIGURES
        }
        most = max(own, key=lambda row: float(row["minutes"]))
        made.append(
            {"data": data, "model": model, "seed": f"{MEDIAN} of {len(own)}", **middle}
            | {key: most[key] for key in ("minutes", "threads", "date")}
        )
    return made


def main() -> None:
    """Run what the table has not yet, and write it after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS), metavar="DATA/MODEL", help=", ".join(RUNS))
    asked = parser.parse_args()
    if lacking := [str(DATA / file) for file in (TRAIN, VALID) if not (DATA / file).exists()]:
        sys.exit(f"{lacking[0]}: expected a data file; received no such file. Name the folder of the data: REGARD_DATA=FOLDER.")
    path = tables.RESULTS / f"{NAME}.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    rows = [row for row in rows if not row["seed"].startswith(MEDIAN) and row["model"] not in PLAIN]
    had = {(f"{row['data']}/{row['model']}", row["seed"]) for row in rows}
    beside = plain()
    for seed in asked.seeds:
        for name in asked.only:
            if (name, str(seed)) not in had:
                rows.append(run(name, seed, asked.threads))
                print(rows[-1], flush=True)
            written = [[row[key] for key in HEAD] for row in (*sorted([*medians(rows), *beside], key=lambda r: r["data"]), *rows)]
            tables.write(NAME, "Two texts to one", "python benchmarks/tasks/pair.py", HEAD, written)


if __name__ == "__main__":
    main()
