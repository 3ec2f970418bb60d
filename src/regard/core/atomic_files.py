"""Files that are whole or not there: written beside, flushed to the disk, then put in place in one step."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from regard.core.errors import RegardError, message

PART = ".part"  # the ending of whatever is being written, or being thrown away; always with a leading dot

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic(path: Path, needed: int | None = None) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` only when the block ends well and its bytes lie on the disk.

    Whatever fails, an older file of that name stays as it was, and nothing else is left.
    `needed`: its size in bytes, for the error.
    Errors: RegardError where the disk is full or cannot be written.
    """
    part = beside(path)
    with explain_error(path, needed):
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            sync_folder(path.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def beside(path: Path) -> Path:
    """The name under which `path` is being written: in the same folder, hidden, told from others by the process."""
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")


@contextmanager
def explain_error(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turns the system's refusal to write at `path` into a RegardError with the way out; `needed` is in bytes, where it is known.

    Around writings that explain themselves, it speaks for all of them.  A pipe that breaks meanwhile is none of it.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _refused(path, needed, error) from error
    except RegardError as error:
        if isinstance(error.__cause__, OSError):
            raise _refused(path, needed, error.__cause__) from error.__cause__
        raise


def _refused(path: Path, needed: int | None, error: OSError) -> RegardError:
    if error.errno not in _FULL:
        reason = error.strerror or str(error)
        return RegardError(message(f"cannot write {path}", "a place that can be written", reason, "Choose another folder."))
    folder = next(p for p in path.absolute().parents if p.exists())
    free = f"{size(shutil.disk_usage(folder).free)} free"
    wanted = f"{size(needed)} of free disk" if needed else "free disk"
    do = f"Free some space in {folder}, then go on (a training run: with --resume); what was there before is untouched."
    return RegardError(message(f"cannot write {path}, the disk is full", wanted, free, do))


def size(count: int) -> str:
    """Bytes for people: `size(1_500_000)` is "1.5 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def write_bytes(path: Path, data: bytes) -> None:
    """`data` as the file `path`, atomically."""
    with atomic(path, len(data)) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """`text` in UTF-8 as the file `path`, atomically."""
    write_bytes(path, text.encode())


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` outlive a loss of power, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Takes a file or a folder away: its name goes in one step, so nobody finds half of it.  Missing is fine."""
    part = beside(path)
    try:
        os.replace(path, part)
    except FileNotFoundError:
        return
    shutil.rmtree(part) if part.is_dir() else part.unlink()


def clean(folder: Path) -> None:
    """Throws away what writers that were killed left in `folder`."""
    for part in folder.glob(f".*{PART}"):
        shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
