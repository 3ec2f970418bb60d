"""A batch that is cut among processes: what each finds adds up to what one finds, for every task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from regard import runs
from regard.config import read_config
from regard.core.arrays import exchange, to_tensors
from regard.training.ranks import JoinedRanks
from regard.training.setup import TrainingSetup

from .cases import TRAIN
from .elsewhere import EVERY

DRAWN = {  # what is drawn while a batch is read cannot be the same in its parts
    **{"transduce-hard": "draws where it looks", "caption-hard-features": "draws where it looks"},
    "transduce-sampled": "draws what it reads",
}


class Caught(Exception):
    """Carries a training that was about to begin."""


def set_up(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingSetup:
    """A training without dropout, as `runs.train` would begin it."""

    def catch(config: Any, ready: TrainingSetup, *rest: Any, **more: Any) -> Any:
        raise Caught(ready)

    case = EVERY[name]
    more = {} if case.more.get("task") == "language" else {"batch_tokens": 1000}
    monkeypatch.setattr(runs, "_trained", catch)
    with pytest.raises(Caught) as caught:
        values = {"data": case.data(folder), **case.more, "train": TRAIN | case.more.get("train", {}) | more}
        runs.train(read_config(values), folder / "run", say=lambda line: None)
    ready: TrainingSetup = caught.value.args[0]
    for part in ready.task.modules():
        for attribute in ("below", "dropout", "unseen", "share"):
            if isinstance(getattr(part, attribute, None), float | int):
                setattr(part, attribute, 0)
    return ready


def cast(batch: Any, kind: torch.dtype) -> Any:
    return exchange(to_tensors(batch), Tensor, lambda t: t.to(kind) if t.is_floating_point() else t)


def found(ready: TrainingSetup, parts: list[list[int]]) -> tuple[list[float], dict[str, Tensor]]:
    """The sums of some batches, and their gradients."""
    kind = next(ready.task.parameters()).dtype
    ready.task.zero_grad()
    sums = [0.0, 0.0, 0.0]
    for rows in parts:
        loss = ready.task.loss(cast(ready.batch(rows), kind))
        loss.total.backward()
        sums = [a + float(b) for a, b in zip(sums, (loss.total.detach(), loss.nats, loss.tokens), strict=True)]
    return sums, {name: p.grad.clone() for name, p in ready.task.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", [name for name in EVERY if name not in DRAWN])
def test_parts_of_a_batch_add_up_to_it(name, tmp_path, monkeypatch):
    ready = set_up(name, tmp_path, monkeypatch)
    if ready.alone:
        pytest.skip(f"trained in one process, because of {ready.alone}")
    ready.task.train().to(torch.float32 if "read" in name else torch.float64)  # where a passage is read, some parts are float32's
    rows = max((list(rows) for rows in ready.batches.epoch(0)), key=len)
    assert len(rows) > 3
    shares = [JoinedRanks(rank, 3, rank).cut(rows) for rank in range(3)]
    assert sorted(row for share in shares for row in share) == sorted(rows)
    (one, whole), (several, added) = found(ready, [rows]), found(ready, shares)
    assert several == pytest.approx(one, rel=1e-6)  # some sums are float32's
    assert added.keys() == whole.keys()
    scale = max(float(g.abs().max()) for g in whole.values())
    for parameter, gradient in whole.items():
        torch.testing.assert_close(
            added[parameter], gradient, rtol=2e-5, atol=2e-6 * scale, msg=lambda m, p=parameter: f"{p}: {m}"
        )
