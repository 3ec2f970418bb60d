"""`regard predict`: a prediction for every line."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.formats import WRITERS, Format
from regard.core.errors import RegardError, UsageError, message

if TYPE_CHECKING:
    from regard.config import Config

NAMED = 10  # so many unseen symbols are named


def predict(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    others: options.Others = None,
    beam: options.Beam = None,
    n_best: options.NBest = None,
    batch_size: options.BatchSize = None,
    format: Annotated[Format, typer.Option(help="text: the best; tsv: line rank score text; jsonl: everything.")] = Format.text,
    attention: Annotated[
        Path | None, typer.Option(metavar="OUT.npz|OUT.jsonl", help="Write where the model looked to a new file.")
    ] = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Predict for every line.

    Predictions go to stdout, line for line with FILE. FILE has the columns of the training data; what is right may be missing.
    """
    from regard.cli.attention_file import SUFFIXES, saving
    from regard.view.save import claim

    files, settings = options.split_words(words or [])
    file = options.one_file(files, text, verb="predict", run=run, default="-")
    out, say = claim(attention, suffixes=SUFFIXES) if attention else None, options.teller(quiet)
    model = options.open_model(run, others, settings=settings, precision=precision, trust=trust, threads=threads, say=say)
    given = model.answer_options({"beam": beam, "n_best": n_best, "batch_size": batch_size}, spelt=options.spelt)
    wanted = _n_best(n_best, beam, model.config, plain=format is Format.text, settings=settings)
    items = [model.line(text)] if text is not None else model.inputs(file or "-", say)
    unseen: Counter[str] = Counter()
    found = model.stream(items, replace(given, n_best=wanted), attention=out is not None, say=say)
    with saving(out) as save:
        for line, predictions in enumerate(found, 1):
            write_stdout(WRITERS[format](line, predictions))
            save(line, predictions)
            unseen.update(predictions[0].unknown)
    if unseen:
        say(unseen_symbols(unseen))


def write_stdout(text: str) -> None:
    """On stdout.  RegardError where it cannot be written: a file that is being written beside it must not be blamed."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        do = "Send the predictions elsewhere (> FILE), or free some space there."
        raise RegardError(message("stdout", "to be able to write", error.strerror or str(error), do)) from None


def _n_best(asked: int | None, beam: int | None, config: Config, *, plain: bool, settings: Sequence[str]) -> int:
    """How many hypotheses; only what was asked for can be too many.  plain: there is room for one alone."""
    if "decode.beam" not in config.spec.uses:
        width, most = asked or 1, asked or 1
    elif config.decode.sample:
        width, most = asked or config.decode.n_best, asked or config.decode.n_best
    else:
        width = beam or config.decode.beam
        most = asked or min(config.decode.n_best, width)
    if most > width:
        raise UsageError(message("--n-best", f"at most as many as the beam holds ({width})", str(asked), f"Add --beam {asked}."))
    if plain and most > 1 and (asked or any(setting.startswith("decode.n_best") for setting in settings)):
        do = "Add --format tsv, or --format jsonl."
        raise UsageError(message("--n-best", "1, for --format text has one line for each of FILE", str(most), do))
    return 1 if plain else most


def unseen_symbols(counts: Counter[str]) -> str:
    """Which symbols of the input training never saw, the most frequent first, and in how many lines."""
    shown = ", ".join(f"{symbol!r} ({count:,})" for symbol, count in counts.most_common(NAMED))
    more = f", and {len(counts) - NAMED:,} more" if len(counts) > NAMED else ""
    return f"Symbols of the input that training never saw, with the number of lines: {shown}{more}."
