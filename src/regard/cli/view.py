"""`regard view`: where a model looked, as a page, a picture, or in the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.core.errors import UsageError, message
from regard.core.printable import printable

if TYPE_CHECKING:
    from regard.tasks.base import TaskPrediction

PAGE, PICTURE = (".html", ".htm"), (".png", ".svg", ".pdf")
MOST = {"page": 200, "terminal": 20, "picture": 1}  # sentences of a file that are shown


def view(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE.html|PICTURE.(png|svg|pdf)", help="A new file; without it: in the terminal.")
    ] = None,
    others: options.Others = None,
    beam: options.Beam = None,
    n_best: options.NBest = None,
    batch_size: options.BatchSize = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Show where the model looked.

    A page takes all sentences, layers, heads and the n-best; a picture the first sentence; the terminal one sentence below another.
    """
    files, settings = options.split_words(words or [])
    file = options.one_file(files, text, command=f"regard view {run}")
    if text is not None and not text.strip():
        raise UsageError(message("--text", "a text with something in it", repr(text), "Give a source to show."))
    from regard.view.save import claim

    path = claim(out, suffixes=PAGE + PICTURE) if out else None
    kind = "terminal" if path is None else "page" if path.suffix.lower() in PAGE else "picture"
    say = options.teller(quiet)
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say, ready=True
    )
    asked = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    given = model.answer_options(asked, spelt=options.spelt)
    if kind == "picture" and (n_best or 1) > 1:
        raise UsageError(message("--n-best", "1, for a picture shows one answer", str(n_best), "Write a page (.html)."))
    if "beam" in model.accepts.answers and n_best is None:
        given = replace(given, n_best=(beam or model.config.decode.beam) if kind == "page" else 1)
    items = [model.line(text)] if text is not None else _first(model.inputs(file or "-", say), MOST[kind], kind, say)
    found = list(model.stream(items, given, say=say))
    if not found:
        raise UsageError(message(file or "-", "at least one line", "an empty file", "Give a file with sources, or --text."))
    _show(found, path, kind, say, title=f"{run.resolve().name}: where it looked")


def _first(items: Iterable[Any], most: int, kind: str, say: options.Say) -> list[Any]:
    """The first lines that say something; where there are more, stderr says so."""
    said = (item for item in items if getattr(item, "source", item))
    kept = list(itertools.islice(said, most))
    if next(said, None) is not None:
        many = "the first line" if most == 1 else f"the first {most} lines"
        say(f"A {kind} shows {many} of the file; cut out others with head, tail or sed to see them.")
    return kept


def _show(found: list[list[TaskPrediction]], path: Path | None, kind: str, say: options.Say, *, title: str) -> None:
    if path is None:
        from regard.view import terminal

        for prediction in (p for best in found for p in best):
            score = "" if prediction.score is None else f"   ({prediction.score:.3f})"
            print(printable(f"{prediction.source} → {prediction.text}{score}"))
            tagged = terminal.add_colour(prediction) if "spans" in prediction.details else ""
            seen = terminal.draw(prediction) if prediction.attention or not tagged else ""
            print("\n".join(part for part in (tagged, seen) if part) + "\n", flush=True)
        return
    if kind == "page":
        from regard.view import page

        page.write(found, path, title=title)
    else:
        from regard.view import plot

        for advice in plot.write(found[0][0], path):
            say(advice)
    say(f"{path} is written.")
