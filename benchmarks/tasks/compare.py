"""Six ways to look, three languages of SIGMORPHON 2020 (pronunciation), three seeds: `task-compare.md` and `.csv` among the
results.

    python benchmarks/tasks/compare.py --work FOLDER             # 54 trainings of some minutes each on one thread
    python benchmarks/tasks/compare.py --work FOLDER --quick     # that it runs, not what it shows: one seed, 20 updates; writes no result

Writes FOLDER/study.yaml, from the recipe configs/g2p.yaml, and calls `regard compare` on it, with --resume: started again it trains only
what is missing.  A tenth of the training words, grouped by source, chooses the epoch; figures are on the 450 words of the shared task's
validation file, of which no choice knows.  Data: $REGARD_DATA, else ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from seeds import DATA, ROOT

from regard.config.yaml_text import dump

LANGUAGES, SEEDS = ("geo", "hun", "rum"), [1, 2, 3]
CELLS: dict[str, dict[str, Any]] = {
    "no-attention": {"model.attention": "none", "model.order": "auto", "model.input_feeding": "auto"},
    "dot": {"model.attention": "dot"},
    "general": {"model.attention": "general"},
    "additive": {"model.attention": "additive"},
    "local-p": {"model.attention": {"score": "general", "scope": "local-p(5)"}},
    "hard-monotonic": {"model.head": "hard-monotonic"},
}
QUICK: dict[str, Any] = {
    "train.updates": 20,
    "train.validate_every": 10,
    "train.average": 1,
    "model.size": 16,
    "model.embedding": 8,
}


def make_study(*, quick: bool) -> dict[str, Any]:
    """The study as its file holds it."""
    files = {name: DATA / "g2p" / "sigmorphon2020" / name for name in LANGUAGES}
    data = {name: {"train": f"{path}_train.tsv", "test": f"{path}_valid.tsv"} for name, path in files.items()}
    cells = {name: {**(QUICK if quick else {}), "train.threads": 1, "train.samples": 0, **keys} for name, keys in CELLS.items()}
    seeds = SEEDS[:1] if quick else SEEDS
    base = str(ROOT / "configs" / "g2p.yaml")
    return {"base": base, "data": data, "cells": cells, "seeds": seeds, "baseline": "general", "figure": "exact"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--jobs", default="1", metavar="N")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    study, out = asked.work / "study.yaml", asked.work / "out"
    study.write_text(dump(make_study(quick=asked.quick)), "utf-8")
    command = [sys.executable, "-m", "regard", "compare", str(study), "--out", str(out), "--jobs", asked.jobs, "--resume"]
    ended = subprocess.run(command, check=False).returncode
    if not ended and not asked.quick:
        for name in ("compare.md", "compare.csv"):
            shutil.copy(out / name, ROOT / "benchmarks" / "results" / f"task-{name}")
    sys.exit(ended)


if __name__ == "__main__":
    main()
