"""Training speed on Multi30k en-de, joint 8,000-piece BPE, as `regard train` reports it: real target tokens a second, ends counted.

    python benchmarks/training_speed.py [--threads 2] [--updates 80]

The models are those of the peers' table: a Transformer 3+3 (d 256, 4 heads, feed-forward 1024) and a GRU 512 (embeddings 256, additive
attention, input feeding).  The median over reports of ten updates each, the first report left out; peak memory of the process.
Writes benchmarks/results/training-speed.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data")) / "multi30k"
COMMON = [
    "data.source_tokenizer=bpe(8000)",
    "data.target_tokenizer=bpe(8000)",
    "data.joint=true",
    "train.report_every=10",
    "train.metric=loss",
]
GRU = [
    "model.encoder=bigru",
    "model.decoder=gru",
    "model.size=512",
    "model.embedding=256",
    "model.dropout=0.2",
    "train.batch_tokens=1000",
]
MODELS = {
    "Transformer 3+3, d 256": [
        *("model.family=transformer", "model.encoder_layers=3", "model.decoder_layers=3", "model.size=256", "model.heads=4"),
        *("model.feedforward=1024", "model.tie=all", "model.dropout=0.1", "train.batch_tokens=3400"),
    ],
    "GRU 512, additive, Luong with feeding": [*GRU, "model.order=luong", "model.input_feeding=true"],
    "GRU 512, additive, Bahdanau": [*GRU, "model.tie=output"],
}


def measure(overrides: list[str], precision: str, threads: int, updates: int) -> tuple[float, float]:
    """Median target tokens a second, and peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        for side in ("en", "de"):  # a validation at the end is part of every run; two lines keep it short
            text = (DATA / f"valid.{side}").read_text(encoding="utf-8").splitlines()[:2]
            Path(folder, f"v.{side}").write_text("\n".join(text) + "\n", encoding="utf-8")
        files = [w for s in ("en", "de") for w in ("--train", str(DATA / f"train.{s}.gz"), "--valid", f"{folder}/v.{s}")]
        settings = [
            f"train.updates={updates}",
            f"train.validate_every={updates}",
            f"train.threads={threads}",
            f"train.precision={precision}",
        ]
        command = [sys.executable, "-m", "regard", "train", *files, "--out", f"{folder}/run", *COMMON, *overrides, *settings]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        rows = [json.loads(line) for line in Path(folder, "run", "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    reports = [row for row in rows if row["kind"] == "train"][1:]
    return statistics.median(r["tokens_per_second"] for r in reports), max(r["peak_memory_mb"] for r in reports)


def main() -> None:
    """Measure all models in both precisions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=80)
    asked = parser.parse_args()
    lines = [f"# Training speed\n\n{date.today()}, {asked.threads} threads, {asked.updates} updates.\n"]
    lines += ["| model | precision | target tokens/s | peak RSS MB |", "|---|---|---|---|"]
    for name, overrides in MODELS.items():
        for precision in ("auto", "float32"):
            speed, memory = measure(overrides, precision, asked.threads, asked.updates)
            lines.append(f"| {name} | {precision} | {speed:,.0f} | {memory:,.0f} |")
            print(lines[-1], flush=True)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "training-speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
