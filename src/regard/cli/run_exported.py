"""`regard-run`: predictions of an exported model, on a machine without PyTorch."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from regard.cli.attention_file import claim_attention
from regard.cli.formats import Format
from regard.cli.lines import predict_lines
from regard.cli.words import one_file, split_words, teller
from regard.core.exit_codes import exit_code, open_closed


def main(args: Sequence[str] | None = None) -> None:
    """Run the command and leave the process; exit codes: see `core.exit_codes.exit_code`."""
    open_closed()
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")
    sys.exit(exit_code(lambda: predict(_parser().parse_intermixed_args(args))))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("regard-run", description="Predict for every line, with a model that `regard export` made.")
    parser.add_argument("model", type=Path, metavar="FOLDER", help="what `regard export` made")
    parser.add_argument(
        "words", nargs="*", metavar="FILE|decode.KEY=VALUE", help="lines to predict from (-: standard input); how it writes"
    )
    parser.add_argument(
        "--with", dest="others", action="append", type=Path, metavar="FOLDER2", help="a model to answer together with"
    )
    parser.add_argument("--text", help="one line in place of a FILE")
    for name in ("beam", "n-best", "batch-size"):
        parser.add_argument(f"--{name}", type=int, metavar="N")
    parser.add_argument("--format", choices=[f.value for f in Format], default="text")
    parser.add_argument("--attention", type=Path, metavar="OUT.npz|OUT.jsonl", help="write where the model looked to a new file")
    parser.add_argument("--quiet", "-q", action="store_true", help="no notes on stderr; errors only")
    return parser


def predict(asked: argparse.Namespace) -> None:
    """Predictions on stdout, line for line with the file."""
    from regard.tasks.ensembles import make_ensemble
    from regard.tasks.load_exported import load_exported

    files, settings = split_words(asked.words)
    file = one_file(files, asked.text, command=f"regard-run {asked.model}", default="-")
    out, models = claim_attention(asked.attention), [load_exported(folder) for folder in (asked.model, *(asked.others or ()))]
    model = models[0] if len(models) == 1 else make_ensemble(models)
    model = model.apply_decode(settings) if settings else model
    given = {name: getattr(asked, name) for name in ("beam", "n_best", "batch_size")}
    predict_lines(
        model, file, asked.text, given, settings=settings, format=Format(asked.format), out=out, say=teller(asked.quiet)
    )
