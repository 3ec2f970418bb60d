"""What the commands that use a run have in common: their options, each said once, and the model that they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.trust import Trust as Trust
from regard.cli.words import one_file as one_file
from regard.cli.words import spelt as spelt
from regard.cli.words import split_words as split_words
from regard.cli.words import teller as teller
from regard.core.errors import UsageError, message
from regard.core.say import Say

if TYPE_CHECKING:
    from regard.tasks.base import Predictor


class PlainOption(StrEnum):
    float32 = "float32"
    int8 = "int8"


Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|decode.KEY=VALUE",
        help="Lines with the columns of training (-: standard input); and how the run writes, for this once.",
        show_default=False,
    ),
]
Judged = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|decode.KEY=VALUE",
        help="What training reads: a file with columns, or files line for line; and how the run writes, for this once.",
    ),
]
Others = Annotated[
    list[Path] | None,
    typer.Option("--with", metavar="RUN2", help="A run to answer together with (again: more).", show_default=False),
]
Text = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="One line instead of a FILE, with the columns that a file would have.", show_default=False),
]
Attention = Annotated[Path | None, typer.Option(metavar="OUT.npz|OUT.jsonl", help="Write where the model looked to a new file.")]
Beam = Annotated[int | None, typer.Option(min=1, metavar="N", help="Hypotheses kept at each step (default: the config's).")]
NBest = Annotated[int | None, typer.Option(min=1, metavar="N", help="Hypotheses given (default: the config's).")]
BatchSize = Annotated[int | None, typer.Option(min=1, metavar="N", help="Lines at a time; changes no prediction.")]
Precision = Annotated[
    PlainOption, typer.Option(help="int8: weights of one byte, faster on a CPU; some answers change, and how many is said.")
]
Device = Annotated[
    str, typer.Option(metavar="WORD", help="Where the net computes: cpu, cuda, cuda:N, mps, or auto, a GPU where there is one.")
]
Threads = Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads of the CPU (default: PyTorch's own choice).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes on stderr; errors only.")]


def open_model(
    run: Path,
    others: Sequence[Path] | None,
    *,
    settings: Sequence[str] = (),
    precision: PlainOption = PlainOption.float32,
    trust: Iterable[str] | None = None,
    threads: int | None = None,
    device: str = "cpu",
    say: Say | None = None,
    ready: bool = False,
) -> Predictor:
    """The model of a run or an exported folder, or of several that answer together, which writes as `settings` say.

    say: hears what int8 changes, and which device answers where that was left open.  ready: in the place of a run its own export will do
    (`regard warm-up`).
    """
    from regard.core.library import set_threads
    from regard.runtime.folder import is_exported
    from regard.tasks.ensembles import make_ensemble

    runs = [run, *(others or ())]
    if ready:
        runs = quickest(runs, precision, device)
    exported = [each for each in runs if is_exported(each)]
    refuse_bytes_of_export(exported, precision)
    if threads is not None:
        set_threads(threads)
    if threads is not None and len(exported) < len(runs):
        import torch

        torch.set_num_threads(threads)
    models = [_open(each, precision, trust or (), device) for each in runs]
    if precision is PlainOption.int8 and say:
        from regard.tasks.quantization_report import parity

        for each in runs:
            gone = f"int8: the validation files of {each} are gone or others, so how many answers change is not known."
            say(str(parity(each, trust=trust or ()) or gone))
    if device != "cpu" and say and len(exported) < len(runs):
        _say_device(device, say)
    model = models[0] if len(models) == 1 else make_ensemble(models)
    return model.apply_decode(settings) if settings else model


def quickest(runs: Sequence[Path], precision: PlainOption, device: str) -> list[Path]:
    """Of each run its own export, where it has one that answers what is asked for (`regard warm-up`)."""
    from regard.runtime.ready import find_ready

    plain = precision is PlainOption.float32 and device == "cpu"
    return [(find_ready(run) if plain else None) or run for run in runs]


def _say_device(device: str, say: Say) -> None:
    from regard.core.devices import describe_device, find_device

    say(f"answered on {describe_device(find_device(device, '--device'))}")


def refuse_bytes_of_export(exported: Sequence[Path], precision: PlainOption) -> None:
    """UsageError where exported folders are to be made bytes of: they have the precision that they were written with."""
    if exported and precision is PlainOption.int8:
        do = f"Export the run again with --precision int8, or leave it out here; {exported[0]} says which it has."
        raise UsageError(message("--precision int8", "a run folder", f"an exported one, {exported[0]}", do))


def refuse_without_torch(run: Path) -> None:
    """UsageError where a run is to be opened, and what opens it is not installed: in an image, say, that holds no PyTorch."""
    if find_spec("torch") is None:
        do = "Name what `regard export` made, or install PyTorch."
        raise UsageError(message(str(run), "an exported folder, as PyTorch is not installed here", "none", do))


def _open(run: Path, precision: PlainOption, trust: Iterable[str], device: str) -> Predictor:
    """One model; PyTorch is imported for a run folder alone."""
    from regard.runtime.folder import is_exported

    if is_exported(run):
        from regard.tasks.load_exported import load_exported, refuse_device

        refuse_device(run, device)
        return load_exported(run)
    refuse_without_torch(run)
    from regard.tasks.load_run import load_run

    return load_run(run, trust=trust, precision=precision.value, device=device)
