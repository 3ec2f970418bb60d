"""How long a training is, when it ends, and what is said of it, against numbers that a person can check."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import regard
from regard import runs as fitted
from regard.config.schema import TrainSection
from regard.runs import FinishedRun
from regard.training import reporting, trainer
from regard.training.checkpoint import Progress
from regard.training.reporting import RunClock, say_duration, silent
from regard.training.stopping import count_left, over, say_ending, timely
from regard.training.trainer import Outcome, Validation, fit


class Loss(NamedTuple):
    total: Tensor
    nats: Tensor
    tokens: int


class Uneven:
    """Epochs of 5 batches, but the first, of 4: what the first foresees, the others overrun."""

    def epoch(self, epoch: int) -> list[list[int]]:
        return [[i] for i in range(4 if epoch == 0 else 5)]


def trained(folder: Path, figures: Iterator[dict[str, float]], say: Callable[[str], None] = print, **settings: Any) -> Outcome:
    """A run of one weight, whose validations find `figures`, one after another."""
    torch.manual_seed(0)
    resume = settings.pop("resume", False)
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
        resume=resume,
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
    times = [row["eta_seconds"] for row in rows(tmp_path, "train")]
    assert times[:3] == [None] * 3 and min(times[3:]) >= 0 and times[-1] == 0 and not any("ETA -1" in line for line in said)


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
    assert count_left(Progress(**where), TrainSection(**settings), 5, 12) == to_come


def test_what_ends_a_run():
    assert over(Progress(step=5), TrainSection(updates=5), 0.0) == "updates"
    assert over(Progress(step=5, epoch=2), TrainSection(updates=9, epochs=2), 0.0) == "epochs"
    assert over(Progress(step=5), TrainSection(minutes=2), 119.9) == ""
    assert over(Progress(step=5), TrainSection(minutes=2), 120.0) == "minutes"


def test_the_end_says_why():
    settings = TrainSection(updates=1200, epochs=7, minutes=0.5, patience=3)
    assert say_ending("updates", settings) == "stopped: 1,200 updates (train.updates)"
    assert say_ending("epochs", settings) == "stopped: 7 epochs (train.epochs)"
    assert say_ending("minutes", settings) == "stopped: 0.5 minutes (train.minutes)"
    assert say_ending("patience", settings) == "stopped: 3 validations without a gain (train.patience)"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is 3 seconds later."""
    now = iter(range(0, 100_000, 3))
    monkeypatch.setattr(reporting.time, "monotonic", lambda: float(next(now)))


def test_a_time_limit_ends_a_run_with_its_best(tmp_path, quick):
    outcome = trained(tmp_path, falling(), epochs=1000, minutes=10, report_every=50, say=(said := []).append)
    assert outcome.stopped == "minutes" and said[-1] == "stopped: 10 minutes (train.minutes)"
    assert outcome.epoch < 100 and outcome.best["loss"] == 3.0 / len(rows(tmp_path, "valid"))
    assert rows(tmp_path, "valid")[-1]["step"] == outcome.step and (tmp_path / "model.safetensors").is_file()
    assert all(0 <= row["eta_seconds"] <= 600 for row in rows(tmp_path, "train") if row["step"] > 3)


