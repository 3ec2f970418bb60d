"""JSON files of a run: read with errors that say what is damaged, written whole or not at all (`core/atomic_files.py`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from regard.core import bounded_json
from regard.core.atomic_files import write_text
from regard.core.errors import RunFolderError, message

RESTORE = "Restore the file from a copy, or train again into another folder."


def write_json(path: Path, value: Any) -> None:
    """`value` as readable JSON, atomically.  NaN and infinity are no JSON: ValueError."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """What `write_json` wrote.  Errors: RunFolderError where the file is missing or damaged."""
    try:
        return bounded_json.read_json(path)
    except OSError as error:
        raise RunFolderError(message(str(path), "a JSON file", error.strerror or str(error), RESTORE)) from None
    except ValueError as error:
        raise RunFolderError(message(f"{path} is damaged", "JSON", str(error), RESTORE)) from None
