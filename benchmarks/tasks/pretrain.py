"""What pre-training is worth: SST-2 and TREC with 500 labelled examples, read by a net after eleven novels, and by the same net untrained.

    python benchmarks/tasks/pretrain.py [--minutes 60] [--subsets 5] [--rates 3e-4] [--poolings max] [--tasks sst2 trec6]
                                         [--seeds 1] [--pieces 8000] [--choosing 50] [--average 5] [--runs DIR]

A BERT of 2 layers, 256 wide, so many word-pieces, is trained for so many minutes (counted out in updates by the time of some): on
masked words, three in ten; and, for as many updates, from left to right.
Then each is fine-tuned, from the maximum of its states, on 500 examples drawn from the training data, of which 50 choose among means of
five epochs (pooling, rate, epochs and mean were chosen on SST-2's training examples that are in no subset), and judged on SST-2's
validation sentences and TREC's test questions, which choose nothing; likewise the net as it was drawn, with the same keys.  A row that is
in the CSV already is not run again.
Data: REGARD_DATA, else ../shared/data.
Writes benchmarks/results/task-pretrain.csv and .md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import statistics
import sys
import time
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import RESULTS, keep, read_rows, write

from regard import runs as fit
from regard.config import read_config
from regard.tasks import registry
from regard.tasks.load_run import load_run
from regard.tasks.pretrain.task import export

NAME = "task-pretrain"
HEAD = (
    "task",
    "reader",
    "pieces",
    "seed",
    "subset",
    "rate",
    "pooling",
    "chosen",
    "accuracy",
    "minutes of pre-training",
    "updates",
    "held-out loss",
    "seconds",
)
DATA = Path(os.environ.get("REGARD_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
TASKS: dict[str, dict[str, Any]] = {
    "sst2": {"train": "cls/sst2/train.tsv.gz", "judged": "cls/sst2/valid.tsv", "columns": {"source": 2, "target": 1}},
    "trec6": {"train": "cls/trec6/train.tsv.gz", "judged": "cls/trec6/test.tsv", "columns": {"source": 3, "target": 1}},
}
MANNERS: dict[str, dict[str, Any]] = {
    "masked + next sentence": {},
    "masked": {"next": False, "share": 0.3},
    "left-to-right": {"manner": "left-to-right", "next": False},
}
LABELLED, FIRST = 500, 40  # examples; updates that are timed


def pretraining(manner: str, pieces: int, seed: int, updates: int, every: int, threads: int) -> Any:
    files = sorted(str(path) for path in (DATA / "text/gutenberg_en").glob("*.txt.gz"))
    return read_config(
        {
            "task": "pretrain",
            "data": {"train": files, "valid_share": 0.01},
            "model": {"size": 256, "encoder_layers": 2, "heads": 4, "feedforward": 1024, "dropout": 0.0},
            "pretrain": {"length": 64, "vocabulary": f"wordpiece({pieces})", **MANNERS[manner]},
            "train": {
                **{"seed": seed, "epochs": 1000, "updates": updates, "validate_every": every, "batch_tokens": 4000},
                **{"learning_rate": 1.5e-3, "schedule": "linear", "warmup": min(300, updates // 4 + 1)},
                **{"weight_decay": 0.01, "threads": threads, "samples": 0, "report_every": min(updates // 2, 200)},
            },
        }
    )


def pretrained(manner: str, pieces: int, seed: int, minutes: float, updates: int, runs: Path, threads: int) -> dict[str, Any]:
    """The run of a manner, made where it is not there yet; and how it went.  updates: 0: as many as these minutes hold."""
    folder = runs / f"{manner.replace(' ', '-')}-{pieces}-{seed}-{minutes:g}"
    told = folder / "told.csv"
    if told.is_file():
        return {"folder": str(folder), **next(csv.DictReader(told.open(encoding="utf-8")))}
    shutil.rmtree(folder, ignore_errors=True)
    if not updates:
        timed = runs / "timed"
        shutil.rmtree(timed, ignore_errors=True)
        updates = max(FIRST, int(60 * minutes / timed_updates(pretraining(manner, pieces, seed, FIRST, FIRST, threads), timed)))
    begun = time.perf_counter()
    run = fit.train(pretraining(manner, pieces, seed, updates, max(updates // 6, 1), threads), folder, say=told_to_stderr)
    spent = (time.perf_counter() - begun) / 60
    row = {"minutes": f"{spent:.1f}", "updates": str(updates), "loss": f"{run.metrics['loss']:.3f}"}
    with told.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    return {"folder": str(folder), **row}


def timed_updates(config: Any, folder: Path) -> float:
    """Seconds an update, those of the second half, in which everything is compiled."""
    fit.train(config, folder, say=quiet)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    half, whole = (float(row["seconds"]) for row in rows if row["kind"] == "train")
    shutil.rmtree(folder)
    return (whole - half) / (FIRST / 2)


def untrained(like: str, pieces: int, seed: int, runs: Path) -> str:
    """A folder of the same net as it was drawn, with the same vocabulary."""
    folder = runs / f"untrained-{pieces}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(Path(like) / "bert", folder / "bert")
    (folder / "bert" / "model.safetensors").unlink()
    model = load_run(like)
    torch.manual_seed(seed)
    export(registry.of("pretrain").model(model.config, folder), folder / "bert")  # type: ignore[attr-defined]  # this job has it
    return str(folder / "bert")


def subset(task: str, number: int, runs: Path) -> str:
    """500 examples, drawn by the subset's number."""
    lines = gzip.decompress((DATA / TASKS[task]["train"]).read_bytes()).decode().splitlines()
    file = runs / f"{task}.{number}.tsv"
    file.write_text("".join(f"{line}\n" for line in Random(number).sample(lines, LABELLED)), encoding="utf-8")
    return str(file)


