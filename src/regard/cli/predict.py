"""`regard predict`: a prediction for every line, or for every row of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.cli import corpus, options
from regard.cli.alignment_file import claim_links
from regard.cli.attention_file import claim_attention
from regard.cli.formats import CorpusFormat, Format
from regard.cli.interventions import Erase, Permute, Pin, Uniform
from regard.core.say import Say

Wording = Annotated[
    CorpusFormat, typer.Option(help="text: the best; tsv: line rank score text; jsonl: everything; parquet: as tsv, with --out.")
]
Alignment = Annotated[
    Path | None, typer.Option(metavar="OUT", help="Write which source word each word comes from (i-j) to a new file.")
]


def predict(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    others: options.Others = None,
    beam: options.Beam = None,
    n_best: options.NBest = None,
    batch_size: options.BatchSize = None,
    format: Wording = CorpusFormat.text,
    attention: options.Attention = None,
    alignment: Alignment = None,
    erase: Erase = None,
    pin: Pin = None,
    uniform: Uniform = None,
    permute: Permute = None,
    out: corpus.Out = None,
    workers: corpus.Workers = None,
    scheduler: corpus.Scheduler = None,
    part_rows: corpus.PartRows = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Predict for every line.

    Predictions go to stdout, line for line with FILE; with --out a corpus is predicted in parts. FILE has the columns of the training data;
    what is right may be missing.
    """
    files, settings = options.split_words(words or [])
    file, say = options.one_file(files, text, command=f"regard predict {run}", default="-"), options.teller(quiet)
    asked: dict[str, Any] = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    opening = {"settings": settings, "precision": precision, "trust": trust, "threads": threads, "device": device}
    touches, saved = {"erase": erase, "pin": pin, "uniform": uniform, "permute": permute}, (attention, alignment)
    parts: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "part_rows": part_rows}
    if out is None:
        corpus.refuse_without_out(parts)
        _predict_lines([run, *(others or ())], file, text, asked, opening, corpus.plain_format(format), saved, touches, say)
    else:
        corpus.refuse_with_out({"text": text, "attention": attention, "alignment": alignment, **touches})
        corpus.predict_corpus([run, *(others or ())], file or "-", out, asked, opening=opening, format=format, **parts, say=say)


def _predict_lines(
    runs: Sequence[Path],
    file: str | None,
    text: str | None,
    asked: Mapping[str, Any],
    opening: Mapping[str, Any],
    format: Format,
    saved: tuple[Path | None, Path | None],
    touches: Mapping[str, Sequence[str] | None],
    say: Say,
) -> None:
    """Predictions on stdout.  saved: where attention goes, and alignments; touches: words of interventions."""
    from regard.cli.lines import predict_lines
    from regard.tasks.intervention_words import read_interventions
    from regard.tasks.interventions import intervene

    out, links = claim_attention(saved[0]), claim_links(saved[1])
    touched = read_interventions(touches)
    model = intervene(options.open_model(runs[0], runs[1:], **opening, say=say, ready=not touched), touched)
    predict_lines(model, file, text, asked, settings=opening["settings"], format=format, out=out, links=links, say=say)
