"""The grid of a run: into which cells its images are cut, or features of them laid; kept in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regard.core.bounded_json import require_keys
from regard.core.errors import RunFolderError, message
from regard.tasks.caption.data import CaptionedImage
from regard.training.json_files import read_json, write_json

if TYPE_CHECKING:
    from regard.config import Config

GRID = "grid.json"  # in the run folder
MOST = 1_000_000  # of each number of a grid, and of its cells


class Grid(NamedTuple):
    """What an image is to a net: rows x columns cells of so many numbers each.  patch: the side of a cell in pixels, which its numbers
    then are (H W 3); 0: features that were made elsewhere."""

    rows: int
    columns: int
    width: int
    patch: int = 0

    @property
    def cells(self) -> int:
        return self.rows * self.columns


def shape_of(seen: np.ndarray, patch: int) -> Grid:
    """The grid of an image, in cells of so many pixels, or of features."""
    tall, wide, width = seen.shape
    if seen.dtype != np.uint8 or not patch:
        return Grid(tall, wide, width)
    return Grid(-(-tall // patch), -(-wide // patch), 3 * patch * patch, patch)


def grid_of(config: Config, item: CaptionedImage) -> Grid:
    """The grid of a run, by its first image."""
    assert item.seen is not None
    return shape_of(item.seen, config.own.patch)


def save_grid(path: Path, grid: Grid) -> None:
    write_json(path, grid._asdict())


def load_grid(path: Path) -> Grid:
    """What `save_grid` wrote.  RunFolderError where it is damaged."""
    try:
        found = Grid(**require_keys(read_json(path), dict.fromkeys(Grid._fields, int)))
        if min(found[:3]) < 1 or found.patch < 0 or max(found) > MOST or found.cells > MOST:
            raise ValueError(f"numbers that are not between 1 and {MOST:,}")
    except ValueError as error:
        do = "Copy the run folder again, or train again."
        raise RunFolderError(message(str(path), "the grid of a run", str(error), do)) from error
    return found
