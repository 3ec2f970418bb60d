"""What the studies of trainings share: a file of so many items out of a larger one, a training by a config, and what it came to."""

from __future__ import annotations

import gzip
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from study import Row

from regard.config import load_config
from regard.runs import train

DATA = Path(os.environ.get("REGARD_DATA", Path(__file__).parents[2] / "shared" / "data"))


def lines(path: Path) -> list[str]:
    """The lines of a file, which may be compressed."""
    packed = path.read_bytes()
    return (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8").removesuffix("\n").split("\n")


def drawn(files: Sequence[Path], count: int, folder: Path, *, header: bool = False) -> list[str]:
    """Line-aligned copies of some lines of line-aligned files, always the same ones; all where there are no more."""
    each = [lines(path) for path in files]
    head, rows = (1 if header else 0), list(zip(*each, strict=True))
    chosen = sorted(random.Random(1).sample(range(head, len(rows)), min(count, len(rows) - head)))
    made = []
    for number, path in enumerate(files):
        copy = folder / path.name.removesuffix(".gz")
        copy.write_text("".join(f"{rows[i][number]}\n" for i in [*range(head), *chosen]), encoding="utf-8")
        made.append(str(copy))
    return made


def trained(
    overrides: Sequence[str],
    files: Sequence[str],
    valid: Sequence[str],
    *,
    recipe: str | None = None,
    task: str | None = None,
    seed: int,
) -> Row:
    """The validation figures of the model that was kept, its updates, the seconds of CPU that it took, and how long it was to be."""
    said: list[str] = []
    words = [*overrides, f"train.seed={seed}", "train.samples=0", f"train.threads={os.environ.get('OMP_NUM_THREADS', '1')}"]
    config = load_config(recipe, words, task=task, train=list(files), valid=list(valid) or None)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = train(config, Path(folder) / "run", say=said.append)
    metric = config.train.metric
    told = next((line for line in said if line.endswith("updates at most")), "").partition(": ")[2].replace(",", ";")
    figures = {"figure": metric, "reached": found.metrics[metric] or 0.0, "loss": found.metrics.get("loss") or 0.0}
    return {
        **figures,
        "updates": found.outcome.step,
        "kept": found.outcome.best_step,
        "cpu": time.process_time() - began,
        "fit": told,
    }
