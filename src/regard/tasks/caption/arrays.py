"""Arrays of numbers in an .npz: features or images made elsewhere."""

from __future__ import annotations

import math
import zipfile
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.data.text_files import missing

NAMES = ("images", "features")  # of arrays in an .npz


def read_arrays(file: str) -> NDArray[Any]:
    """Rows of an .npz: images (N H W 3, bytes) or features (N, rows, columns, D).  Nothing is ever unpickled.

    The array is called `images` or `features`, or is the only one.  Features (N, K, D) are a square where K is one, else one row;
    (N, D) is one cell an item.  DataError for what is none of these, or not finite.
    """
    name, array = _only_array(file)
    if array.dtype == np.uint8 and (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (1, 3))) and name != "features":
        return np.broadcast_to(array if array.ndim == 4 else array[..., None], (*array.shape[:3], 3))
    what = f"{file}, array {name!r}"
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3, 4) or not array.size or name == "images":
        expected = "images (N, H, W, 3) of bytes" if name == "images" else "features (N, D), (N, K, D) or (N, H, W, D)"
        raise DataError(message(what, expected, f"{array.dtype} of shape {array.shape}", "Save the array in that shape."))
    array = array.astype(np.float32)
    bad = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bad.any():
        raise DataError(message(f"{what}, row {int(bad.argmax())}", "finite numbers", "inf or nan", "Correct the features."))
    if array.ndim == 4:
        return array
    cells = array.reshape(len(array), -1, array.shape[-1])
    side = isqrt(cells.shape[1])
    rows = side if side * side == cells.shape[1] else 1
    return cells.reshape(len(array), rows, -1, array.shape[-1])


def _only_array(file: str) -> tuple[str, NDArray[Any]]:
    try:
        with np.load(file, allow_pickle=False) as found:
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ValueError("one array without a name, an .npy")
            names = [name for name in NAMES if name in found.files] or list(found.files)
            if len(names) != 1:
                received = ", ".join(found.files) or "none"
                do = "Save one array, called images or features."
                raise DataError(message(file, "one array, or one called images or features", received, do))
            _promises(file, names[0])
            return names[0], found[names[0]]
    except FileNotFoundError:
        raise missing(file) from None
    except DataError:
        raise
    except MemoryError as error:
        do = "Save fewer rows, or smaller numbers."
        raise DataError(message(file, "an array that memory holds", str(error), do)) from error
    except Exception as error:  # what readers of archives raise for bytes that anybody may have written is of many kinds
        pickled = "pickle" in str(error)
        received = "pickled objects, which could run code" if pickled else f"{error}" or type(error).__name__
        do = "Save plain numbers: numpy.savez(FILE, features=array)."
        raise DataError(message(file, "an .npz of numbers", received, do)) from error


def _promises(file: str, name: str) -> None:
    """ValueError where the header of an array tells of more, or fewer, bytes than the archive has of it: before room is made for them."""
    with zipfile.ZipFile(file) as archive:
        inside = f"{name}.npy" if f"{name}.npy" in archive.namelist() else name
        with archive.open(inside) as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(stream)
            told, there = math.prod(shape) * kind.itemsize, archive.getinfo(inside).file_size - stream.tell()
    if not kind.hasobject and told != there:
        raise ValueError(f"an array of shape {shape}, which takes {told:,} bytes, in {there:,}")
