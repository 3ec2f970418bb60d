"""How a command ends: its exit code, and what is told on stderr."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress

from regard.core.errors import RegardError, describe_exhaustion, message
from regard.core.interface_language import translate
from regard.core.printable import printable

UNNAMEABLE = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR)  # a path that was given wrong, not a machine that fails


class ReaderGone(Exception):
    """A BrokenPipeError on its way through a library that would take it for itself and leave with 1."""


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


def exit_code(command: Callable[[], object]) -> int:
    """Run a command and give its exit code, whatever happens; what went wrong is told on stderr.

    0; 1 for a failure at run time; 2 for usage, config and data errors; 130 for Ctrl-C; 141, as after SIGPIPE, where whoever read the
    output has gone.
    """
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except RegardError as error:
        _tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except (BrokenPipeError, ReaderGone):  # the reader of our output has gone, as in `| head`: nobody is left to tell
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
        print(printable(translate(text)), file=sys.stderr, flush=True)


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
