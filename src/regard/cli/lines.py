"""Predictions line for line, on stdout: what `regard predict` and `regard-run` do once they have a model."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from regard.cli.alignment_file import open_links
from regard.cli.attention_file import saving
from regard.cli.formats import WRITERS, Format
from regard.cli.words import spelt
from regard.core.errors import RegardError, UsageError, message
from regard.core.say import Say
from regard.tasks.base import Predictor
from regard.tasks.options import AnswerOptions

NAMED = 10  # so many unseen symbols are named


def predict_lines(
    model: Predictor,
    file: str | None,
    text: str | None,
    asked: Mapping[str, Any],
    *,
    settings: Sequence[str],
    format: Format,
    out: Path | None,
    links: Path | None = None,
    say: Say,
) -> None:
    """A prediction for each line of a file, or for one text.

    asked: options as they were given, None: not.  settings: words `decode.KEY=VALUE`, which the model obeys already.  out: where attention
    goes; links: where alignments go.
    """
    options = take_options(model, asked, plain=format is Format.text, settings=settings)
    items = [model.line(text)] if text is not None else model.inputs(file or "-", say)
    unseen: Counter[str] = Counter()
    found = model.stream(items, options, attention=out is not None or links is not None, say=say)
    with saving(out) as save, open_links(links, model) as save_links:
        for line, predictions in enumerate(found, 1):
            write_stdout(WRITERS[format](line, predictions))
            save(line, predictions)
            save_links(predictions)
            unseen.update(predictions[0].unknown)
    if unseen:
        say(unseen_symbols(unseen))


def take_options(model: Predictor, asked: Mapping[str, Any], *, plain: bool, settings: Sequence[str]) -> AnswerOptions:
    """The options of a command as the model takes them.  ArgumentError, UsageError for those that it does not take.  plain: one line is
    written for each item, so that there is room for one answer."""
    given = model.answer_options(asked, spelt=spelt)
    return replace(given, n_best=_n_best(asked["n_best"], asked["beam"], model.config, plain=plain, settings=settings))


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


def _n_best(asked: int | None, beam: int | None, config: Any, *, plain: bool, settings: Sequence[str]) -> int:
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
