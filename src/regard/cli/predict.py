"""`regard predict`: a prediction for every line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.attention_file import claim_attention
from regard.cli.formats import Format


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
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Predict for every line.

    Predictions go to stdout, line for line with FILE. FILE has the columns of the training data; what is right may be missing.
    """
    from regard.cli.lines import predict_lines

    files, settings = options.split_words(words or [])
    file, say = options.one_file(files, text, command=f"regard predict {run}", default="-"), options.teller(quiet)
    out = claim_attention(attention)
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say
    )
    given = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    predict_lines(model, file, text, given, settings=settings, format=format, out=out, say=say)
