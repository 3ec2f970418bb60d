"""Slots and intents of SNIPS, and entities of WNUT-17: benchmarks/results/task-tag.csv and .md.

    python benchmarks/tasks/tag.py --seeds 1 2 3 --threads 2        # all; an hour and a half on two cores
    python benchmarks/tasks/tag.py --only snips/recipe wnut17/recipe

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  SNIPS: judged on valid, which also chose the epoch that was kept.  WNUT-17: the epoch is chosen on valid, the figures are those of
test.  Minutes: wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
NAME, MEDIAN = "task-tag", "median"
FIGURES = ("slot_f1", "slot_precision", "slot_recall", "token_accuracy", "intent_accuracy", "sentence_accuracy", "loss")
HEAD = ("data", "model", "seed", *FIGURES, "minutes", "threads", "date")
FILES = {  # train, valid, judged
    "snips": (
        tuple(f"slot/snips/train.{part}" for part in ("in.gz", "out.gz", "label")),
        *(tuple(f"slot/snips/valid.{part}" for part in ("in", "out", "label")),) * 2,
    ),
    "wnut17": (("ner/wnut17/train.conll.gz",), ("ner/wnut17/valid.conll",), ("ner/wnut17/test.conll",)),
}
# Every token sees itself alone, and does not know where it stands; its label is still read from all of them.
FEED_FORWARD = (
    *("model.family=transformer", "model.size=200", "model.heads=1", "model.feedforward=400", "model.encoder_layers=1"),
    *("model.positions=none", "model.self_attention.scope=window(0)", "model.embedding_dropout=0.2", "model.dropout=0.2"),
    "tag.head=softmax",
)
MORE = "train.epochs=40"  # of half as many tokens, nearly all of them O
RUNS = {
    "snips/recipe": (),
    "snips/softmax": ("tag.head=softmax",),
    "snips/no letters": ("tag.letters=0",),
    "snips/min_count 1": ("tag.min_count=1",),
    "snips/feed-forward": FEED_FORWARD,
    "wnut17/recipe": (MORE,),
    "wnut17/feed-forward": (*FEED_FORWARD, MORE),
}


def run(name: str, seed: int, threads: int) -> dict[str, str]:
    """Train and judge, in a fresh process each."""
    data, model = name.split("/")
    train, valid, judged = FILES[data]
    regard, environment = [sys.executable, "-m", "regard"], {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        files = [
            word
            for option, names in (("--train", train), ("--valid", valid))
            for file in names
            for word in (option, str(DATA / file))
        ]
        command = [*regard, "train", str(ROOT / "configs" / "tag.yaml"), *files, "--out", f"{folder}/run", *RUNS[name]]
        begun = time.perf_counter()
        subprocess.run(
            [*command, f"train.seed={seed}", f"train.threads={threads}"], check=True, capture_output=True, env=environment
        )
        minutes = (time.perf_counter() - begun) / 60
        judge = [*regard, "evaluate", f"{folder}/run", *(str(DATA / file) for file in judged), "--json"]
        found = json.loads(subprocess.run(judge, check=True, capture_output=True, env=environment).stdout)["metrics"]
    figures = {figure: f"{found[figure]:.4f}" if figure in found else "-" for figure in FIGURES}
    row = {"data": data, "model": model, "seed": str(seed), **figures}
    return row | {"minutes": f"{minutes:.1f}", "threads": str(threads), "date": str(date.today())}


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
        row = {"data": data, "model": model, "seed": f"{MEDIAN} of {len(own)}", **middle}
        made.append(row | {key: most[key] for key in ("minutes", "threads", "date")})
    return made


def main() -> None:
    """Run what the table has not yet, and write it after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS), metavar="DATA/MODEL", help=", ".join(RUNS))
    asked = parser.parse_args()
    lacking = [str(DATA / file) for name in asked.only for part in FILES[name.split("/")[0]] for file in part]
    if lacking := [file for file in dict.fromkeys(lacking) if not Path(file).exists()]:
        sys.exit(f"{lacking[0]}: expected a data file; received no such file. Name the folder of the data: REGARD_DATA=FOLDER.")
    path = tables.RESULTS / f"{NAME}.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    rows = [row for row in rows if not row["seed"].startswith(MEDIAN)]
    had = {(f"{row['data']}/{row['model']}", row["seed"]) for row in rows}
    for seed in asked.seeds:
        for name in asked.only:
            if (name, str(seed)) in had:
                continue
            rows.append(run(name, seed, asked.threads))
            print(rows[-1], flush=True)
            written = [[row[key] for key in HEAD] for row in (*medians(rows), *rows)]
            tables.write(NAME, "Tagging", "python benchmarks/tasks/tag.py", HEAD, written)


if __name__ == "__main__":
    main()
