"""Pictures are new files: nothing that exists is overwritten, and a file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from regard.core.errors import UsageError, message


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
