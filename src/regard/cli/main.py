"""`regard`: the commands together, and how each of them ends."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from regard.cli.catalogue import catalogue
from regard.cli.check import check
from regard.cli.demo import demo
from regard.cli.evaluate import evaluate
from regard.cli.export import export
from regard.cli.info import info
from regard.cli.memory import keep_few_products, keep_freed_memory
from regard.cli.no_such_option import Commands
from regard.cli.pack import pack
from regard.cli.predict import predict
from regard.cli.score import score
from regard.cli.train import train
from regard.cli.view import view
from regard.core.errors import RegardError, describe_exhaustion, message
from regard.core.printable import printable

UNNAMEABLE = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR)  # a path that was given wrong, not a machine that fails


class _ReaderGone(Exception):
    """A BrokenPipeError on its way through click, which would take it for itself and leave with 1."""


class _Piped(Commands):
    """Commands whose reader may go away."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        with _passing():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        with _passing():
            return super().invoke(ctx)


@contextmanager
def _passing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


app = typer.Typer(
    name="regard",
    cls=_Piped,
    help="Train a sequence model from a file on a laptop, and see exactly where it looks.",
    epilog="docs/config.md lists every key of a config. Logs go to stderr, predictions to stdout.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (demo, check, train, predict, evaluate, score, view, info, export, pack, catalogue):
    app.command()(_command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"regard {version('regard')}")
        raise typer.Exit


@app.callback()
def _regard(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command that the process was called with.

    Exit codes: 0; 1 for a failure at run time; 2 for usage, config and data errors; 128 + its number after a signal in training (130 for
    Ctrl-C, 143 for SIGTERM, 129 for SIGHUP); 141, as after SIGPIPE, where whoever read the output has gone.
    """
    open_closed()
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")
    keep_few_products()
    keep_freed_memory()
    sys.exit(run())


def open_closed() -> None:
    """Puts the null device where the process was started without a standard stream, as by services and `>&-`.

    By number first: else the next file to be opened, data perhaps, would be what a library takes for its stderr.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the smallest number that is free: this one
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  open as long as the process


def run(args: list[str] | None = None) -> int:
    """Run a command (None: the process's own arguments) and give its exit code, whatever happens; what went wrong is told on stderr."""
    try:
        _flushed(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except RegardError as error:
        _tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except (BrokenPipeError, _ReaderGone):  # the reader of our output has gone, as in `| head`: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        _debug()
        _tell(_refused(error))
        return 2 if error.errno in UNNAMEABLE else 1
    except Exception as error:
        _debug()
        _tell(describe_exhaustion(error) or _crashed(error))
        return 1
    return 0


def _tell(text: str) -> None:
    """On stderr, if anybody is there to hear; what a file put into the text must not command the terminal."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def _flushed(args: list[str] | None) -> None:
    """The command, and its last words: a pipe may break, or a disk be full, as late as that."""
    try:
        app(args=args, prog_name="regard")
    except SystemExit:
        sys.stdout.flush()
        raise


def _refused(error: OSError) -> str:
    what = str(error.filename) if error.filename else "the system"
    do = "See to the disk, the path or its permissions (REGARD_DEBUG=1 shows where it happened)."
    return message(what, "to be able to read or write", error.strerror or str(error), do)


def _crashed(error: Exception) -> str:
    if _asked():
        return f"{type(error).__name__}: {error}"
    first = (str(error).splitlines() or [""])[0]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="regard-", suffix=".log", delete=False, encoding="utf-8") as log:
            traceback.print_exc(file=log)
    except OSError:  # nowhere to write, so it is said
        told = f"{traceback.format_exc()}\nregard failed unexpectedly: {type(error).__name__}: {first}"
        return f"{told}\nThis is a fault of Regard. Please report it with the lines above."
    return (
        f"regard failed unexpectedly: {type(error).__name__}: {first}\n"
        f"This is a fault of Regard. Please report it with {log.name} (or see it here with REGARD_DEBUG=1)."
    )


def _asked() -> bool:
    return os.environ.get("REGARD_DEBUG", "") not in ("", "0")


def _debug() -> None:
    """Shows the traceback of the present exception where REGARD_DEBUG asks for it."""
    if _asked():
        _tell(traceback.format_exc())
