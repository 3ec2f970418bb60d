"""Messages of customers in four languages: what each is about, and the word that says it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import write_parts
from regard.tasks.classify.demo_data import Message, messages
from regard.view import page, terminal

MESSAGES, SEED = 3_000, 1  # a fifth of them for validation
# Each token knows itself and its neighbours, no more: so the look must find the place, for none knows of the whole.
CONFIG: dict[str, Any] = {
    "model": {
        **{"family": "transformer", "size": 32, "heads": 1, "feedforward": 64, "encoder_layers": 1, "dropout": 0.1},
        "self_attention": {"scope": "window(1)"},
    },
    "train": {"epochs": 4, "batch_tokens": 500, "learning_rate": 5e-3, "schedule": "inverse-sqrt", "warmup": 50, "samples": 1},
    "classify": {"look": "self-attentive(32)"},
}


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    texts = ("".join(f"{m.text}\t{m.label}\n" for m in told) for told in messages(SEED, MESSAGES))
    named = write_parts(folder, "messages.*.tsv", texts)
    print(f"{MESSAGES:,} messages of customers, in English, German, Spanish and Chinese: {folder}/messages.*")
    print(
        "What each is about depends on one word among others that stand in messages of every kind; no message is in both files."
    )
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, where the pool looked, a page, and what to do next."""
    held = messages(SEED, MESSAGES)[1]
    figures = model.evaluate([str(folder / "messages.valid.tsv")])["metrics"]
    found = [best[0] for best in model.stream([m.text for m in held])]
    hits = sum(points(m, p) for m, p in zip(held, found, strict=True))
    right = f"{figures['accuracy']:.2%} are labelled right (macro F1 {figures['macro_f1']:.4f})"
    print(f"Trained in {seconds:.0f} s.  Of messages never seen {right}.")
    print(f"In {hits / len(held):.1%} of them the look falls most on the word that tells, which nobody showed it:")
    for m, p in _one_each(held, found):
        most = p.source_tokens[int(p.attention["pool"][0, 0].argmax())].removeprefix("▁")
        print(f"  {m.text}  →  {p.text} ({p.details['probabilities'][p.text]:.2f}), by “{most}”")
    pictures = folder / "attention.html"
    page.write([[p] for p in found[:20]], pictures, title="Which word tells what a message is about")
    print(f"\n{terminal.draw(found[0])}\n")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own message:    echo 'good morning, my parcel is late' | regard predict {folder}/run -\n"
        f"Which for which:     regard evaluate {folder}/run {folder}/messages.valid.tsv\n"
        f"Your own data:       regard train --task classify --train FILE.tsv --out my-run     (a text, a tab, a label on each line)"
    )


def points(told: Message, found: Any) -> bool:
    """Whether the pool's look is strongest on the word that tells, or on a part of it."""
    place = int(found.attention["pool"][0, 0].argmax())
    before = "".join(token.replace("▁", " ") for token in found.source_tokens[:place])
    token = found.source_tokens[place].replace("▁", " ")
    at = f" {told.text}".index(told.word)
    start = len(before) + (not before and not token.startswith(" ")) + (not before.startswith(" ") and bool(before))
    return at - 1 <= start < at + len(told.word)


def _one_each(held: Sequence[Message], found: Sequence[Any]) -> list[tuple[Message, Any]]:
    """The first message of each label, each of another word."""
    first: dict[str, tuple[Message, Any]] = {}
    for m, p in zip(held, found, strict=True):
        first.setdefault(m.label, (m, p))
    return list(first.values())
