"""Journeys booked in Chinese and English: where from, where to and when, and what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.api import Model
from regard.core.atomic_files import write_text
from regard.demo import train_beside
from regard.tasks.tag.demo_data import SHOWN, tickets
from regard.view import page, terminal

SENTENCES = 6_000  # a tenth of them for validation
CONFIG: dict[str, Any] = {
    "model": {"encoder": "bigru", "embedding": 48, "size": 64, "dropout": 0.2},
    "train": {"epochs": 6, "batch_tokens": 500, "learning_rate": 5e-3, "schedule": "inverse-sqrt", "warmup": 100, "samples": 1},
    "tag": {"letters": 16, "letter_embedding": 16},
}
# Every token sees itself alone, and does not know where it stands: a feed-forward net, whatever its name.
ALONE: dict[str, Any] = {
    "model": {
        **{"family": "transformer", "size": 64, "heads": 1, "feedforward": 128, "encoder_layers": 1, "positions": "none"},
        "self_attention": {"scope": "window(0)"},
    },
    "train": {**CONFIG["train"], "epochs": 2},
    "tag": {**CONFIG["tag"], "head": "softmax"},
}
PARTS = ("in", "out", "label")


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    named = {}
    for name, sentences in zip(("train", "valid"), tickets(1, SENTENCES), strict=True):
        texts = (" ".join(s.tokens) for s in sentences), (" ".join(s.tags) for s in sentences), (str(s.label) for s in sentences)
        named[name] = [str(folder / f"tickets.{name}.{part}") for part in PARTS]
        for file, lines in zip(named[name], texts, strict=True):
            write_text(Path(file), "".join(f"{line}\n" for line in lines))
    print(f"{SENTENCES:,} sentences of people who book a journey, in Chinese and English: {folder}/tickets.*")
    print("A tag for each token (where from, where to, when), a label for each sentence; no sentence is in both files.")
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, the two 郑州, what a feed-forward net says of them, a page, and what to do next."""
    valid = [str(folder / f"tickets.valid.{part}") for part in PARTS]
    figures = model.evaluate(valid)["metrics"]
    right = f"{figures['sentence_accuracy']:.2%} are right in every tag and the label"
    print(f"Trained in {seconds:.0f} s.  Of sentences never seen {right}.")
    shown = [" ".join(text) for text in SHOWN]
    _say(model, shown)
    data = {"train": [str(folder / f"tickets.train.{part}") for part in PARTS], "valid": valid}
    alone = train_beside({"task": "tag", "data": data, **ALONE}, folder / "alone")
    figures = alone.evaluate(valid)["metrics"]
    print(f"\nA feed-forward net, to which each token is all there is: {figures['sentence_accuracy']:.2%} right.")
    _say(alone, shown)
    pictures = folder / "attention.html"
    page.write(
        list(model.stream([*shown, *Path(valid[0]).read_text("utf-8").splitlines()[:20]])),
        pictures,
        title="Where the tagger looked for its label",
    )
    print(f"\n{terminal.draw(model.predict(shown[:1])[0])}\n")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own sentence:   echo 'I will leave Paris tomorrow' | regard predict {folder}/run -\n"
        f"Your own data:       regard train --task tag --train FILE.conll --out my-run     (a token, a tab, a tag on each line)"
    )


def _say(model: Model, texts: Sequence[str]) -> None:
    for found in model.predict(list(texts)):
        print(f"  {found.source}  →  {found.text}   {found.details['label']}")
