"""What a file is known by."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; read in pieces."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
