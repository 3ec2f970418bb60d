"""Train the recipes on real data and write what they reach: benchmarks/results/quality-NAME.csv and .md.

    python benchmarks/quality.py g2p --jobs 2 --threads 1          # ten languages, three seeds
    python benchmarks/quality.py inflection
    python benchmarks/quality.py translate-rnn translate-transformer

Data: $REGARD_DATA, else ../shared/data beside the checkout.  Each row is appended when its run ends, so an interrupted benchmark goes on
where it stopped.  Figures are those of `regard evaluate` on the named file; where that file also chose the model that was kept, the
table says so.  Minutes are wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
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
from translation import both

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
FIGURES = ("exact", "per", "bleu", "chrf", "loss")


@dataclass(frozen=True)
class Job:
    """One training: files relative to the data folder; judged: what is scored afterwards."""

    name: str
    config: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    judged: tuple[str, ...]
    language: str = ""  # of a translation's target: then BLEU is also taken as Moses tokenises it


G2P = [
    Job(lang, "g2p.yaml", (f"{base}_train.tsv",), (f"{base}_valid.tsv",), (f"{base}_valid.tsv",))
    for lang in ("arm", "bul", "fre", "geo", "gre", "hin", "hun", "ice", "kor", "rum")
    for base in [f"g2p/sigmorphon2020/{lang}"]
]
TURKISH = "inflection/conll2018/turkish"


def _multi30k(source: str, target: str) -> dict[str, tuple[str, ...]]:
    return {
        part: tuple(f"multi30k/{name}.{side}{zipped}" for side in (source, target))
        for part, name, zipped in (("train", "train", ".gz"), ("valid", "valid", ""), ("judged", "test2016", ""))
    }


TABLES = {
    "g2p": G2P,
    "inflection": [
        Job("turkish", "inflection.yaml", (f"{TURKISH}_train_high.tsv.gz",), (f"{TURKISH}_valid.tsv",), (f"{TURKISH}_valid.tsv",))
    ],
    "translate-rnn": [Job("en-de", "translate-rnn.yaml", **_multi30k("en", "de"), language="de")],
    "translate-transformer": [
        Job("en-de", "translate-transformer.yaml", **_multi30k("en", "de"), language="de"),
        Job("de-en", "translate-transformer.yaml", **_multi30k("de", "en"), language="en"),
    ],
}


def run(job: Job, seed: int, threads: int, keep: Path | None) -> dict[str, object]:
    """Train and judge one job in a fresh process each; a run that is kept is gone on with where it stopped."""
    regard = [sys.executable, "-m", "regard"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        out = str((keep or Path(folder)) / f"{job.config.removesuffix('.yaml')}-{job.name}-{seed}")
        files = [w for f in job.train for w in ("--train", str(DATA / f))] + [
            w for f in job.valid for w in ("--valid", str(DATA / f))
        ]
        begun = time.perf_counter()
        command = [*regard, "train", str(ROOT / "configs" / job.config), *files, "--out", out]
        command += [f"train.seed={seed}", f"train.threads={threads}"]
        before = _seconds(Path(out))
        subprocess.run([*command, *(["--resume"] if before else [])], check=True, capture_output=True, env=environment)
        minutes = (time.perf_counter() - begun + before) / 60
        judged = [*regard, "evaluate", out, *(str(DATA / f) for f in job.judged), "--json"]
        found = json.loads(subprocess.run(judged, check=True, capture_output=True, env=environment).stdout)
        extra = _moses_bleu(out, job, regard, environment) if job.language else {"bleu_lc_tok": "", "signatures": ""}
    row: dict[str, object] = {"job": job.name, "seed": seed, "threads": threads, "minutes": round(minutes, 2)}
    row |= {name: round(found["metrics"][name], 4) for name in FIGURES}
    return row | {"judged": "+".join(job.judged), "date": str(date.today())} | extra


def _seconds(out: Path) -> float:
    """How long a run that stopped had been trained."""
    rows = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines() if (out / "metrics.jsonl").exists() else []
    return json.loads(rows[-1])["seconds"] if rows else 0.0


def _moses_bleu(out: str, job: Job, regard: list[str], environment: dict[str, str]) -> dict[str, object]:
    """BLEU by the other convention too, and both signatures (see benchmarks/translation.py)."""
    source, reference = (str(DATA / f) for f in job.judged)
    said = subprocess.run([*regard, "predict", out, source], check=True, capture_output=True, env=environment, encoding="utf-8")
    found = both(said.stdout.splitlines(), Path(reference).read_text(encoding="utf-8").splitlines(), job.language)
    return {
        "bleu_lc_tok": round(found["lower-cased, tokenised"][0], 2),
        "signatures": " ; ".join(sign for _, sign in found.values()),
    }


def table(name: str, rows: list[dict[str, str]]) -> str:
    """The Markdown: each job's median over seeds, and every seed."""
    jobs = list(dict.fromkeys(row["job"] for row in rows))
    lines = [
        f"# {name}",
        "",
        f"torch {torch.__version__}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores.",
        "",
    ]
    if all(job.valid == job.judged for job in TABLES[name]):
        lines += ["Judged on the validation file, which also chose the model that was kept: the figures flatter a little.", ""]
    lines += [
        "| job | seeds | exact, each seed | exact | 1 - exact | per | bleu | chrf | loss | minutes (most) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    medians = []
    for job in jobs:
        own = [row for row in rows if row["job"] == job]
        middle = {f: statistics.median(float(row[f]) for row in own) for f in FIGURES}
        medians.append(middle)
        each = " ".join(f"{float(row['exact']):.4f}" for row in own)
        most = max(float(row["minutes"]) for row in own)
        seeds, moses = " ".join(row["seed"] for row in own), sorted(row["bleu_lc_tok"] for row in own)[len(own) // 2] or "-"
        lines.append(
            f"| {job} | {seeds} | {each} | {middle['exact']:.4f} | {1 - middle['exact']:.4f} | {middle['per']:.4f} | {middle['bleu']:.2f} "
            f"| {moses} | {middle['chrf']:.2f} | {middle['loss']:.4f} | {most:.1f} ({own[0]['threads']} threads) |"
        )
    if len(jobs) > 1:
        mean = {f: statistics.mean(m[f] for m in medians) for f in FIGURES}
        lines.append(
            f"| **mean of medians** | | | {mean['exact']:.4f} | **{1 - mean['exact']:.4f}** | {mean['per']:.4f} | | | | | |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is not in the CSV yet, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(TABLES), help="of the tables; all otherwise")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    parser.add_argument("--threads", type=int, default=2, help="threads of each")
    parser.add_argument("--keep", type=Path, help="a folder for the runs; otherwise they are thrown away")
    asked = parser.parse_args()
    for name in asked.names:
        path, kinds = RESULTS / f"quality-{name}.csv", {job.name: job for job in TABLES[name]}
        jobs = [(job, seed) for seed in asked.seeds for job in kinds]
        rows = tables.go_on(path, jobs, lambda job, seed, of=kinds: run(of[job], seed, asked.threads, asked.keep), asked.jobs)
        path.with_suffix(".md").write_text(table(name, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
