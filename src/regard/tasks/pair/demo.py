"""Scenes and claims in English and Chinese: what follows, what cannot be, and what is left open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import train_beside, write_parts
from regard.tasks.pair.demo_data import SHOWN, claims
from regard.view import page, terminal

PAIRS = 9_000  # a tenth of them for validation
CONFIG: dict[str, Any] = {
    "model": {"encoder": "bigru", "embedding": 32, "size": 32, "dropout": 0.0},
    "train": {"epochs": 8, "batch_tokens": 600, "learning_rate": 1e-2, "schedule": "inverse-sqrt", "warmup": 100, "samples": 1},
    # What answers to what must be learnt, across the languages too.
    "pair": {"align": "dot", "overlap": False, "compose": False, "unseen": 0.0},
}
APART: dict[str, Any] = {**CONFIG, "pair": {**CONFIG["pair"], "align": "none"}}


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    named = write_parts(folder, "claims.*.tsv", ("".join("\t".join(row) + "\n" for row in rows) for rows in claims(1, PAIRS)))
    print(f"{PAIRS:,} scenes, each with a claim about it, in English, in Chinese, or one in each: {folder}/claims.*.tsv")
    print(
        "Three columns: a scene, a claim, and whether the claim follows (entailment), cannot be (contradiction) or is open (neutral)."
    )
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, some claims, what a net says that does not look from one text to the other, a page, and what to do next."""
    valid = [str(folder / "claims.valid.tsv")]
    figures = model.evaluate(valid)["metrics"]
    print(f"Trained in {seconds:.0f} s.  Of claims never seen {figures['accuracy']:.2%} are judged right.")
    for told in model.predict(list(SHOWN)):
        print(f"  {told.source}  →  {told.text}   (probability {told.details['probabilities'][told.text]:.2f})")
    values = {"task": "pair", "data": {"train": [str(folder / "claims.train.tsv")], "valid": valid}, **APART}
    apart = train_beside(values, folder / "apart").evaluate(valid)["metrics"]
    print(f"\nWithout a look from one text to the other (pair.align: none): {apart['accuracy']:.2%} right.")
    pictures = folder / "attention.html"
    found = list(model.stream([*SHOWN, *_first(valid[0], 20)]))
    page.write(found, pictures, title="Which words of scene and claim answer to each other")
    for i in (0, 1):
        print(f"\n{terminal.draw(model.predict(SHOWN[i : i + 1])[0], name='second.align')}")
    print(
        f"\nThe page of attention, for any browser:   {pictures}\n"
        f"Your own pair:   printf 'Emma is at school with a red hat\\tEmma has a hat\\n' "
        f"| regard predict {folder}/run -\n"
        f"Your own data:   regard train --task pair --train FILE.tsv --out my-run     (two texts and a label on each line, parted by tabs)"
    )


def _first(file: str, count: int) -> Sequence[tuple[str, ...]]:
    rows = Path(file).read_text(encoding="utf-8").splitlines()[:count]
    return [tuple(row.split("\t")[:2]) for row in rows]
