"""`regard train`: from a config and data files to a run folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.options import Quiet, teller
from regard.cli.processes import die_with_launcher, follows, train_together
from regard.cli.trust import Trust
from regard.core.errors import ConfigError, RunFolderError, UsageError, message

if TYPE_CHECKING:
    from regard.config import Config

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="CONFIG.yaml|section.key=value", help="A config, and keys that override it.", show_default=False),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--train",
        metavar="FILE",
        help="Training data: once for a file with columns, a folder or a 'pattern' of its parts; again for each that is line-aligned "
        "with it.",
    ),
]
ValidFiles = Annotated[
    list[str] | None, typer.Option("--valid", metavar="FILE", help="Validation data, likewise; without it a share is set aside.")
]

Task = Annotated[str | None, typer.Option(metavar="TASK", help="What is learnt: transduce, tag, ... (docs/config.md).")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="RUN|DIR", help="A run to begin with: its net and weights; or a BERT in Hugging Face's layout."
    ),
]


def train(
    words: Words = None,
    task: Task = None,
    train: Files = None,
    valid: ValidFiles = None,
    from_: From = None,
    out: Annotated[Path, typer.Option(metavar="RUN", help="The run folder to make, or to go on with.")] = Path("run"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on exactly where the run stopped.")] = False,
    processes: Annotated[
        int, typer.Option("--processes", min=1, metavar="N", help="Processes of this machine that train it together.")
    ] = 1,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the config, with every key, and stop.")] = False,
    trust: Trust = None,
    quiet: Quiet = False,
) -> None:
    """Train a model on files.

    CONFIG.yaml may be left out: every key has a default. A word with `=` overrides a key, as in `model.size=512`.
    A config that you name is yours, and so is the code that it names (package.module:Class); --resume without one reads that of
    the run, which is anybody's: then --trust is needed.
    """
    from regard.config import load_config
    from regard.config.trust import is_of_run, users_own

    file, overrides = _sorted(words or [])
    if resume and file is None and (own := out / "config.yaml").is_file():
        file = str(own)
    known = (trust or ()) if resume and file is not None and is_of_run(file, out) else None
    config = load_config(file, overrides, task=task, train=train, valid=valid, pretrained=from_, trust=known)
    if print_config:
        from regard.config.print_config import print_config as as_yaml

        return print(as_yaml(config), end="")
    if resume and file is None and not (train or overrides):
        do = "Leave out --resume to begin a run, or name the folder of one with --out."
        raise RunFolderError(message(str(out), "a run to go on with", _what(out), do))
    _refuse(config, out, resume=resume)
    if processes > 1:
        options = _spell(
            {"--train": train, "--valid": valid, "--trust": trust}, {"--task": task, "--from": from_, "--out": str(out)}
        )
        raise typer.Exit(
            train_together(processes, [*options, *["--resume"] * resume, *["--quiet"] * quiet, "--", *(words or [])])
        )
    vouched = users_own(config, file, out) if resume and file is not None else []
    _train(config, out, resume=resume, quiet=quiet, trust=[*(trust or ()), *vouched])


def _train(config: Config, out: Path, *, resume: bool, quiet: bool, trust: Sequence[str]) -> None:
    from regard.config.trust import flags, modules
    from regard.runs import train as fit
    from regard.training.ranks import PeerLost
    from regard.training.reporting import silent
    from regard.training.signals import Interrupted

    launched = die_with_launcher()
    quiet = quiet or follows()
    tell = teller(quiet)
    try:
        run = fit(config, out, resume=resume, say=silent if quiet else tell, trust=trust)
    except (PeerLost, Interrupted) as ended:
        if launched and (follows() or isinstance(ended, PeerLost)):  # the launcher, or who failed, says what happened
            raise typer.Exit(ended.exit_code) from ended
        raise
    figures = "  ".join(f"{name} {value:.4g}" for name, value in run.metrics.items() if value is not None)
    tell(f"The model is in {run.folder}: {figures}")
    tell(after(run.folder, config, flags(modules(config))))


def _spell(several: Mapping[str, Sequence[str] | None], single: Mapping[str, str | None]) -> list[str]:
    """Options as a command line has them; those that were not given are left out."""
    found = [(name, value) for name, values in several.items() for value in values or ()]
    found += [(name, value) for name, value in single.items() if value is not None]
    return [f"{name}={value}" for name, value in found]


def after(folder: Path, config: Config, trusted: str = "") -> str:
    """What can be done with a run, each a command that works.  trusted: options that its code needs."""
    from regard.training.model_card import uses

    return f"Next: {'   or   '.join(uses(shlex.quote(str(folder)), config, trusted))}"


def _sorted(words: list[str]) -> tuple[str | None, list[str]]:
    """The config file, if one is named, and the overrides."""
    files = [w for w in words if "=" not in w]
    for word in files:
        if not word.lower().endswith((".yaml", ".yml")):
            do = "Data files are given by --train (twice for a source and a target file) and --valid."
            if Path(word).exists():  # the shell replaced a pattern by what it matches
                do += " Quote a pattern, as in --train 'parts/*.tsv'."
            raise UsageError(message(word, "CONFIG.yaml, or section.key=value", f"'{word}'", do))
    if len(files) > 1:
        do = "Name one; override keys by section.key=value."
        raise UsageError(message("regard train", "one config", " and ".join(files), do))
    return (files[0] if files else None), [w for w in words if "=" in w]


def _refuse(config: Config, out: Path, *, resume: bool) -> None:
    """Refuses to train on nothing, and where something already is: a run of hours must not be lost to a forgotten --out."""
    from regard.training.run_lock import is_free

    if not config.data.train:
        raise ConfigError(message("data.train", "at least one file", "none", "Give --train FILE, or data.train in a config."))
    if not resume and not follows() and not is_free(out):
        do = "Add --resume to go on with it, or choose" if (out / "config.yaml").is_file() else "Choose"
        raise RunFolderError(message(str(out), "a folder that is not there yet", _what(out), f"{do} another folder with --out."))


def _what(out: Path) -> str:
    if not out.exists():
        return "no such folder"
    if not out.is_dir():
        return "a file"
    return "a run" if (out / "config.yaml").is_file() else "a folder that is not a run"
