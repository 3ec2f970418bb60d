"""`regard`: the commands together, and how each of them ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from regard.cli.align import align
from regard.cli.catalogue import catalogue
from regard.cli.check import check
from regard.cli.compare import compare
from regard.cli.demo import demo
from regard.cli.evaluate import evaluate
from regard.cli.export import export
from regard.cli.faithfulness import faithfulness
from regard.cli.info import info
from regard.cli.memory import keep_few_products, keep_freed_memory
from regard.cli.no_such_option import Commands
from regard.cli.pack import pack
from regard.cli.plot import plot
from regard.cli.predict import predict
from regard.cli.score import score
from regard.cli.serve import serve
from regard.cli.train import train
from regard.cli.view import view
from regard.cli.warm_up import warm_up
from regard.core.exit_codes import ReaderGone, exit_code, open_closed
from regard.core.garbage import collect_seldom


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
        raise ReaderGone from error


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
for _command in (
    demo,
    check,
    train,
    predict,
    evaluate,
    score,
    align,
    compare,
    plot,
    view,
    faithfulness,
    info,
    export,
    warm_up,
    serve,
    pack,
    catalogue,
):
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
    collect_seldom()
    sys.exit(run())


def run(args: list[str] | None = None) -> int:
    """Run a command (None: the process's own arguments) and give its exit code, whatever happens; what went wrong is told on stderr."""
    return exit_code(lambda: _flushed(args))


def _flushed(args: list[str] | None) -> None:
    """The command, and its last words: a pipe may break, or a disk be full, as late as that."""
    try:
        app(args=args, prog_name="regard")
    except SystemExit:
        sys.stdout.flush()
        raise
