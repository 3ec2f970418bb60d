"""Pictures are new files: nothing that exists is overwritten, and a file is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from regard.ground.errors import RegardError, UsageError, message


def claim(path: str | Path, *, suffixes: tuple[str, ...]) -> Path:
    """The path, if something may be written there.  Errors: UsageError for another suffix, an existing path, a missing folder."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        known = " or ".join(suffixes)
        raise UsageError(
            message("the file to write", f"a name that ends in {known}", repr(str(path)), "Choose a name with such an ending.")
        )
    if path.exists() or path.is_symlink():
        raise UsageError(
            message(
                "the file to write", "a path where nothing is yet", f"'{path}', which exists", "Remove it or choose another name."
            )
        )
    if not path.parent.is_dir():
        do = f"Make the folder '{path.parent}' first, or choose another name."
        raise UsageError(message("the file to write", "a folder that exists", f"'{path}'", do))
    return path


def save(path: Path, content: bytes) -> None:
    """Write all of `content` beside the path, then move it there.  Errors: RegardError where the disk refuses; nothing is left behind."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # a temporary file is private, a picture is like any other file
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        do = "Make room or choose another folder; nothing was written."
        raise RegardError(message(f"writing '{path}'", "a disk that takes it", error.strerror or str(error), do)) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
