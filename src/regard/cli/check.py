"""`regard check`: what is wrong with data files, before a net learns it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.words import teller
from regard.core.errors import DataError, UsageError, message
from regard.core.plural import many
from regard.core.printable import printable
from regard.tasks.registry import USUAL

if TYPE_CHECKING:
    from regard.check.bad_lines import RecordErrors
    from regard.check.examine import CheckReport
    from regard.check.form import StatedForm


def check(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|CONFIG.yaml|section.key=value", help="Training data, as --train takes it; a config, keys of it."
        ),
    ],
    task: Annotated[str | None, typer.Option(metavar="TASK", help="What will be learnt (default: as the file looks).")] = None,
    valid: Annotated[list[str] | None, typer.Option("--valid", metavar="FILE", help="Validation data, likewise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, with everything that was found.")] = False,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a cleaned copy: a new file, or a new folder where there are several files."),
    ] = None,
    bad: Annotated[
        Path | None, typer.Option(metavar="BAD.tsv", help="Write every line that cannot be read: file, line, kind, why, text.")
    ] = None,
) -> None:
    """Say what is wrong with data, most harmful first, and what to do.

    Exit code 2 where something is wrong that must be corrected, else 0.
    """
    from regard.check import screen
    from regard.check.examine import examine

    files, given, task = _understood(words, task)
    report = examine(files, valid=valid or (), task=task, given=given)
    if as_json:
        print(json.dumps(screen.told(report), ensure_ascii=False))
    else:
        print(printable(screen.screen(report, cleaned=fix is not None)))
    if bad:
        _write_bad(bad, report.bad)
    if fix:
        _write_cleaned(report, fix)
    elif report.worst == "error":
        raise typer.Exit(DataError.exit_code)


def _understood(words: list[str], task: str | None) -> tuple[list[str], StatedForm, str | None]:
    """The files, the task, and what a config and keys say of them."""
    from regard.check.form import StatedForm
    from regard.check.from_config import given
    from regard.config import load_config

    keys = [word for word in words if "=" in word and not Path(word).exists()]
    configs = [word for word in words if word.lower().endswith((".yaml", ".yml"))]
    files = [word for word in words if word not in keys and word not in configs]
    if len(configs) > 1:
        do = "Name one; override keys by section.key=value."
        raise UsageError(message("regard check", "one config", " and ".join(configs), do))
    if not keys and not configs and task is None:
        return files, StatedForm(), None
    config = load_config(configs[0] if configs else None, keys, task=task)
    files = files or list(config.data.train)
    if not files:
        raise UsageError(message("regard check", "a file", "none", "Name the training data, as for --train."))
    named = task is not None or bool(configs) or any(key.startswith("task=") for key in keys)
    return files, given(config, fixed=False), config.task if named else None


def _write_cleaned(report: CheckReport, out: Path) -> None:
    """The cleaned copy; what was done, and what is left, on stderr."""
    from regard.check.examine import examine
    from regard.check.rewrite import rewrite
    from regard.data.parts import all_parts

    files = all_parts((*report.files, *report.valid))
    several = len(files) > len(report.files) + len(report.valid)
    if several and len(report.files) + len(report.valid) > 1:
        received = " and ".join((*report.files, *report.valid))
        raise UsageError(message("--fix", "one folder of parts, or files", received, "Clean them one by one."))
    done = rewrite(report, out, files)
    say = teller(False)
    say(str(done))
    paths = [str(out)] if several else list(map(str, done.paths))
    count = len(report.files)
    left = examine(paths[:count], valid=paths[count:], task=report.case.task, given=report.case.given)
    kinds = ", ".join(f"{finding.level} {finding.kind} ({finding.count:,})" for finding in left.findings) or "nothing"
    say(f"What is left to look at: {kinds}.")
    words = [f"--{'train' if i < count else 'valid'} {shlex.quote(path)}" for i, path in enumerate(paths)]
    keys = [shlex.quote(line.replace(": ", "=")) for line in left.config]
    kind = [f"--task {left.case.task}"] if left.case.task != USUAL else []
    say(f"Next: regard train {' '.join([*kind, *words, *keys])} --out RUN")


def _write_bad(path: Path, bad: RecordErrors) -> None:
    """Every bad line, as TSV, one a line: tabs and line ends inside are written as blanks."""
    from regard.core.atomic_files import atomic

    with atomic(path) as out:
        out.write(b"file\tline\tkind\twhy\ttext\n")
        for file, line, kind, why, text in bad:
            place, there = (" ".join(file.splitlines()), str(line)), " ".join(text.replace("\t", " ").splitlines())
            row = "\t".join((*place, kind, " ".join(why.split()), there))
            out.write(f"{row}\n".encode("utf-8", errors="backslashreplace"))
    say = teller(False)
    say(f"{many(bad.count, 'bad line is', 'bad lines are')} in {path}.")
