"""Stories of people who carry things about: where is the lamp, and where was it before?  And the same with a blank to fill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import train_beside, write_parts
from regard.tasks.read.demo_data import moves
from regard.view import page, terminal

STORIES, HELD = 1_000, 100  # three questions each
CONFIG: dict[str, Any] = {
    "model": {"encoder": "bigru", "embedding": 32, "size": 48, "dropout": 0.1},
    "train": {"epochs": 4, "batch_tokens": 1500, "learning_rate": 5e-3, "schedule": "inverse-sqrt", "warmup": 50, "samples": 1},
}
CLOZE: dict[str, Any] = {**CONFIG, "train": {**CONFIG["train"], "epochs": 2}, "read": {"head": "over"}}
STORY = (
    "Zoe carried the lute from the mill to the old barn. Tom took the vase out of the attic into the mill. "
    "The lute was brought to the guest room from the old barn by Tom."
)
SHOWN = (
    *("Where is the lute?", "Where was the lute before?", "Who moved the lute last?", "Where is the vase?"),
    "What did Zoe move last?",
)


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    each = ({"data": [{"title": "stories", "paragraphs": made}]} for made in _made(cloze=False))
    named = write_parts(folder, "stories.*.json", (json.dumps(whole, indent=1) for whole in each))
    print(f"{STORIES + HELD:,} stories of people who carry things about, three questions each: {folder}/stories.*")
    print("An answer is a part of its story. Every fifth name is in the stories for validation alone.")
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, answers about a story with names never seen, the same with blanks, a page, and what to do next."""
    file = str(folder / "stories.valid.json")
    figures = model.evaluate([file])["metrics"]
    right = f"{figures['exact_match']:.2%} are answered exactly"
    print(f"Trained in {seconds:.0f} s.  Of questions about stories never seen {right}.")
    print(f"\n  {STORY}")
    _say(model, STORY, SHOWN)
    cloze = _cloze(folder)
    figures = cloze.evaluate([str(folder / "cloze.valid.jsonl")])["metrics"]
    print(f"\nWith a blank to fill, by attention over attention: {figures['accuracy']:.2%} of the words are right.")
    story = STORY.replace("old barn", "cellar").replace("guest room", "hall")
    _say(cloze, story, ("The lute is in the XXXXX now.", "The lute was last moved by XXXXX."))
    pictures = folder / "attention.html"
    found = [*model.stream([(STORY, question) for question in SHOWN]), *cloze.stream([(story, "The lute is in the XXXXX now.")])]
    page.write(found, pictures, title="Where the reader pointed")
    print(f"\n{terminal.draw(found[0][0])}\n")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own question:   printf 'Ann took the cup out of the tent into the hall.\\tWhere is the cup?\\n' | "
        f"regard predict {folder}/run -\n"
        f"Your own data:       regard train --task read --train QUESTIONS.json --out my-run     (as SQuAD's)"
    )


def _cloze(folder: Path) -> Model:
    """A net that fills blanks, trained on stories of its own."""
    texts = ("".join(f"{json.dumps(record)}\n" for record in made) for made in _made(cloze=True))
    return train_beside({"task": "read", "data": write_parts(folder, "cloze.*.jsonl", texts), **CLOZE}, folder / "cloze")


def _made(*, cloze: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return moves(1, STORIES, cloze=cloze), moves(2, HELD, held=True, cloze=cloze)


def _say(model: Model, story: str, questions: Sequence[str]) -> None:
    for found in model.predict([(story, question) for question in questions]):
        print(f"  {found.source}  →  {found.text}")
