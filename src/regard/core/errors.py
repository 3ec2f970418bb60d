"""Errors that say what is wrong, what was expected, what was received and what to do.

Every error that a user can cause is a `RegardError`; the command line prints its message without a traceback and ends
with its `exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RegardError(Exception):
    """A failure at run time that the user can correct.  Exit code 1."""

    exit_code = 1


class UsageError(RegardError):
    """A command that was called in a way that makes no sense.  Exit code 2."""

    exit_code = 2


class ArgumentError(UsageError, TypeError):
    """An argument that a function of Regard does not take, or not for this model.  Exit code 2."""


class ConfigError(RegardError, ValueError):
    """A config, or a constructor's argument, that cannot be built.  Exit code 2."""

    exit_code = 2


class DataError(RegardError):
    """A data file that cannot be read as said; names the file and the line.  Exit code 2."""

    exit_code = 2


class RunFolderError(RegardError):
    """A run folder that is damaged, of a newer version, not one, or does not fit what is asked of it.  Exit code 2."""

    exit_code = 2


def message(what: str, expected: str, received: str, do: str) -> str:
    """The one shape of every error: `what: expected X; received Y. Do Z.`"""
    return f"{what}: expected {expected}; received {received}. {do}"


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """` Did you mean 'x'?`, or nothing where no known word is near.  known: words, or numbers that a word may be."""
    names = [str(name) for name in known]
    same = [name for name in names if name.lower() == str(word).lower()]  # what differs in case alone is nearer than any other
    near = same or difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


_FULL = (
    "can't allocate memory",
    "not enough memory",
    "Storage size calculation overflowed",
    "numel: integer multiplication overflow",
)


def describe_exhaustion(error: BaseException) -> str:
    """What to tell of an error that means too little memory, Python's own or one of PyTorch's allocator; "" for any other."""
    if not isinstance(error, MemoryError) and not (isinstance(error, RuntimeError) and any(word in str(error) for word in _FULL)):
        return ""
    do = "Lower the batch (train.batch_tokens, decode.batch_size), the beam, or the size of the net; or give it more memory."
    received = str(error).splitlines()[0] if str(error) else "none left"
    return message("memory", "enough for what was asked", received, do)
