"""Files of a run: safetensors, and JSON (`json_files.py`), read with errors that say what is damaged, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from regard.core.atomic_files import atomic, write_bytes
from regard.core.errors import RunFolderError, message
from regard.training.json_files import RESTORE
from regard.training.json_files import read_json as read_json
from regard.training.json_files import write_json as write_json


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """`tensors` as one safetensors file, atomically; the same tensors always give the same bytes, whose SHA-256 is handed over."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # Safetensors takes no part of another tensor's memory; and it writes several entries of metadata in no fixed order, so there is one.
    alone = {name: t if t.nbytes == t.untyped_storage().nbytes() else t.clone() for name, t in whole.items()}
    data = save(alone, {"format": "pt"})
    write_bytes(path, data)
    return sha256(data).hexdigest()


def copy(source: Path, path: Path) -> None:
    """The file `source` under the name `path`, atomically."""
    with source.open("rb") as read, atomic(path, source.stat().st_size) as file:
        shutil.copyfileobj(read, file, 1 << 20)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """What `write_tensors` wrote, in memory of its own.  Errors: RunFolderError where the file is missing or damaged."""
    try:
        if not path.is_file() and path.exists():
            raise ValueError("no regular file")
        str(path).encode()
        # A file that is mapped has its tensors wherever they fall; PyTorch's own memory is aligned, and sums depend on that.
        return {name: torch.empty_like(tensor).copy_(tensor) for name, tensor in load_file(path).items()}
    except OSError as error:
        raise RunFolderError(message(str(path), "a safetensors file", error.strerror or str(error), RESTORE)) from None
    except UnicodeEncodeError:
        do = "Rename the folder."
        raise RunFolderError(message(repr(str(path)), "a path whose names are UTF-8", "one that is not", do)) from None
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        raise RunFolderError(message(f"{path} is damaged", "a whole safetensors file", str(error), RESTORE)) from None
