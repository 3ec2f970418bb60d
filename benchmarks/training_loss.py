"""Validation loss at equal updates, on Multi30k en-de beside OpenNMT-py: what speed costs in quality.

    benchmarks/peers/install.sh [FOLDER]
    python benchmarks/training_loss.py [--peers FOLDER] [--threads 2] [--updates 100]

The Transformer, pieces and batches of `training.py`, and one schedule for both: warm-up over 1,000 updates to 0.00198, then the inverse
square root (OpenNMT-py's `noam` with its own factor 1), Adam, gradients clipped at 1.  Each is judged on Multi30k's own validation part by
cross-entropy without smoothing, in nats a piece, ends counted.  Writes benchmarks/results/training-loss.csv and training-loss.md.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import tables
import training

SCHEDULE = ["train.learning_rate=0.0019764", "train.schedule=inverse-sqrt", "train.warmup=1000", "train.clip=1.0"]


def main() -> None:
    asked, rows = training.beside_peers(__doc__, 100).parse_args(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut = training.pieces(folder)
        for side in ("en", "de"):
            lines = (training.DATA / f"valid.{side}").read_text(encoding="utf-8").splitlines()
            told = "".join(" ".join(e.tokens) + "\n" for e in cut.encode_batch(lines))
            (folder / f"valid.{side}").write_text(told, encoding="utf-8")
        parts = {
            "corpus": {"path_src": "train.en", "path_tgt": "train.de", "transforms": []},
            "valid": {"path_src": "valid.en", "path_tgt": "valid.de", "transforms": []},
        }
        sides = {
            "OpenNMT-py 3.5.1, float32": lambda: training.opennmt(folder, asked, data=parts, valid_steps=asked.updates),
            "regard, as it comes (bfloat16)": lambda: training.regard(folder, asked, [*training.TRANSFORMER, *SCHEDULE], "auto"),
            "regard, float32": lambda: training.regard(folder, asked, [*training.TRANSFORMER, *SCHEDULE], "float32"),
        }
        for side, measure in sides.items():
            found = measure()
            assert found.loss is not None, f"{side} told no validation loss"
            rows.append((side, asked.updates, round(found.tokens), f"{found.loss:.3f}"))
            print(*rows[-1], flush=True)
    head = ("side", "updates", "target tokens an update", "validation loss, nats a token")
    command = f"python benchmarks/training_loss.py --threads {asked.threads} --updates {asked.updates}"
    tables.write("training-loss", "Validation loss at equal updates", command, head, rows)


if __name__ == "__main__":
    main()
