"""How long a training is, when it ends, and what is said of it, against numbers that a person can check."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from regard.workshop import report
from regard.workshop.checkpoint import Progress
from regard.workshop.config_schema import TrainSection
from regard.workshop.course import ending, left, over
from regard.workshop.report import Clock, spoken
from regard.workshop.train import Outcome, Validation, fit


class Loss(NamedTuple):
    total: Tensor
    nats: Tensor
    tokens: int


class Uneven:
    """Epochs of 5 batches, but the first, of 4: what the first foresees, the others overrun."""

    def epoch(self, epoch: int) -> list[list[int]]:
        return [[i] for i in range(4 if epoch == 0 else 5)]


def trained(folder: Path, figures: Iterator[dict[str, float]], say: Callable[[str], None] = print, **settings: object) -> Outcome:
    """A run of one weight, whose validations find `figures`, one after another."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)

    def loss(rows: list[int]) -> Loss:
        total = network(torch.ones(2, 1)).square().sum()
        return Loss(total, total, 2)

    return fit(
        network,
        loss=loss,
        batch=lambda rows: rows,
        batches=Uneven(),
        validate=lambda: Validation(next(figures), []),
        settings=TrainSection(**{"report_every": 1, **settings}),
        folder=folder,
        fingerprint={},
        resume=False,
        say=say,
    )


def falling() -> Iterator[dict[str, float]]:
    """Nothing is right yet, and the loss falls: the first epochs of any task of whole sentences."""
    return ({"exact": 0.0, "loss": 3.0 / (i + 1)} for i in range(99))


def rows(folder: Path, kind: str) -> list[dict[str, float]]:
    read = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in read if row["kind"] == kind]


def test_a_tie_that_the_loss_breaks_is_a_gain_for_patience(tmp_path):
    assert trained(tmp_path, falling(), patience=1, epochs=6).stopped == "epochs"
    assert [row["best"] for row in rows(tmp_path, "valid")] == [True] * 6


def test_a_tie_that_the_loss_breaks_is_a_gain_for_the_plateau(tmp_path):
    trained(tmp_path, falling(), schedule="plateau", plateau_patience=1, learning_rate=0.5, epochs=5)
    assert {row["learning_rate"] for row in rows(tmp_path, "train")} == {0.5}


def test_neither_waits_for_ever_where_the_loss_does_not_fall(tmp_path):
    outcome = trained(tmp_path, iter([{"exact": 0.5, "loss": 1.0}] * 99), patience=2, epochs=9, say=(said := []).append)
    assert (outcome.stopped, outcome.epoch) == ("patience", 3)
    assert said[-1] == "stopped: 2 validations without a gain (train.patience)"


def test_the_step_never_passes_the_total_and_no_time_is_negative(tmp_path):
    trained(tmp_path, falling(), epochs=3, say=(said := []).append)
    steps = [line.split()[1].split("/") for line in said if line.startswith("step") and "lr" in line]
    assert [int(step) for step, _ in steps] == list(range(1, 15))
    assert [int(total) for _, total in steps] == [12] * 9 + [14] * 5  # corrected when the last epoch begins
    assert all(row["eta_seconds"] >= 0 for row in rows(tmp_path, "train")) and not any("ETA -1" in line for line in said)
    assert rows(tmp_path, "train")[-1]["eta_seconds"] == 0


@pytest.mark.parametrize(
    ("where", "settings", "to_come"),
    [
        ({"step": 4, "epoch": 1}, {"epochs": 3}, 8),  # as foreseen
        ({"step": 7, "epoch": 1, "consumed": 3}, {"epochs": 3}, 5),
        ({"step": 11, "epoch": 1, "consumed": 2}, {"epochs": 3}, 4),  # more than was foreseen: 3 of this epoch and at least 1
        ({"step": 12, "epoch": 2, "consumed": 2}, {"epochs": 3}, 3),  # in the last epoch it is known
        ({"step": 14, "epoch": 3}, {"epochs": 3}, 0),
        ({"step": 2, "epoch": 0, "consumed": 4}, {"epochs": 1, "accumulate": 2}, 1),
        ({"step": 7, "epoch": 1, "consumed": 3}, {"epochs": 3, "updates": 9}, 2),
        ({"step": 11, "epoch": 1, "consumed": 3}, {"epochs": 3, "updates": 9}, 0),
    ],
)
def test_updates_to_come(where, settings, to_come):
    assert left(Progress(**where), TrainSection(**settings), 5, 12) == to_come


def test_what_ends_a_run():
    assert over(Progress(step=5), TrainSection(updates=5), 0.0) == "updates"
    assert over(Progress(step=5, epoch=2), TrainSection(updates=9, epochs=2), 0.0) == "epochs"
    assert over(Progress(step=5), TrainSection(minutes=2), 119.9) == ""
    assert over(Progress(step=5), TrainSection(minutes=2), 120.0) == "minutes"


def test_the_end_says_why():
    settings = TrainSection(updates=1200, epochs=7, minutes=0.5, patience=3)
    assert ending("updates", settings) == "stopped: 1,200 updates (train.updates)"
    assert ending("epochs", settings) == "stopped: 7 epochs (train.epochs)"
    assert ending("minutes", settings) == "stopped: 0.5 minutes (train.minutes)"
    assert ending("patience", settings) == "stopped: 3 validations without a gain (train.patience)"


def test_a_time_limit_ends_a_run_with_its_best(tmp_path, monkeypatch):
    now = iter(range(0, 10_000, 3))  # each look at the clock is 3 seconds later
    monkeypatch.setattr(report.time, "monotonic", lambda: float(next(now)))
    outcome = trained(tmp_path, falling(), epochs=1000, minutes=10, report_every=50, say=(said := []).append)
    assert outcome.stopped == "minutes" and said[-1] == "stopped: 10 minutes (train.minutes)"
    assert outcome.epoch < 100 and outcome.best["loss"] == 3.0 / len(rows(tmp_path, "valid"))
    assert rows(tmp_path, "valid")[-1]["step"] == outcome.step and (tmp_path / "model.safetensors").is_file()
    assert all(0 <= row["eta_seconds"] <= 600 for row in rows(tmp_path, "train"))


def test_how_long_it_will_be_is_said_when_it_is_known(tmp_path, monkeypatch):
    now = iter(range(0, 100_000, 3))
    monkeypatch.setattr(report.time, "monotonic", lambda: float(next(now)))
    trained(tmp_path, falling(), epochs=20, report_every=50, say=(said := []).append)
    assert sum(line.startswith("about ") and " minutes on this machine" in line for line in said) == 1


def test_the_time_left_is_what_the_updates_so_far_took(monkeypatch):
    clock = Clock(100.0)
    assert clock.eta(10) is None
    clock.updates, clock.begun = 4, clock.begun - 8
    assert math.isclose(clock.eta(10), 20, abs_tol=1) and clock.eta(-3) == 0.0
    clock.most = 110.0
    assert math.isclose(clock.eta(10), 2, abs_tol=1)


def test_times_are_said_as_people_do():
    assert [spoken(s) for s in (7.2, 89, 120, 2700, 6000)] == ["7 seconds", "89 seconds", "2 minutes", "45 minutes", "1.7 hours"]
