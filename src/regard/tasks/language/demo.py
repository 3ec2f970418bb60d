"""Who holds what, said twice: the second time a net must look back at the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import train_beside, write_parts
from regard.tasks.language.demo_data import Fable, fables
from regard.view import page, terminal

SEED, SENTENCES = 1, 6_000  # a tenth of them for validation
CONFIG: dict[str, Any] = {
    "model": {
        **{"decoder": "gru", "embedding": 32, "size": 64, "dropout": 0.0},
        "past": {"score": "general", "scope": "window(20, 0)", "memory": "key-value"},
    },
    "train": {"epochs": 7, "learning_rate": 0.01, "schedule": "inverse-sqrt", "warmup": 50, "report_every": 400, "samples": 1},
    "decode": {"beam": 1, "max_extra": 8},
    "language": {"documents": "lines", "streams": 16},
}


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    parts = fables(SEED, SENTENCES)
    named = write_parts(folder, "fables.*.txt", ("".join(f"{fable.text}\n" for fable in part) for part in parts))
    print(f"{SENTENCES:,} made sentences such as `{parts[1][0].text}`: {folder}/fables.*.txt")
    print(
        "Who holds what is told at random, and then once more: after `;` each name must be followed by the thing it had before."
    )
    return {**named, "source_tokenizer": "space"}


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, continuations, the same net without attention, a page, and what to do next."""
    valid = fables(SEED, SENTENCES)[1]
    file = str(folder / "fables.valid.txt")
    found = model.evaluate([file])
    print(f"Trained in {seconds:.0f} s.  Perplexity {found['metrics']['perplexity']:.2f} on sentences never seen;", end=" ")
    back = found["looks"]["distance"]
    print(f"the weight falls {back:.1f} words back in the mean.  The right thing: {_right(model, valid):.1%}.")
    begun = [fable.begun for fable in sorted(valid, key=lambda f: -len(f.words))[:20]]
    for best in model.predict(begun[:3]):
        print(f"  {best.source} →{best.text}")
    values = model.config.model_dump(mode="json")
    values["model"]["past"] = "none"
    values["train"]["samples"] = 0
    without = train_beside(values, folder / "without")
    figure = without.evaluate([file])["metrics"]["perplexity"]
    print(f"\nThe same net without attention: perplexity {figure:.2f}, the right thing {_right(without, valid):.1%}.")
    pictures = folder / "attention.html"
    page.write(list(model.stream(begun)), pictures, title="Where each word written was looked for")
    print(f"\n{terminal.draw(model.predict(begun[:1])[0])}\n")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Go on with a text:   echo 'mia hat leo pen ; leo' | regard predict {folder}/run -\n"
        f"From nothing:        echo | regard predict {folder}/run -\n"
        f"Your own text:       regard train --task language --train FILE.txt --out my-run"
    )


def _right(model: Model, fables: list[Fable]) -> float:
    """How often the first thing of the second half is the one that was told before."""
    found = model.predict([fable.begun for fable in fables], attention=False)
    right = [p.tokens[0] == fable.words[fable.told[0]] for p, fable in zip(found, fables, strict=True)]
    return sum(right) / len(right)
