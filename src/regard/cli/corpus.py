"""`regard predict RUN INPUT --out FOLDER`: a corpus, in parts, by as many processes as are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from regard.cli import options
from regard.cli.formats import WRITERS, CorpusFormat, Format
from regard.core.errors import UsageError, message
from regard.core.say import Say

if TYPE_CHECKING:
    from regard.tasks.base import Predictor

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Write parts and a manifest there; FILE may be a folder. Again: goes on.", show_default=False
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Processes that answer, with --out (default: this one); each has --threads 1, or more."
    ),
]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, whose workers answer, with --out.")]
PartRows = Annotated[int | None, typer.Option(min=1, metavar="N", help="Rows of a part, at least, with --out (default: 10000).")]

ROWS = 10_000
THREADS = 1  # of a process: several processes gain more, and how many they are must not change the last digit
ENDINGS = {CorpusFormat.text: "txt"}  # others are their own


def plain_format(format: CorpusFormat) -> Format:
    """A format of lines.  UsageError for Parquet."""
    if format is CorpusFormat.parquet:
        raise UsageError(message("--format parquet", "--out FOLDER, for it is no text", "none", "Add --out FOLDER."))
    return Format(format.value)


def refuse_without_out(given: Mapping[str, object]) -> None:
    """UsageError for options, by their names, that say how parts are made, where none are."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(message(options.spelt(name), "--out FOLDER, where the parts go", "none", "Add --out FOLDER."))


def refuse_with_out(given: Mapping[str, object]) -> None:
    """UsageError for options, by their names, that have no place among parts."""
    for name, value in given.items():
        if value:
            do = "Leave out one of the two."
            raise UsageError(message(options.spelt(name), "one prediction, without --out", f"--out as well: {value}", do))


def predict_corpus(
    runs: Sequence[Path],
    corpus: str,
    out: Path,
    asked: Mapping[str, Any],
    *,
    opening: Mapping[str, Any],
    format: CorpusFormat,
    workers: int | None,
    scheduler: str | None,
    part_rows: int | None,
    say: Say,
) -> None:
    """A prediction for each row of a file or a folder, in the parts of another.

    asked: options of answers as they were given, None: not.  opening: what `options.open_model` is told of the model; threads that are left
    out are `THREADS` here.
    """
    from regard.cli.lines import take_options
    from regard.corpus.answering import CorpusJob, describe
    from regard.corpus.cluster import DaskWorkers
    from regard.corpus.part_format import PartFormat
    from regard.corpus.predict import predict_corpus
    from regard.data.text_files import refuse_streams

    opening = {**opening, "threads": opening["threads"] or THREADS}
    refuse_streams([] if Path(corpus).is_dir() else [corpus], "a prediction with --out")
    written = PartFormat(
        ENDINGS.get(format, format.value), None if format is CorpusFormat.parquet else WRITERS[plain_format(format)]
    )
    written.require()
    found = [each.resolve() for each in options.quickest(runs, opening["precision"], opening["device"])]
    model = options.open_model(found[0], found[1:], **opening, say=say)
    given = take_options(model, asked, plain=format is CorpusFormat.text, settings=opening["settings"])
    open_model = partial(options.open_model, found[0], found[1:], **opening)
    job = CorpusJob(uuid4().hex, out.resolve(), tuple(found), describe(found), open_model, given, written)
    others = None if workers is None and scheduler is None else DaskWorkers(workers or 1, scheduler, opening["threads"])
    predict_corpus(job, corpus, model, _told(model, given, opening, format), rows=part_rows or ROWS, workers=others, say=say)


def _told(model: Predictor, given: Any, opening: Mapping[str, Any], format: CorpusFormat) -> dict[str, Any]:
    """What decides what the parts hold, beside the rows and the model."""
    from regard.tasks.options import TRAINING

    settings = model.settle(given, None, attention=False)
    decode = {name: value for name, value in vars(settings.decode).items() if name != TRAINING and isinstance(value, int | float)}
    precision = opening["precision"].value
    return {
        "task": model.config.task,
        "format": format.value,
        "precision": precision,
        "n_best": settings.n_best,
        "decode": decode,
    }