def judged(task: str, reader: str, number: int, rate: float, pooling: str, asked: Any) -> float:
    """Accuracy after fine-tuning."""
    runs, threads = asked.runs, asked.threads
    out = runs / f"tuned-{os.getpid()}"
    shutil.rmtree(out, ignore_errors=True)
    values = {
        "task": "classify",
        "classify": {"pooling": pooling},
        "data": {"train": [subset(task, number, runs)], "valid_share": asked.choosing / LABELLED, **TASKS[task]["columns"]},
        "model": {"pretrained": reader, "dropout": 0.1},
        "train": {
            **{"seed": number, "epochs": 24, "batch_tokens": 500, "learning_rate": rate, "warmup": 20, "threads": threads},
            **{"schedule": "linear", "average": asked.average, "samples": 0, "weight_decay": 0.01, "precision": "float32"},
        },
    }
    fit.train(read_config(values), out, say=quiet)
    return float(load_run(out).evaluate([str(DATA / TASKS[task]["judged"])])["metrics"]["accuracy"])


def quiet(line: str) -> None:
    """Says nothing."""


def told_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def page(command: str) -> None:
    """The mean over subsets, for each task, reader and rate; the CSV keeps every run."""
    rows, groups = read_rows(RESULTS / f"{NAME}.csv"), dict[tuple[str, ...], list[dict[str, str]]]()
    told = ("task", "reader", "pieces", "rate", "pooling", "chosen", "minutes of pre-training")
    for row in rows:
        groups.setdefault(tuple(row[key] for key in told), []).append(row)
    made = []
    for (*about, minutes), group in groups.items():
        each = [100 * float(row["accuracy"]) for row in group]
        spread = statistics.stdev(each) if len(each) > 1 else 0.0
        made.append((*about, len(each), f"{statistics.mean(each):.1f} ± {spread:.1f}", minutes, group[0]["updates"]))
    head = (*told[:-1], "runs", "accuracy, %, mean ± deviation", "minutes of pre-training", "updates")
    kept = (RESULTS / f"{NAME}.csv").read_text(encoding="utf-8")
    write(NAME, "Pre-training: 500 labelled examples after eleven novels", command, head, made)
    (RESULTS / f"{NAME}.csv").write_text(kept, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="of pre-training, in the first manner")
    parser.add_argument("--subsets", type=int, default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4])
    parser.add_argument("--poolings", nargs="+", default=["max"], choices=["max", "mean", "cls"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--choosing", type=int, default=50, help="of the labelled examples, choose what is judged")
    parser.add_argument("--average", type=int, default=5, help="epochs whose mean is judged")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--pieces", type=int, default=8000, help="of the vocabulary")
    parser.add_argument("--manners", nargs="+", default=["masked", "left-to-right"], choices=list(MANNERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs/task-pretrain"))
    asked = parser.parse_args()
    if not (DATA / "text/gutenberg_en").is_dir():
        raise SystemExit(f"error: {DATA}: expected data sets (text/gutenberg_en, cls); received none. Set REGARD_DATA.")
    asked.runs.mkdir(parents=True, exist_ok=True)
    for seed in asked.seeds:
        readers, updates = dict[str, dict[str, Any]](), 0
        for manner in asked.manners:
            readers[manner] = pretrained(manner, asked.pieces, seed, asked.minutes, updates, asked.runs, asked.threads)
            updates = int(readers[manner]["updates"])
        drawn = untrained(readers[asked.manners[0]]["folder"], asked.pieces, seed, asked.runs)
        readers["untrained"] = {"folder": drawn, "minutes": "0", "updates": "0", "loss": "-"}
        for rate, pooling, task in product(asked.rates, asked.poolings, asked.tasks):
            for number in range(1, asked.subsets + 1):
                for name, about in readers.items():
                    run_one(task, name, about, seed, number, rate, pooling, asked)
    page(f"python benchmarks/tasks/pretrain.py --minutes {asked.minutes:g} --pieces {asked.pieces}")


def run_one(task: str, name: str, about: dict[str, Any], seed: int, number: int, rate: float, pooling: str, asked: Any) -> None:
    """One row, unless it is there."""
    row = {
        "task": task,
        "reader": name,
        "pieces": asked.pieces,
        "seed": seed,
        "subset": number,
        "rate": f"{rate:g}",
        "pooling": pooling,
        "chosen": f"{f'mean of {asked.average} epochs' if asked.average > 1 else 'an epoch'}, by {asked.choosing}",
    }
    row |= {"minutes of pre-training": about["minutes"], "updates": about["updates"], "held-out loss": about["loss"]}
    if any(all(had[key] == str(value) for key, value in row.items()) for had in read_rows(RESULTS / f"{NAME}.csv")):
        return
    begun = time.perf_counter()
    row["accuracy"] = f"{judged(task, about['folder'], number, rate, pooling, asked):.4f}"
    row["seconds"] = f"{time.perf_counter() - begun:.0f}"
    keep(RESULTS / f"{NAME}.csv", {key: row.get(key, "") for key in HEAD})
    print(row, flush=True)


if __name__ == "__main__":
    main()
