"""`regard export`: a run as files that need no PyTorch, proved to answer as it does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options


class ExportFormat(StrEnum):
    """What is made."""

    regard = "regard"
    onnx = "onnx"
    ctranslate2 = "ctranslate2"
    page = "page"


def export(
    run: options.Run,
    out: Annotated[Path, typer.Option("--out", metavar="OUT", help="The new folder, or the new .html of a page.")],
    format: Annotated[
        ExportFormat,
        typer.Option(
            help="regard: for regard-run and this command; onnx: graphs for onnxruntime; ctranslate2: a Transformer for that engine; "
            "page: one web page that runs the model."
        ),
    ] = ExportFormat.regard,
    precision: Annotated[
        options.PlainOption, typer.Option(help="int8: weights of one byte, a quarter of the size; what changes is said.")
    ] = options.PlainOption.float32,
    check: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Compare on the lines of FILE too (again: more; default: the validation data).",
            show_default=False,
        ),
    ] = None,
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Export a run, once it is proved that what is made answers as it does.

    The proof: the validation data and a thousand made-up inputs, alone and in batches, by beams, with attention. What fails is not written.
    """
    from regard.export.command import export as made

    made(run, out, format.value, precision=precision.value, files=check or (), trust=trust or (), say=options.teller(quiet))
