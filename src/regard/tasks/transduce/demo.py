"""Dates as people write them, to ISO form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.api import Model
from regard.demo import write_parts
from regard.tasks.transduce.demo_data import dates
from regard.view import page, terminal

PAIRS = 12_000  # a tenth of them for validation, on calendar days that training never sees
SHOWN = ("21st of November, 2026", "二〇二六年十一月二十一日", "Nov 21 '26")
CONFIG = {
    "model": {"encoder": "bigru", "decoder": "gru", "embedding": 64, "size": 128, "attention": "additive", "dropout": 0.1},
    "train": {
        **{"epochs": 8, "batch_tokens": 1500, "learning_rate": 3e-3, "schedule": "inverse-sqrt", "warmup": 100},
        **{"average": 3, "label_smoothing": 0.0, "report_every": 100, "samples": 1},
    },
}


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    train, valid = dates(1, PAIRS)
    named = write_parts(
        folder, "dates.*.tsv", ("".join(f"{source}\t{target}\n" for source, target in part) for part in (train, valid))
    )
    print(f"Dates in {len(train):,} + {len(valid):,} pairs, in English and Chinese writing, to ISO form: {folder}/dates.*.tsv")
    print("The calendar days of the validation file never occur in training, in whatever writing.")
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, three predictions with their heat maps, a page, and what to do next."""
    figures = model.evaluate([str(folder / "dates.valid.tsv")], beam=1)["metrics"]
    right = f"{figures['exact']:.2%} exact, {figures['per']:.4f} edits a character"
    print(f"Trained in {seconds:.0f} s.  On days never seen: {right}.\n")
    for best in model.predict(list(SHOWN), beam=5, n_best=1):
        print(f"{best.source}  →  {best.text}   (log-probability {best.score:.3f})")
        print(terminal.draw(best) + "\n")
    sources = [*SHOWN, *(source for source, _ in dates(1, PAIRS)[1][:20])]
    pictures = folder / "attention.html"
    page.write(list(model.stream(sources, beam=5, n_best=3)), pictures, title="Where the date model looks")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own date:       regard view {folder}/run --text 'March 5, 1999'\n"
        f"Line by line:        echo '三月五日' | regard predict {folder}/run -\n"
        f"Quicker:             regard warm-up {folder}/run     (once; then it answers in a third of a second, without PyTorch)\n"
        f"Your own data:       regard train --train words.tsv --out my-run     (a source, a tab, a target on each line)\n"
        f"What can be set:     regard train --print-config"
    )
