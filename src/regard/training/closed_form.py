"""A run of what needs no updates: found in closed form, judged and kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from regard.config.schema import TrainSection
from regard.training.checkpoint import MODEL, save_network
from regard.training.checksums import forget
from regard.training.reporting import Metrics, Reporter, Row
from regard.training.trainer import Outcome, Validation


def keep(
    network: nn.Module, *, validate: Callable[[], Validation], settings: TrainSection, folder: Path, say: Callable[[str], None]
) -> Outcome:
    """Judges a network as it is, and leaves it in the run folder, as `train.fit` leaves one that it trained.

    A run that is begun again does the same again.  RegardError where the disk is full.
    """
    network.eval()
    reporter = Reporter(Metrics(folder / "metrics.jsonl", rows=0, log=settings.log), say, total=0)
    try:
        with torch.no_grad():
            found = validate()
        forget(folder, [MODEL])
        save_network(network, folder / MODEL)
        figures = {k: v if math.isfinite(v) else None for k, v in found.metrics.items()}
        row: Row = {"kind": "valid", "step": 0, "epoch": 0, **figures, "best": True}
        reporter.validation(row, found.metrics, settings.metric, found.samples)
    finally:
        reporter.close()
    return Outcome(figures, 0, 0, 0, "closed form")
