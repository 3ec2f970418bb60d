"""Who trains in a run folder: one process at a time, and a run that never began leaves nothing in the way.

    RUN/train.lock      while a training runs: locked (flock), and in words who runs it; a killed one leaves it behind, unlocked

A run has begun when there is something to go on with: a checkpoint, or a model.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from regard.core.atomic_files import PART, explain_error
from regard.core.errors import RunFolderError, message

try:
    import fcntl
except ImportError:  # Windows: nobody is told, as before there was a lock
    fcntl = None  # type: ignore[assignment]

LOCK = "train.lock"


def has_begun(folder: Path) -> bool:
    """Whether a run lies there that could be gone on with, or used."""
    from regard.training.checkpoint import MODEL, Checkpoints  # loads torch, which who is refused need not wait for

    return (folder / MODEL).exists() or Checkpoints(folder, fingerprint={}).newest() is not None


def is_free(folder: Path) -> bool:
    """Whether a run may begin there: nothing is there, or an empty folder, or what a training left that was killed before it began."""
    if not folder.is_dir():
        return not folder.exists() and not folder.is_symlink()
    names = [path.name for path in folder.iterdir()]
    return all(name.endswith(PART) for name in names) or (LOCK in names and not has_begun(folder))


@contextmanager
def claim(folder: Path, *, resume: bool) -> Iterator[None]:
    """The folder, made where it is not there, for this training alone; if it ends in an error before it began, as it was before.

    Errors: RunFolderError where something else lies there, or another process trains there; RegardError where it cannot be written.
    """
    _refuse_unnameable(folder)
    if not (is_free(folder) or (resume and folder.is_dir())):
        do = "Choose another --out, or go on with the run that lies there: --resume."
        raise RunFolderError(message(f"{folder}", "a new or empty folder", "something that exists", do))
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    was_empty = bool(made) or not any(folder.iterdir())
    with explain_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with lock_folder(folder):
        try:
            yield
        except BaseException:
            if was_empty and not has_begun(folder):
                _undo(folder, made)
            raise


def _undo(folder: Path, made: list[Path]) -> None:
    """Takes away what was written into a folder that was empty, and the folders that were made for it."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    with contextlib.suppress(OSError):
        for path in made:
            path.rmdir()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """A folder that is there for this process alone.  RunFolderError where another one holds it."""
    if fcntl is None:
        yield
        return
    path = folder / LOCK
    handle = _opened(path)
    try:
        _tell_others(handle)
        yield
    finally:
        if has_begun(folder):  # else it says that what lies there is in nobody's way
            path.unlink(missing_ok=True)
        os.close(handle)


def _opened(path: Path) -> int:
    """The lock, held.  Whoever holds it takes its name away at the end, so a file that was locked may be one that nobody finds any more."""
    while True:
        with explain_error(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise _held(path) from None
        except OSError:  # a file system without locks
            return handle
        with contextlib.suppress(FileNotFoundError):
            if os.path.sameopenfile(handle, named := os.open(path, os.O_RDONLY)):
                os.close(named)
                return handle
            os.close(named)
        os.close(handle)


def _tell_others(handle: int) -> None:
    who = {"process": os.getpid(), "machine": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with contextlib.suppress(OSError):  # a full disk is told of by what matters
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(who).encode() + b"\n", 0)


def _held(path: Path) -> RunFolderError:
    try:
        who = json.loads(path.read_bytes()[:1000])
        told = f"process {who['process']} on {who['machine']}, which trains there since {who['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        told = "another process, which trains there"
    do = "Wait for it, stop it, or choose another folder with --out."
    return RunFolderError(message(f"{path.parent}", "a run folder in which nobody else trains", told, do))


def _refuse_unnameable(folder: Path) -> None:
    """A name that is no UTF-8 cannot be handed to the library that reads weights, nor be written into a model card."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        do = "Choose another --out."
        raise RunFolderError(message(repr(str(folder)), "a folder whose name is UTF-8", "one that is not", do)) from None
