"""Little stories: words that are hidden, and what belongs together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import write_parts
from regard.tasks.pretrain.demo_data import stories
from regard.view import page, terminal

STORIES = 1_600  # a twentieth of them for validation
CONFIG: dict[str, Any] = {
    "model": {"size": 64, "encoder_layers": 2, "heads": 4, "feedforward": 256, "dropout": 0.0},
    "pretrain": {"length": 48, "vocabulary": "wordpiece(400)"},
    "train": {"epochs": 26, "batch_tokens": 1500, "learning_rate": 5e-3, "warmup": 100, "samples": 0, "weight_decay": 0.01},
}
SHOWN = (
    "the smith works in the [MASK] .",
    "anna is a baker . [MASK] bakes a [MASK] with the oven .",
    "tom is a sailor . [MASK] sails a [MASK] with the [MASK] .",
)
POTTER = "mary is a potter . mary works in the workshop . she shapes a bowl with the wheel ."
PAIRS = (
    f"{POTTER}\tin the workshop there is a wheel and a vase . mary sells the vase at the market .",
    f"{POTTER}\tin the lake there is a net and a trout . peter sells the trout at the market .",
)


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    texts = ("\n".join("".join(f"{line}\n" for line in story) for story in told) for told in stories(1, STORIES))
    named = write_parts(folder, "stories.*.txt", texts)
    print(f"{STORIES:,} little stories, each of one person at one trade: {folder}/stories.*")
    print("A line a sentence, a blank line between stories. 15 % of the words are hidden; every second pair is of two stories.")
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, words filled in, pairs, a page, and what to do next."""
    figures = model.evaluate([str(folder / "stories.valid.txt")])["metrics"]
    print(
        f"Trained in {seconds:.0f} s.  Of stories never seen, {figures['masked_accuracy']:.1%} of the hidden words are told right, "
        f"and of {figures['next_accuracy']:.1%} of the pairs whether the second follows the first."
    )
    for found in model.predict(list(SHOWN)):
        rivals = ["  ".join(f"{each['piece']} {each['p']:.0%}" for each in mask[:3]) for mask in found.details["masks"]]
        print(f"  {found.source}  →  {found.text}   ({' | '.join(rivals)})")
    for found in model.predict(list(PAIRS)):
        print(f"  {found.source.replace(chr(9), '  |  ')}  →  follows: {found.details['follows']:.0%}")
    pictures = folder / "attention.html"
    page.write(list(model.stream([*SHOWN, *PAIRS])), pictures, title="Where the net looked for hidden words")
    print(f"\n{terminal.draw(model.predict(list(SHOWN[:1]))[0])}\n")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own sentence:   echo 'the fisher goes to the [MASK] .' | regard predict {folder}/run -\n"
        f"The folder {folder}/run/bert is what transformers reads: BertForPreTraining.from_pretrained(...)\n"
        f"To go on from it:    regard train --task classify --from {folder}/run --train FILE.tsv --out my-run"
    )
