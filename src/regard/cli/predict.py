"""`regard predict`: a prediction for every line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.alignment_file import claim_links
from regard.cli.attention_file import claim_attention
from regard.cli.formats import Format
from regard.cli.interventions import Erase, Permute, Pin, Uniform


def predict(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    others: options.Others = None,
    beam: options.Beam = None,
    n_best: options.NBest = None,
    batch_size: options.BatchSize = None,
    format: Annotated[Format, typer.Option(help="text: the best; tsv: line rank score text; jsonl: everything.")] = Format.text,
    attention: options.Attention = None,
    alignment: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write which source word each word comes from (i-j) to a new file.")
    ] = None,
    erase: Erase = None,
    pin: Pin = None,
    uniform: Uniform = None,
    permute: Permute = None,
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
    from regard.tasks.intervention_words import read_interventions
    from regard.tasks.interventions import intervene

    files, settings = options.split_words(words or [])
    file, say = options.one_file(files, text, command=f"regard predict {run}", default="-"), options.teller(quiet)
    out, links = claim_attention(attention), claim_links(alignment)
    touched = read_interventions({"erase": erase, "pin": pin, "uniform": uniform, "permute": permute})
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say, ready=not touched
    )  # fmt: skip
    given = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    predict_lines(intervene(model, touched), file, text, given, settings=settings, format=format, out=out, links=links, say=say)
