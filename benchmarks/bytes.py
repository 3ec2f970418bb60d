"""What int8 weights cost in quality: BLEU of the same model in float32 and in bytes, and how many lines change.

    python benchmarks/bytes.py SOURCE TARGET RUN [RUN ...] [--threads 1]

SOURCE, TARGET: a test set, line by line (.gz or not).  BLEU: sacrebleu, cased, 13a.  Writes benchmarks/results/bytes.csv and .md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import sacrebleu
import tables
import torch

import regard
from regard.data.text_files import lines

HEAD = ("run", "beam", "BLEU, float32", "BLEU, int8", "lost", "lines that change", "of")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    source, right = list(lines(asked.source)), list(lines(asked.target))
    rows = []
    for run in asked.runs:
        models = [regard.load(run, precision=precision) for precision in ("float32", "int8")]
        for beam in (1, 5):
            said = [[p.text for p in model.predict(source, beam=beam)] for model in models]
            scores = [sacrebleu.corpus_bleu(each, [right]).score for each in said]
            changed = sum(a != b for a, b in zip(*said, strict=True))
            rows.append((run.name, beam, *(f"{x:.2f}" for x in scores), f"{scores[0] - scores[1]:.2f}", changed, len(source)))
            print(rows[-1], flush=True)
    name = Path(asked.source).name
    tables.write(
        "bytes", f"Weights in bytes: {name}", f"python benchmarks/bytes.py {name} {Path(asked.target).name} RUN ...", HEAD, rows
    )


if __name__ == "__main__":
    main()
