"""Whether a run folder holds its own export, made of the weights and the config that lie there now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.core.bounded_json import read_json
from regard.core.checksum import checksum
from regard.core.errors import RegardError
from regard.runtime.folder import MANIFEST

READY = "ready"  # the folder's name
MADE_OF = ("model.safetensors", "config.yaml")


def find_ready(run: Path) -> Path | None:
    """The export of a run in its own folder; None where there is none, or where it was made of others."""
    folder = run / READY
    try:
        told: Any = read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
        made_of = told["made_of"] if isinstance(told, dict) and "made_of" in told else None
        return folder if made_of is not None and made_of == checksums(run) else None
    except (RegardError, OSError):
        return None


def checksums(run: Path) -> dict[str, str]:
    """The SHA-256 of what an export is made of, by name."""
    return {name: checksum(run / name) for name in MADE_OF}
