"""Kinds of questions (TREC-6), mood of sentences (SST-2), names by language: benchmarks/results/task-classify.csv and .md.

    python benchmarks/tasks/classify.py --seeds 1 2 3 --threads 2        # all; some hours on two cores
    python benchmarks/tasks/classify.py --only trec6/attention sst2/attention names18/attention

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  TREC-6: the epoch is chosen on a tenth of train that is set aside, the figures are those of test.  SST-2 and names: judged on valid,
which also chose the epoch that was kept.  Minutes: wall time of `regard train`, whole process, reading and validation included.
Baselines: the most frequent label of train; every token by itself and their mean (a bag of words, no recurrence).
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
from collections import Counter
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables

from regard.data.files import lines
from regard.tasks.classify import class_figures

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
NAME, MEDIAN = "task-classify", "median"
FIGURES = ("accuracy", "macro_f1", "loss")
HEAD = ("data", "model", "seed", *FIGURES, "minutes", "threads", "date")
FILES = {  # train, valid, judged
    "trec6": (("cls/trec6/train.tsv.gz",), (), ("cls/trec6/test.tsv",)),
    "sst2": (("cls/sst2/train.tsv.gz",), *(("cls/sst2/valid.tsv",),) * 2),
    "names18": (("cls/names18/train.tsv",), *(("cls/names18/valid.tsv",),) * 2),
}
WORDS = {  # what the recipe is told of each
    "trec6": ("data.source=3", "data.target=1"),
    "sst2": (
        *("data.source=2", "data.target=1", "model.embedding=200", "model.size=100", "model.embedding_dropout=0.5"),
        *("train.batch_tokens=1000", "train.epochs=7", "train.warmup=150"),
        *("classify.letters=0", "classify.min_count=2", "classify.unseen=0.2"),
    ),
    "names18": (
        *("data.source=2", "data.target=1", "data.source_tokenizer=char", "classify.letters=0", "classify.min_count=1"),
        *("model.embedding=32", "model.embedding_dropout=0.1", "model.dropout=0.3"),
    ),
}
# Every token sees itself alone, and does not know where it stands.
BAG = (
    *("model.family=transformer", "model.size=128", "model.heads=1", "model.feedforward=256", "model.encoder_layers=1"),
    *("model.positions=none", "model.self_attention.scope=window(0)", "classify.pooling=mean"),
)
RUNS = {
    f"{data}/{model}": words
    for data in FILES
    for model, words in {
        "attention": (),
        "mean": ("classify.pooling=mean",),
        "last": ("classify.pooling=last",),
        "max": ("classify.pooling=max",),
        "structured": ("classify.pooling=structured", "classify.hop_penalty=0.1"),
        "bag of words": BAG,
    }.items()
}
RUNS |= {"trec6/no letters": ("classify.letters=0",), "sst2/letters": ("classify.letters=50",)}
RUNS |= {"names18/balanced": ("classify.class_weights=balanced",)}
MOST = "most frequent label"


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
        command = [*regard, "train", str(ROOT / "configs" / "classify.yaml"), *files, "--out", f"{folder}/run"]
        command += [*WORDS[data], *RUNS[name]]
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


def most_frequent(data: str) -> dict[str, str]:
    """What answering the most frequent label of train with every text would reach."""
    column = int(next(word.partition("=")[2] for word in WORDS[data] if word.startswith("data.target"))) - 1
    known, asked = ([line.split("\t")[column] for line in lines(str(DATA / FILES[data][part][0]))] for part in (0, 2))
    found = class_figures([Counter(known).most_common(1)[0][0]] * len(asked), asked)
    figures = {figure: f"{found[figure]:.4f}" if figure in found else "-" for figure in FIGURES}
    return {"data": data, "model": MOST, "seed": "-", **figures, "minutes": "0", "threads": "1", "date": str(date.today())}


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
    lacking = [str(DATA / file) for name in RUNS for part in FILES[name.split("/")[0]] for file in part]
    if lacking := [file for file in dict.fromkeys(lacking) if not Path(file).exists()]:
        sys.exit(f"{lacking[0]}: expected a data file; received no such file. Name the folder of the data: REGARD_DATA=FOLDER.")
    path = tables.RESULTS / f"{NAME}.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    rows = [row for row in rows if not row["seed"].startswith(MEDIAN) and row["model"] != MOST]
    had = {(f"{row['data']}/{row['model']}", row["seed"]) for row in rows}
    known = [most_frequent(data) for data in dict.fromkeys(name.split("/")[0] for name in RUNS)]
    for seed in asked.seeds:
        for name in asked.only:
            if (name, str(seed)) in had:
                continue
            rows.append(run(name, seed, asked.threads))
            print(rows[-1], flush=True)
            written = [[row[key] for key in HEAD] for row in (*medians(rows), *known, *rows)]
            tables.write(NAME, "Classification", "python benchmarks/tasks/classify.py", HEAD, written)


if __name__ == "__main__":
    main()
