"""The demo: from nothing to a trained model whose attention one can see, on data that Regard makes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from regard.doors.python import Model, load
from regard.doors.view import page, terminal
from regard.ground.errors import UsageError, message
from regard.tasks.dates import dates
from regard.workshop import files, fit
from regard.workshop.config import read_config

PAIRS = 12_000  # a tenth of them for validation, on calendar days that training never sees
SHOWN = ("21st of November, 2026", "二〇二六年十一月二十一日", "Nov 21 '26")
CONFIG = {
    "model": {
        "encoder": "bigru",
        "decoder": "gru",
        "embedding": 64,
        "size": 128,
        "attention": "additive",
        "dropout": 0.1,
    },
    "train": {
        "epochs": 8,
        "batch_tokens": 1500,
        "learning_rate": 3e-3,
        "schedule": "inverse-sqrt",
        "warmup": 100,
        "average": 3,
        "label_smoothing": 0.0,
        "report_every": 100,
        "samples": 1,
    },
}


def run(out: Path | None = None) -> None:
    """Make data, train, print figures and three predictions with heat maps, write a page, and say what to do next.

    out: the folder for all of it, which must be new; None: regard-demo, or the first free name after it.
    """
    folder = _folder(out)
    begun = time.perf_counter()
    train, valid = dates(1, PAIRS)
    files.write_text(folder / "dates.train.tsv", _tsv(train))
    files.write_text(folder / "dates.valid.tsv", _tsv(valid))
    print(f"Dates in {len(train):,} + {len(valid):,} pairs, in English and Chinese writing, to ISO form: {folder}/dates.*.tsv")
    print("The calendar days of the validation file never occur in training, in whatever writing.\n", flush=True)
    where = {"data": {"train": [str(folder / "dates.train.tsv")], "valid": [str(folder / "dates.valid.tsv")]}}
    config = read_config({**where, **CONFIG})
    files.write_text(folder / "dates.yaml", config.to_yaml())
    fit.train(config, folder / "run", say=lambda line: print(f"  {line}", file=sys.stderr, flush=True))
    trained = time.perf_counter() - begun
    model = load(folder / "run")
    figures = model.evaluate([str(folder / "dates.valid.tsv")], beam=1)["metrics"]
    print(
        f"\nTrained in {trained:.0f} s.  On days never seen: {figures['exact']:.2%} exact, {figures['per']:.4f} edits a character.\n"
    )
    _show(model, folder, valid)


def _show(model: Model, folder: Path, valid: Sequence[tuple[str, str]]) -> None:
    for best in model.predict(list(SHOWN), beam=5, n_best=1):
        print(f"{best.source}  →  {best.text}   (log-probability {best.score:.3f})")
        print(terminal.draw(best) + "\n")
    sources = [*SHOWN, *(source for source, _ in valid[:20])]
    pictures = folder / "attention.html"
    page.write(list(model.stream(sources, beam=5, n_best=3)), pictures, title="Where the date model looks")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"Your own date:       regard view {folder}/run --text 'March 5, 1999'\n"
        f"Line by line:        echo '三月五日' | regard predict {folder}/run -\n"
        f"Your own data:       regard train --train words.tsv --out my-run     (a source, a tab, a target on each line)\n"
        f"What can be set:     regard train --print-config"
    )


def _folder(out: Path | None) -> Path:
    names = (Path("regard-demo" if i == 1 else f"regard-demo-{i}") for i in count(1))
    folder = out or next(name for name in names if not name.exists())
    if folder.exists():
        do = "Remove it or choose another name."
        raise UsageError(message(str(folder), "a folder that does not exist yet", "one that does", do))
    folder.mkdir(parents=True)
    return folder


def _tsv(pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{source}\t{target}\n" for source, target in pairs)
