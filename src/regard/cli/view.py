"""`regard view`: where a model looked, as a page, a picture, or in the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.core.errors import UsageError, message
from regard.core.printable import printable
from regard.core.say import Say

if TYPE_CHECKING:
    from regard.tasks.base import Predictor, TaskPrediction
    from regard.tasks.options import AnswerOptions

PORT = 8000  # of the live page
PAGE, PICTURE = (".html", ".htm"), (".png", ".svg", ".pdf")
MOST = {"page": 200, "terminal": 20, "picture": 1}  # sentences of a file that are shown


Out = Annotated[
    Path | None, typer.Option(metavar="PAGE.html|PICTURE.(png|svg|pdf)", help="A new file; without it: in the terminal.")
]
Live = Annotated[bool, typer.Option("--live", help="A page that asks the model: type, erase, pin, compare (extra serve).")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, metavar="N", help="With --live: where (default 8000; 0: any).")]
Show = Annotated[bool, typer.Option("--open", help="With --live: open it in the browser.")]
Others = Annotated[
    list[Path] | None,
    typer.Option("--with", metavar="RUN2", help="A run to answer together with; with --live: to compare with (again: more)."),
]


def view(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    out: Out = None,
    live: Live = False,
    port: Port = None,
    show: Show = False,
    others: Others = None,
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
    say, opened = options.teller(quiet), {"precision": precision, "threads": threads, "trust": trust or ()}
    asked = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    if live:
        useless = {"--out": out, "--device": None if device == "cpu" else device, "--batch-size": batch_size}
        _live(
            run,
            others or (),
            files,
            text,
            useless,
            settings,
            asked,
            {"port": PORT if port is None else port, "show": show, "say": say, **opened},
        )
        return
    _refuse_alone({"--port": port, "--open": show})
    file = options.one_file(files, text, command=f"regard view {run}")
    _refuse_empty(text)
    path = _claim(out)
    model = options.open_model(run, others, settings=settings, device=device, say=say, ready=True, **opened)  # type: ignore[arg-type]
    _draw(model, file, text, path, asked, say, title=f"{run.resolve().name}: where it looked")


def _claim(out: Path | None) -> Path | None:
    from regard.view.save import claim

    return claim(out, suffixes=PAGE + PICTURE) if out else None


def _draw(
    model: Predictor,
    file: str | None,
    text: str | None,
    path: Path | None,
    asked: Mapping[str, int | None],
    say: Say,
    *,
    title: str,
) -> None:
    """A page, a picture, or lines of the terminal."""
    kind = "terminal" if path is None else "page" if path.suffix.lower() in PAGE else "picture"
    given = _answer_options(model, asked, kind)
    items = [model.line(text)] if text is not None else _first(_items(model, file or "-", kind, say), MOST[kind], kind, say)
    found = list(model.stream(items, given, say=say))
    if not found:
        raise UsageError(message(file or "-", "at least one line", "an empty file", "Give a file with sources, or --text."))
    _show(found, path, kind, say, title=title)


def _answer_options(model: Predictor, asked: Mapping[str, int | None], kind: str) -> AnswerOptions:
    """What is asked of the model: a page shows as many answers as were kept, everything else one."""
    given, n_best = model.answer_options(asked, spelt=options.spelt), asked["n_best"]
    if kind == "picture" and (n_best or 1) > 1:
        raise UsageError(message("--n-best", "1, for a picture shows one answer", str(n_best), "Write a page (.html)."))
    if "beam" in model.accepts.answers and n_best is None:
        return replace(given, n_best=(asked["beam"] or model.config.decode.beam) if kind == "page" else 1)
    return given


def _live(
    run: Path, others: Sequence[Path], files: Sequence[str], text: str | None, useless: Mapping[str, Any],
    settings: Sequence[str], asked: Mapping[str, int | None], opened: Mapping[str, Any],
) -> None:  # fmt: skip
    """Serve the page.  UsageError for what a page that asks has no use for."""
    from regard.cli.live_view import view_live

    for name, value in useless.items():
        if value is not None:
            raise UsageError(message(name, "nothing, with --live", str(value), "Leave one of them out."))
    file = options.one_file(files, text, command=f"regard view {run} --live", default="")
    decode = [*settings, *(f"decode.{name}={n}" for name, n in asked.items() if n is not None)]
    view_live(run, others, file or None, text, decode=decode, **opened)


def _refuse_alone(given: Mapping[str, Any]) -> None:
    """UsageError for options that mean something beside --live alone."""
    for name, value in given.items():
        if value not in (None, False):
            raise UsageError(message(name, "--live beside it", "none", "Add --live, or leave it out."))


def _refuse_empty(text: str | None) -> None:
    if text is not None and not text.strip():
        raise UsageError(message("--text", "a text with something in it", repr(text), "Give a source to show."))


def _items(model: Any, file: str, kind: str, say: Say) -> Iterable[Any]:
    """A page has room for what else of a file shows how good predictions are."""
    return model.read_examples(file, say) if kind == "page" else model.inputs(file, say)


def _first(items: Iterable[Any], most: int, kind: str, say: Say) -> list[Any]:
    """The first lines that say something; where there are more, stderr says so."""
    said = (item for item in items if getattr(item, "source", item))
    kept = list(itertools.islice(said, most))
    if next(said, None) is not None:
        many = "the first line" if most == 1 else f"the first {most} lines"
        say(f"A {kind} shows {many} of the file; cut out others with head, tail or sed to see them.")
    return kept


def _show(found: list[list[TaskPrediction]], path: Path | None, kind: str, say: Say, *, title: str) -> None:
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
