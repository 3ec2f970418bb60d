"""`regard view`: where a model looked, as a page, a picture, or in the terminal."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.doors.cli.trust import Trust
from regard.ground.errors import UsageError, message

if TYPE_CHECKING:
    from regard.tasks.task import Prediction

PAGE, PICTURE = (".html", ".htm"), (".png", ".svg")
MOST = {"page": 200, "terminal": 20, "picture": 1}  # sentences of a file that are shown


def view(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Lines to show, with the columns of training; -: standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="One source to show.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE.html|PICTURE.png|PICTURE.svg", help="A new file; without it: in the terminal.")
    ] = None,
    trust: Trust = None,
) -> None:
    """Show where the model looked.

    A page takes all sentences, layers, heads and the n-best; a picture the first sentence; the terminal one sentence below another.
    """
    if (file is None) == (text is None):
        received = "neither" if file is None else "both"
        do = f'Write regard view {run} FILE, or regard view {run} --text "...".'
        raise UsageError(message("regard view", "FILE or --text TEXT", received, do))
    from regard.doors.view.save import claim

    path = claim(out, suffixes=PAGE + PICTURE) if out else None
    kind = "terminal" if path is None else "page" if path.suffix.lower() in PAGE else "picture"
    from regard.workshop.model import Model

    model = Model.load(run, trust=trust or ())
    items: Iterable[Any] = [text] if text is not None else _first(model.inputs(file or "-"), MOST[kind], kind)
    n_best = model.config.decode.beam if kind == "page" and "beam" in model.options else 1
    found = list(model.stream(items, n_best=n_best, attention=True))
    if not found:
        raise UsageError(message(file or "-", "at least one line", "an empty file", "Give a file with sources, or --text."))
    _show(found, path, kind, title=f"{model.folder.resolve().name}: where it looked")


def _first(items: Iterable[Any], most: int, kind: str) -> list[Any]:
    """The first lines that say something; where there are more, stderr says so."""
    said = (item for item in items if getattr(item, "source", item))
    kept = list(itertools.islice(said, most))
    if next(said, None) is not None:
        many = "the first line" if most == 1 else f"the first {most} lines"
        print(f"A {kind} shows {many} of the file; cut out others with head, tail or sed to see them.", file=sys.stderr)
    return kept


def _show(found: list[list[Prediction]], path: Path | None, kind: str, *, title: str) -> None:
    if path is None:
        from regard.doors.view import terminal

        for best in found:
            print(f"{best[0].source} → {best[0].text}   ({best[0].score:.3f})")
            print(terminal.draw(best[0]) + "\n", flush=True)
        return
    if kind == "page":
        from regard.doors.view import page

        page.write(found, path, title=title)
    else:
        from regard.doors.view import plot

        for advice in plot.write(found[0][0], path):
            print(advice, file=sys.stderr)
    print(f"{path} is written.", file=sys.stderr)
