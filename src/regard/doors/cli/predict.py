"""`regard predict`: a prediction for every line."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.doors.cli.formats import WRITERS, Format
from regard.doors.cli.options import understood
from regard.doors.cli.precision import Precision, Word, say_parity
from regard.doors.cli.trust import Trust
from regard.ground.errors import UsageError, message
from regard.workshop.task_kinds import TASKS

if TYPE_CHECKING:
    from regard.workshop.config import Config
    from regard.workshop.model import Model

NAMED = 10  # so many unseen symbols are named

Count = Annotated[int | None, typer.Option(min=1, metavar="N", show_default=False)]


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What to predict from; -: standard input.")] = "-",
    others: Annotated[
        list[Path] | None, typer.Option("--with", metavar="RUN2", help="A run to predict together with (again: more).")
    ] = None,
    beam: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Hypotheses kept at each step (default: the config's).")
    ] = None,
    n_best: Annotated[int | None, typer.Option(min=1, metavar="N", help="Hypotheses given (default: the config's).")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, metavar="N", help="Lines at a time; changes no prediction.")] = None,
    format: Annotated[Format, typer.Option(help="text: the best; tsv: line rank score text; jsonl: everything.")] = Format.text,
    attention: Annotated[
        Path | None, typer.Option(metavar="OUT.npz|OUT.jsonl", help="Write where the model looked to a new file.")
    ] = None,
    precision: Precision = Word.float32,
    trust: Trust = None,
) -> None:
    """Predict for every line.

    Predictions go to stdout, line for line with FILE. FILE has the columns of the training data; what is right may be missing.
    """
    from regard.doors.cli.attention_file import SUFFIXES, saving
    from regard.doors.view.save import claim

    out = claim(attention, suffixes=SUFFIXES) if attention else None
    model = _model((run, *(others or [])), precision, trust or ())
    wanted = 1 if format is Format.text else _n_best(n_best, beam, model.config)
    if batch_size is None and file == "-" and sys.stdin.isatty():
        batch_size = 1  # somebody is typing, and waits for the answer
    unseen: Counter[str] = Counter()
    items = model.inputs(file)
    given = {"beam": beam, "batch_size": batch_size}
    found = model.stream(items, n_best=wanted, attention=out is not None, say=_say, **understood(given, model))
    with saving(out) as save:
        for line, predictions in enumerate(found, 1):
            sys.stdout.write(WRITERS[format](line, predictions))
            sys.stdout.flush()
            save(line, predictions)
            unseen.update(predictions[0].unknown)
    if unseen:
        _say(unseen_symbols(unseen))


def _model(runs: Sequence[Path], precision: Word, trust: Iterable[str]) -> Model:
    """The model of a run, or of several that answer together."""
    from regard.workshop.model import Model

    models = [Model.load(run, trust=trust, precision=precision.value) for run in runs]
    say_parity(runs, precision, trust)
    return models[0] if len(models) == 1 else Model.ensemble(models)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _n_best(asked: int | None, beam: int | None, config: Config) -> int:
    """How many hypotheses; only what was asked for can be too many."""
    if "decode.beam" in TASKS[config.task].unused:
        return asked or 1
    width = beam or config.decode.beam
    if asked and asked > width and not config.decode.sample:
        raise UsageError(message("--n-best", f"at most as many as the beam holds ({width})", str(asked), f"Add --beam {asked}."))
    return asked or (config.decode.n_best if config.decode.sample else min(config.decode.n_best, width))


def unseen_symbols(counts: Counter[str]) -> str:
    """Which symbols of the input training never saw, the most frequent first, and in how many lines."""
    shown = ", ".join(f"{symbol!r} ({count:,})" for symbol, count in counts.most_common(NAMED))
    more = f", and {len(counts) - NAMED:,} more" if len(counts) > NAMED else ""
    return f"Symbols of the input that training never saw, with the number of lines: {shown}{more}."
