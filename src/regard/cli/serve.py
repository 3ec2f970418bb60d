"""`regard serve`: models over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.core.errors import UsageError, message

if TYPE_CHECKING:
    from socket import socket

    from regard.serve.models import ServableModel
    from regard.serve.settings import ServerSettings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST = 16  # characters of a token


def serve(
    runs: Annotated[list[str], typer.Argument(metavar="RUN|NAME=RUN", help="Run or exported folders, and their names.")],
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: any that is free, which is said.")] = 8000,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Beyond this machine only with --token.")] = "127.0.0.1",
    token: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the token that clients must show (Authorization: Bearer).")
    ] = None,
    limits: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help="What is taken at most (again: more); docs/serve.md has the names.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes, each with the models for itself.")] = 1,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Write what was asked into the log too.")] = False,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each request in the log.")] = False,
    trust: options.Trust = None,
) -> None:
    """Answer over HTTP.

    POST /v1/predict {"texts": [...]} gives what predict gives, whoever else asks. SIGTERM answers what was asked and ends; SIGHUP opens
    the run folders again. The log, JSON lines, goes to stderr.
    """
    require_extra("regard serve")
    from regard.serve.event_log import EventLog
    from regard.serve.limits import read_limits
    from regard.serve.models import name_runs
    from regard.serve.settings import ServerSettings, bind

    shown = _read_token(token)
    if shown is None and host not in LOOPBACK:
        do = "Add --token FILE, or leave --host out."
        raise UsageError(message("--host", f"one of {', '.join(LOOPBACK)} where there is no --token", host, do))
    if workers > 1 and not hasattr(os, "fork"):
        raise UsageError(message("--workers", "1 on this system, which has no fork", str(workers), "Leave it out."))
    threads = threads or (max(1, (os.cpu_count() or 1) // workers) if workers > 1 else None)
    open_model = partial(open_served, precision=precision, threads=threads, trust=trust or ())
    log = EventLog(requests=not quiet, texts=log_texts)
    settings = ServerSettings(name_runs(runs), open_model, read_limits(limits or ()), log, shown)
    with bind(host, port) as listener:
        if workers == 1:
            _work(settings, listener)
            return
        from regard.serve.workers import WorkerPool

        raise typer.Exit(WorkerPool(workers, partial(_work, settings), log).run(listener))


def _work(settings: ServerSettings, listener: socket) -> None:
    """What a process does; only there is loaded what has threads."""
    from regard.serve.server import serve

    serve(settings, listener)


def require_extra(what: str) -> None:
    """UsageError where what the server needs is not installed.  what: asks for it."""
    for name in ("starlette", "uvicorn", "prometheus_client"):
        if find_spec(name) is None:
            do = "Install the extra: pip install '.[serve]' in the checkout."
            raise UsageError(message(what, "Starlette, uvicorn and prometheus-client", f"no {name}", do))


def _read_token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        found = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        received = getattr(error, "strerror", None) or "something else"
        raise UsageError(message(f"--token {file}", "a file that holds a token", received, "Name one.")) from None
    if len(found) < SHORTEST or not found.isascii() or not found.isprintable() or " " in found:
        expected = f"one line of at least {SHORTEST} ASCII characters without blanks"
        do = "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'"
        raise UsageError(message(f"--token {file}", expected, f"{len(found)} characters", do))
    return found


def open_served(
    folder: Path,
    *,
    precision: options.PlainOption,
    threads: int | None,
    trust: Iterable[str],
    decode: Sequence[str] = (),
    batch_invariant: bool = True,
) -> ServableModel:
    """One model; PyTorch is imported for a run folder alone.  decode: words `decode.KEY=VALUE`."""
    from regard.core.library import set_threads
    from regard.runtime.folder import is_exported

    if threads is not None:
        set_threads(threads)
    if is_exported(folder):
        from regard.exported import load as load_export

        options.refuse_bytes_of_export([folder], precision)
        return load_export(folder, decode=decode)
    options.refuse_without_torch(folder)
    from regard.api import load

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return load(folder, trust=trust, precision=precision.value, batch_invariant=batch_invariant, decode=decode)
