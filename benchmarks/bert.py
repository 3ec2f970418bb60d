"""BERT's masked words beside Hugging Face's Trainer, in one run: words told a second, 4 layers of 256.

    benchmarks/peers/install.sh [FOLDER]
    python benchmarks/bert.py [--peers FOLDER] [--threads 2] [--updates 40] [--rounds 1]

The English lines of Multi30k, lower-cased, in 8,000 word-pieces that both read; passages of 128 pieces, 32 of them an update; dropout 0.1,
no next sentence.  Regard packs lines into passages, the other side cuts one long row of pieces, as its example script does; real words are
counted, those that were hidden.  Each side reports every ten updates by its own clock, the first report is left out, and the median of the
others is taken.  Both as they come, and both in the other precision too.  Memory: the largest resident set of the process.
Writes benchmarks/results/bert.csv and bert.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import tables
from training import DATA, run

SIZES = {"size": 256, "layers": 4, "heads": 4, "feedforward": 1024}
LENGTH, ROWS = 128, 32


class Told(NamedTuple):
    """speed: hidden words told a second; words: of an update; megabytes: the peak."""

    speed: float
    words: float
    megabytes: float


def regard(folder: Path, asked: argparse.Namespace, precision: str) -> Told:
    words = {
        "model.size": SIZES["size"], "model.encoder_layers": SIZES["layers"], "model.heads": SIZES["heads"],
        "model.feedforward": SIZES["feedforward"], "model.dropout": 0.1, "pretrain.length": LENGTH, "pretrain.next": "false",
        "train.batch_tokens": LENGTH * ROWS, "train.updates": asked.updates, "train.validate_every": asked.updates,
        "train.report_every": 10, "train.threads": asked.threads, "train.precision": precision,
    }  # fmt: skip
    out = folder / f"run-{precision}"
    command = [
        sys.executable,
        "-m",
        "regard",
        "train",
        "--task",
        "pretrain",
        "--train",
        str(folder / "text.txt"),
        "--out",
        str(out),
    ]
    megabytes = run([*command, *(f"{key}={value}" for key, value in words.items())], asked.threads, folder / "regard.log")
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    reports = [row for row in rows if row["kind"] == "train"]
    return Told(statistics.median(r["tokens_per_second"] for r in reports[1:]), reports[-1]["tokens"] / asked.updates, megabytes)


def trainer(folder: Path, asked: argparse.Namespace, low: bool) -> Told:
    told = {**SIZES, "length": LENGTH, "rows": ROWS, "threads": asked.threads, "updates": asked.updates, "bf16": low}
    script, log = Path(__file__).parent / "peers" / "hf_pretrain.py", folder / "trainer.log"
    vocabulary = folder / "run-auto" / "bert" / "vocab.txt"
    command = [
        str(asked.peers / "trainer" / "bin" / "python"),
        str(script),
        str(vocabulary),
        str(folder / "text.txt"),
        json.dumps(told),
    ]
    megabytes = run(command, asked.threads, log)
    found = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return Told(statistics.median(found["speeds"]), found["told"], megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path(__file__).parent / "peers" / "environments")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        text = gzip.decompress((DATA / "train.en.gz").read_bytes()).decode("utf-8")
        (folder / "text.txt").write_text(text, encoding="utf-8")
        for turn in range(asked.rounds):
            sides = {
                "regard, as it comes": lambda: regard(folder, asked, "auto"),
                "Trainer, as it comes (float32)": lambda: trainer(folder, asked, False),
                "regard, float32": lambda: regard(folder, asked, "float32"),
                "Trainer, bf16": lambda: trainer(folder, asked, True),
            }
            for name, side in sides.items():
                told = side()
                rows.append((turn + 1, name, round(told.speed), round(told.words), round(told.megabytes)))
                print(*rows[-1], flush=True)
    head = ("round", "side", "hidden words a second", "of them an update", "MB")
    command = f"python benchmarks/bert.py --threads {asked.threads} --updates {asked.updates} --rounds {asked.rounds}"
    tables.write("bert", "BERT's masked words beside Hugging Face's Trainer", command, head, rows)


if __name__ == "__main__":
    main()