def test_a_time_limit_brings_the_rate_to_0_and_validates_on_its_way(tmp_path, quick):
    """Of 100,000 updates some two hundred are made; none of them is a multiple of `validate_every`."""
    done: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "anneal", lambda network, share: done.append(share))
        settings = {"schedule": "linear", "learning_rate": 0.5, "warmup": 5, "updates": 100_000, "epochs": 10**6}
        outcome = trained(tmp_path, falling(), minutes=60, validate_every=10**6, patience=1, average=3, **settings)
    rates = [row["learning_rate"] for row in rows(tmp_path, "train")]
    assert outcome.stopped == "minutes" and 100 < outcome.step < 600 and outcome.best_step == outcome.step
    assert rates[-1] < 0.1 * max(rates) and rates[7 * len(rates) // 10] > 0.9 * max(rates)
    assert done == sorted(done) and done[-1] > 0.9
    steps = [row["step"] for row in rows(tmp_path, "valid")]
    assert len(steps) >= 8 and steps[-3] > outcome.step / 2


def test_patience_counts_no_validation_that_the_time_alone_asked_for(tmp_path, quick):
    outcome = trained(
        tmp_path, iter([{"exact": 0.5, "loss": 1.0}] * 99), minutes=20, validate_every=10**6, patience=2, epochs=999
    )
    assert outcome.stopped == "minutes" and len(rows(tmp_path, "valid")) >= 4


def test_when_the_time_asks_for_a_validation():
    assert not timely(99.0, 0.0, 0.0, None)  # no limit
    assert [timely(now, 30.0, 1.0, 100.0) for now in (39.9, 40.0, 99.5)] == [
        False,
        True,
        False,
    ]  # a tenth; not over before the end
    assert [timely(now, 30.0, 5.0, 100.0) for now in (45.0, 50.0)] == [False, True]  # four times what it takes
    assert [timely(now, 0.0, None, 100.0) for now in (50.0, 66.0, 67.0)] == [False, False, True]  # a first one may take long
    assert [timely(now, 0.0, None, 6000.0) for now in (599.0, 600.0)] == [False, True]
    assert not timely(90.0, 89.0, None, 100.0)  # a run that goes on


@pytest.mark.parametrize("seconds", range(300, 330, 3))
def test_a_run_that_the_time_ends_just_as_a_checkpoint_is_due_can_go_on(tmp_path, quick, seconds):
    trained(tmp_path, falling(), minutes=seconds / 60, checkpoint_every=1, validate_every=5, epochs=999)
    assert trained(tmp_path, falling(), minutes=seconds / 60, checkpoint_every=1, validate_every=5, epochs=999, resume=True)


def test_how_long_it_will_be_is_said_when_it_is_known(tmp_path, monkeypatch):
    """As the middle one of the updates, whatever the first took, and one that had to wait."""
    times = iter([0.0, 900.0] + [float(x) for i in range(1, 99) for x in (1000 * i, 1000 * i + (700 if i == 9 else 3))])
    monkeypatch.setattr(trainer.time, "perf_counter", lambda: next(times))
    trained(tmp_path, falling(), epochs=10, report_every=50, say=(said := []).append)
    told = [line for line in said if line.startswith("about ")]
    assert told == ["about 60 seconds on this machine, as its first updates went; validations come on top"]  # 20 updates to come


def test_the_time_left_is_what_the_updates_so_far_took_but_for_the_first(monkeypatch):
    now = 50.0
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now)
    clock = RunClock(100.0)
    assert clock.eta(10) is None and clock.lasts(10) is None
    for seconds in (40.0, 1.0, 1.0):
        now += seconds
        clock.worked(seconds, 7)
    assert clock.eta(10) is None  # a time of 140 seconds would be said for what takes 20
    for seconds in (2.0, 2.0, 2.0):
        now += seconds
        clock.worked(seconds, 7)
    assert clock.eta(10) == clock.lasts(10) == 20.0 and clock.eta(-3) == clock.lasts(-3) == 0.0
    now += 3.0  # a validation
    assert (clock.eta(10), clock.lasts(10)) == (30.0, 20.0)
    clock.most = 160.0
    assert clock.eta(10) == clock.lasts(10) == 9.0
    clock.most = 140.0  # over
    assert clock.eta(10) == clock.lasts(10) == 0.0 and clock.gone() == 1.0


def test_the_share_of_the_time_counts_the_sessions_before(monkeypatch):
    monkeypatch.setattr(reporting.time, "monotonic", lambda: 9.0)
    assert RunClock(45.0, most=60.0).gone() == 0.75 and RunClock(45.0).gone() == 0.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_run_that_says_nothing_draws_no_bar(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    trained(tmp_path / "a", falling(), epochs=2, report_every=50, say=silent)
    assert stream.getvalue() == ""
    trained(tmp_path / "b", falling(), epochs=2, report_every=50, say=lambda line: None)
    assert "step 1/8" in stream.getvalue()


@pytest.mark.parametrize(("level", "told"), [(None, True), ("INFO", True), ("WARNING", False), ("ERROR", False)])
def test_from_python_the_level_of_the_logger_says_whether_a_run_is_quiet(tmp_path, monkeypatch, capsys, level, told):
    log = logging.getLogger("regard")
    monkeypatch.setattr(log, "handlers", []), monkeypatch.setattr(log.root, "handlers", [])
    monkeypatch.setattr(log, "level", logging.NOTSET)
    if level is not None:
        log.setLevel(level)
    heard: list[Any] = []
    monkeypatch.setattr(
        fitted, "_whole", lambda *a, say, **more: heard.append(say) or say("epoch 1") or FinishedRun(tmp_path, {}, None)
    )
    regard.train({}, tmp_path / "run", train=["a.tsv"])
    assert (heard[0] is not silent, capsys.readouterr().err) == (told, "epoch 1\n" if told else "")
    log.setLevel(logging.NOTSET)


def test_times_are_said_as_people_do():
    assert [say_duration(s) for s in (7.2, 89, 120, 2700, 6000)] == [
        "7 seconds",
        "89 seconds",
        "2 minutes",
        "45 minutes",
        "1.7 hours",
    ]
