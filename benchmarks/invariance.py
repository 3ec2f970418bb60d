"""Does the answer depend on the batch, the order or the way in (Python, a file, stdin)?  500 sentences, a trained run.

    python benchmarks/invariance.py RUN FILE [--count 500]

Predicts the first lines of FILE at batch sizes 1, 7 and 64, shuffled, through `regard predict` from a file and from stdin, and draws
samples at each size.  Prints the largest differences; exit code 1 where a text differs, a score by more than 1e-5 x max(1, |score|)
or an attention weight by more than 1e-5.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import regard
from regard.data.pairs import read_inputs
from regard.tasks.layouts import layout_of


def compare(name: str, found: list[Any], base: list[Any]) -> bool:
    """Print the largest differences, and say whether they are within bounds."""
    texts = sum(a.text != b.text for a, b in zip(found, base, strict=True))
    score = max(abs(a.score - b.score) / max(1.0, abs(b.score)) for a, b in zip(found, base, strict=True))
    weights = 0.0
    for a, b in zip(found, base, strict=True):
        if a.text == b.text:
            weights = max([weights, *(float(np.abs(w - b.attention[k]).max()) for k, w in a.attention.items() if w.size)])
    print(f"{name:34} texts that differ {texts}, score {score:.1e}, attention {weights:.1e}", flush=True)
    return texts == 0 and score <= 1e-5 and weights <= 1e-5


def main() -> None:
    """Compare all ways with the sentences one by one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=500)
    asked = parser.parse_args()
    model = regard.load(asked.run)
    items = list(read_inputs(asked.file, layout_of(model.config)))[: asked.count]
    order = list(range(len(items)))
    random.Random(1).shuffle(order)
    good = True
    for way, given in (("beam", {}), ("sample", {"sample": True, "seed": 3})):
        base = [p[0] for p in model.stream(items, batch_size=1, n_best=1, **given)]
        for size in (7, 64):
            found = [p[0] for p in model.stream(items, batch_size=size, n_best=1, **given)]
            good &= compare(f"{way}, batch size {size} against 1", found, base)
        shuffled = [p[0] for p in model.stream([items[i] for i in order], batch_size=64, n_best=1, **given)]
        good &= compare(f"{way}, shuffled", shuffled, [base[i] for i in order])
        if way == "beam":
            said = [p.text for p in base]
    lines = Path(asked.file).read_text(encoding="utf-8").splitlines(keepends=True)[: asked.count]
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "part" + Path(asked.file).suffix)
        part.write_text("".join(lines), encoding="utf-8")
        for name, file, stdin in (("file", str(part), None), ("stdin", "-", "".join(lines))):
            command = [sys.executable, "-m", "regard", "predict", str(asked.run), file]
            done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", check=True)
            differ = sum(a != b for a, b in zip(done.stdout.split("\n")[:-1], said, strict=True))
            print(f"{'regard predict, ' + name:34} texts that differ {differ}")
            good &= differ == 0
    sys.exit(not good)


if __name__ == "__main__":
    main()
