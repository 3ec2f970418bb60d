"""The default road, as a user types it: no recipe, no key but the columns.  Writes benchmarks/results/defaults.csv and defaults.md.

    python benchmarks/defaults.py                                # all of it: some hours
    python benchmarks/defaults.py g2p-rum trec --seeds 1 --threads 2

Each row is `regard train --train F [--valid V] --out RUN train.seed=S train.threads=N`, then `regard evaluate RUN JUDGED` (beam 5), each a
process of its own; it is appended when it ends, so that an interrupted benchmark goes on where it stopped.  Seconds of CPU and the largest
resident set are those of the training, start and validation included, as the system says.  `fre-1546`: 1,546 of the 3,600 French words,
drawn with a fixed seed, a share of them set aside for validation; `trec`: a share of train set aside; both are judged on what no choice
has seen.  The others are judged on the validation file, which also chose the model that was kept: their figures flatter a little.
Data: $REGARD_DATA, else ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import tables
import torch

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "defaults.csv"
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
LANGUAGES = ("arm", "bul", "fre", "geo", "gre", "hin", "hun", "ice", "kor", "rum")


@dataclass(frozen=True)
class Job:
    """train, valid, judged: files below the data folder; figure: what is told of it; part: so many items of train, 0: all."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    judged: tuple[str, ...]
    figure: str = "exact"
    words: tuple[str, ...] = ()
    part: int = 0


SNIPS = ("slot/snips/{}.in", "slot/snips/{}.out", "slot/snips/{}.label")
SICK = ("data.source=sentence_A", "data.target=entailment_judgment", "pair.second=sentence_B")
TURKISH = "inflection/conll2018/turkish"
JOBS: dict[str, Job] = {
    **{f"g2p-{name}": Job((f"{at}_train.tsv",), (f"{at}_valid.tsv",), (f"{at}_valid.tsv",))
       for name in LANGUAGES for at in [f"g2p/sigmorphon2020/{name}"]},
    "fre-1546": Job(("g2p/sigmorphon2020/fre_train.tsv",), (), ("g2p/sigmorphon2020/fre_valid.tsv",), part=1546),
    "turkish": Job((f"{TURKISH}_train_high.tsv.gz",), (f"{TURKISH}_valid.tsv",), (f"{TURKISH}_valid.tsv",), words=("data.features=3",)),
    "snips": Job(tuple(f.format("train") + (".gz" if not f.endswith("label") else "") for f in SNIPS),
                 tuple(f.format("valid") for f in SNIPS), tuple(f.format("valid") for f in SNIPS), "slot_f1", ("--task", "tag")),
    "trec": Job(("cls/trec6/train.tsv.gz",), (), ("cls/trec6/test.tsv",), "accuracy",
                ("--task", "classify", "data.source=3", "data.target=1")),
    "sick": Job(("pairs/sick/train.tsv.gz",), ("pairs/sick/valid.tsv",), ("pairs/sick/valid.tsv",), "accuracy",
                ("--task", "pair", *SICK)),
}  # fmt: skip


def measure(name: str, seed: int, threads: int, beside: int) -> dict[str, object]:
    """One training and its figure."""
    job, regard = JOBS[name], [sys.executable, "-m", "regard"]
    with tempfile.TemporaryDirectory() as folder:
        run, train = f"{folder}/run", [str(DATA / file) for file in job.train]
        if job.part:
            train = [_drawn(DATA / job.train[0], job.part, Path(folder))]
        files = [w for file in train for w in ("--train", file)] + [w for f in job.valid for w in ("--valid", str(DATA / f))]
        command = [*regard, "train", *files, "--out", run, f"train.seed={seed}", f"train.threads={threads}", *job.words]
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"error: {' '.join(command)}: expected exit code 0; received {os.waitstatus_to_exitcode(status)}.")
        wall = time.perf_counter() - begun
        judge = [*regard, "evaluate", run, *(str(DATA / f) for f in job.judged), "--json", "--quiet"]
        found = json.loads(subprocess.run(judge, check=True, capture_output=True).stdout)["metrics"]
    row: dict[str, object] = {"job": name, "seed": seed, "threads": threads, "beside": beside, "figure": job.figure}
    row |= {"reached": round(found[job.figure], 4), "cpu": round(used.ru_utime + used.ru_stime, 1)}
    return row | {"wall": round(wall, 1), "mb": round(used.ru_maxrss / 1024), "date": str(date.today())}


def _drawn(path: Path, count: int, folder: Path) -> str:
    """A file of so many lines of a file, always the same ones, in order."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    made = folder / path.name
    made.write_text("".join(lines[i] for i in sorted(random.Random(1).sample(range(len(lines)), count))), encoding="utf-8")
    return str(made)


def table(rows: list[dict[str, str]]) -> str:
    """A line a job: each seed, the median, and what it cost."""
    lines = [
        "# The default road",
        "",
        f"torch {torch.__version__}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores.",
    ]
    lines += [
        "",
        "Beside: how many trainings ran side by side on the machine, which may have had other work: CPU is told beside the clock.",
        "",
    ]
    lines += [
        "| job | figure | seeds | each seed | median | CPU s | clock s | MB | threads | beside |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    medians: dict[str, float] = {}
    for name in dict.fromkeys(row["job"] for row in rows):
        own = [row for row in rows if row["job"] == name]
        of = lambda key, own=own: [float(row[key]) for row in own]
        medians[name] = statistics.median(of("reached"))
        each = " ".join(f"{x:.4f}" for x in of("reached"))
        cost = " | ".join(f"{statistics.median(of(key)):.0f}" for key in ("cpu", "wall", "mb", "threads", "beside"))
        lines.append(
            f"| {name} | {own[0]['figure']} | {' '.join(row['seed'] for row in own)} | {each} | {medians[name]:.4f} | {cost} |"
        )
    ten = [1 - medians[f"g2p-{name}"] for name in LANGUAGES if f"g2p-{name}" in medians]
    if len(ten) == len(LANGUAGES):
        lines += [
            "",
            f"Ten languages of SIGMORPHON 2020: the mean of the medians of 1 - exact is **{statistics.mean(ten):.4f}**.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is not in the CSV yet, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(JOBS), help=f"of {', '.join(JOBS)}; all otherwise")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    parser.add_argument("--threads", type=int, default=2, help="threads of each")
    asked = parser.parse_args()
    jobs = [(name, seed) for seed in asked.seeds for name in asked.names]
    rows = tables.go_on(RESULTS, jobs, lambda name, seed: measure(name, seed, asked.threads, asked.jobs), asked.jobs)
    RESULTS.with_suffix(".md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
