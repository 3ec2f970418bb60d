"""`regard predict`: a prediction for every line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.alignment_file import claim_links
from regard.cli.attention_file import claim_attention
from regard.cli.formats import Format

LookedAt = Annotated[Path | None, typer.Option(metavar="OUT.npz|OUT.jsonl", help="Write where the model looked to a new file.")]
AlignedTo = Annotated[
    Path | None, typer.Option(metavar="OUT", help="Write which source word each word comes from (i-j) to a new file.")
]
Erased = Annotated[
    list[str] | None,
    typer.Option(metavar="LOOK[:source=N,target=N,head=N]", help="Take nothing of places of a look, from 0 (again: more)."),
]
Pinned = Annotated[
    list[str] | None, typer.Option(metavar="LOOK:source=N[,weight=W]", help="Look at these places, and by how much.")
]


def predict(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    others: options.Others = None,
    beam: options.Beam = None,
    n_best: options.NBest = None,
    batch_size: options.BatchSize = None,
    format: Annotated[Format, typer.Option(help="text: the best; tsv: line rank score text; jsonl: everything.")] = Format.text,
    attention: LookedAt = None,
    alignment: AlignedTo = None,
    erase: Erased = None,
    pin: Pinned = None,
    uniform: Annotated[list[str] | None, typer.Option(metavar="LOOK", help="Look at all places alike.")] = None,
    permute: Annotated[list[str] | None, typer.Option(metavar="LOOK[:seed=N]", help="Mix the weights of a look.")] = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Predict for every line.

    Predictions go to stdout, line for line with FILE. FILE has the columns of the training data; what is right may be missing.
    """
    from regard.cli.interventions import read_interventions
    from regard.cli.lines import predict_lines
    from regard.tasks.interventions import intervene

    files, settings = options.split_words(words or [])
    file, say = options.one_file(files, text, command=f"regard predict {run}", default="-"), options.teller(quiet)
    out, links = claim_attention(attention), claim_links(alignment)
    touched = read_interventions({"erase": erase, "pin": pin, "uniform": uniform, "permute": permute})
    ready = not touched  # a kept export could not obey
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say, ready=ready
    )
    given = {"beam": beam, "n_best": n_best, "batch_size": batch_size}
    predict_lines(intervene(model, touched), file, text, given, settings=settings, format=format, out=out, links=links, say=say)
