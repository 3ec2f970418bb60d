"""Pictures are new files: nothing that exists is overwritten, and a file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from regard.core.errors import UsageError, message


def claim(path: str | Path, *, suffixes: tuple[str, ...]) -> Path:
    """The path, if something may be written there.  Errors: UsageError for another suffix, an existing path, a missing folder."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        known = " or ".join(suffixes)
        expected, do = f"a name that ends in {known}", "Choose a name with such an ending."
        raise UsageError(message("the file to write", expected, repr(str(path)), do))
    if path.exists() or path.is_symlink():
        expected, do = "a path where nothing is yet", "Remove it or choose another name."
        raise UsageError(message("the file to write", expected, f"'{path}', which exists", do))
    if not path.parent.is_dir():
        do = f"Make the folder '{path.parent}' first, or choose another name."
        raise UsageError(message("the file to write", "a folder that exists", f"'{path}'", do))
    return path
