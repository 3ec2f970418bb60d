"""The rows of `metrics.jsonl` as event files for TensorBoard, in RUN/tensorboard (the extra `tensorboard`)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.core.atomic_files import explain_error
from regard.core.errors import ConfigError, message

FOLDER = "tensorboard"
PLACE = frozenset({"kind", "step"})  # of a row what is no figure


def refuse_without_tensorboard(log: Sequence[str]) -> None:
    """ConfigError where event files are asked for, and what writes them is not installed."""
    if FOLDER not in log:
        return
    try:
        import tensorboard  # noqa: F401  for SummaryWriter
    except ImportError as error:
        do = "Run: pip install -e '.[tensorboard]', or leave train.log out; metrics.jsonl has the same figures."
        raise ConfigError(
            message("train.log: tensorboard", "the package tensorboard", "an environment without it", do)
        ) from error


class EventFiles:
    """A session's file of events: `train/loss`, `valid/exact` and so on, each figure at its update.  What is null has no event.

    folder: RUN/tensorboard.  rows: those of the run's sessions before, as far as it goes on from them.  An event file cannot be cut back,
    so TensorBoard is told to forget what others have from the last of these rows on (`purge_step`), and has that anew; where there are
    no event files yet, it has all rows.
    Errors: RegardError where the disk is full.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        begun = any(folder.glob("events.out.tfevents.*"))
        last = rows[-1]["step"] if begun and rows else 0
        self.folder = folder
        with explain_error(folder):
            self.writer: Any = SummaryWriter(str(folder), purge_step=last if begun else None)
        now = time.time()
        for row in rows:
            if row["step"] >= last:
                self.add(row, at=now - ((rows[-1].get("seconds") or 0) - (row.get("seconds") or 0)))

    def add(self, row: Mapping[str, Any], *, at: float | None = None) -> None:
        """Writes the figures of a row.  at: when it was made, in seconds since 1970; None: now."""
        with explain_error(self.folder):
            for name, value in row.items():
                if name not in PLACE and isinstance(value, int | float) and not isinstance(value, bool):
                    self.writer.add_scalar(f"{row['kind']}/{name}", value, row["step"], walltime=at)

    def sync(self) -> None:
        """Brings what was written to its file."""
        with explain_error(self.folder):
            self.writer.flush()

    def close(self) -> None:
        with explain_error(self.folder):
            self.writer.close()
