"""Law 9: a run killed and resumed is the run that never stopped, bit for bit.  Long because the program that is killed is this file, too.

`python test_resume.py` loads PyTorch once and forks a session for each folder that it reads.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from regard.attention import Annealed
from regard.config.schema import TrainSection
from regard.training.checkpoint import load_network
from regard.training.reporting import MEASURED
from regard.training.trainer import Interrupted, Outcome, Validation, fit

WORDS, WIDTH, ROWS = 11, 7, 23


class Cools(nn.Module, Annealed):
    """Dropout that fades while the net is trained."""

    share = 0.3

    def anneal(self, done: float) -> None:
        self.share = 0.3 * (1 - done)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.share, self.training)


class Net(nn.Module):
    """Tied embeddings, a cell, dropout that is annealed, a buffer of integers and a weight that never gets a gradient."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.embed, self.cell, self.norm = nn.Embedding(WORDS, width), nn.GRU(width, width, batch_first=True), nn.LayerNorm(width)
        self.out, self.idle, self.cools = nn.Linear(width, WORDS), nn.Linear(3, 2), Cools()
        self.out.weight = self.embed.weight
        self.register_buffer("count", torch.tensor(3))

    def forward(self, words: Tensor) -> Tensor:
        return self.out(self.norm(self.cell(self.cools(self.embed(words)))[0]))


class Loss(NamedTuple):
    total: Tensor
    nats: Tensor
    tokens: int


class Order:
    """Rows in threes, otherwise in each epoch."""

    def epoch(self, epoch: int) -> list[list[int]]:
        rows = random.Random(epoch).sample(range(ROWS), ROWS)
        return [rows[i : i + 3] for i in range(0, ROWS, 3)]


def session(
    folder: Path,
    *,
    resume: bool,
    width: int = WIDTH,
    fault: Callable[[str, int], None] = lambda where, count: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: object,
) -> Outcome:
    """One session of a tiny run; `fault` is called before each batch and in each validation, with how many there were."""
    net, seen = Net(width), {"batch": 0, "validate": 0}
    sentences = torch.randint(WORDS, (ROWS, 6), generator=torch.Generator().manual_seed(1))

    def count(where: str) -> None:
        seen[where] += 1
        fault(where, seen[where])

    def batch(rows: list[int]) -> Tensor:
        count("batch")
        return sentences[rows]

    def loss(words: Tensor) -> Loss:
        assert torch.is_autocast_enabled("cpu") == (net.training and section.precision == "bfloat16")
        found = nn.functional.cross_entropy(net(words[:, :-1]).flatten(0, 1).float(), words[:, 1:].flatten(), reduction="sum")
        return Loss(found, found, words[:, 1:].numel())

    def validate() -> Validation:
        torch.rand(3)  # a validation that samples leaves no trace, even where it is broken off
        count("validate")
        assert not net.training and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
        found = loss(sentences)
        return Validation({"loss": found.nats.item() / found.tokens, "exact": 0.0}, ["sample"])

    usual = {"epochs": 3, "learning_rate": 0.02, "report_every": 3, "metric": "loss", "validate_every": 4, "precision": "float32"}
    section = TrainSection(**(usual | settings))
    return fit(
        net,
        loss=loss,
        batch=batch,
        batches=Order(),
        validate=validate,
        settings=section,
        folder=folder,
        fingerprint={"data": "abc", "train": section.model_dump(mode="json")},
        resume=resume,
        say=say,
    )


def end(folder: Path) -> dict[str, object]:
    """All that a run left, less what it measured of the machine."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found: dict[str, object] = {"rows": [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "metrics.jsonl"):
        name = str(path.relative_to(folder))
        found[name] = path.read_bytes()
        if path.name == "state.json":
            state = json.loads(path.read_text())
            del state["progress"]["seconds"]
            found[name] = state
    return found


def same(one: dict[str, object], other: dict[str, object]) -> None:
    """As `==`, but says what differs without printing it."""
    assert list(one) == list(other)
    assert one["rows"] == other["rows"]
    assert not [name for name in one if one[name] != other[name]]


KINDS = [
    {},
    {"average": 3, "accumulate": 3, "epochs": 9},
    {"schedule": "plateau", "plateau_patience": 1, "metric": "exact", "validate_every": None, "warmup": 5},
    {"schedule": "linear", "warmup": 3, "checkpoint_every": 4, "validate_every": 5},
    {"schedule": "inverse-sqrt", "warmup": 4, "checkpoint_every": 3, "weight_decay": 0.1, "validate_every": 7},
    {"patience": 3, "metric": "exact", "average": 2, "clip": 0.0},
    {"precision": "bfloat16", "updates": 17, "validate_every": 5},
]


@pytest.fixture(autouse=True)
def interruptible():
    """Also where the tests run behind another job, whose shell has the keyboard's signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("settings", KINDS, ids=str)
def test_a_run_that_breaks_off_before_any_batch_or_in_any_validation_goes_on_exactly(tmp_path, settings):
    calls = []
    outcome = session(tmp_path / "whole", resume=False, fault=lambda where, count: calls.append((where, count)), **settings)
    whole = end(tmp_path / "whole")
    for where, times in (("batch", (1, 2, 5, 9, 14, 21)), ("validate", (1, 2))):
        for at in (t for t in times if (where, t) in calls):
            folder = tmp_path / f"{where}{at}"

            def fault(place: str, count: int, where: str = where, at: int = at) -> None:
                if (place, count) == (where, at):
                    raise Killed

            with pytest.raises(Killed):
                session(folder, resume=False, fault=fault, **settings)
            assert session(folder, resume=True, **settings) == outcome
            same(end(folder), whole)


def test_the_best_weights_are_saved_and_left_in_the_network(tmp_path):
    """The figures of the kept model are those that its file gives: averaged weights and all."""
    found = []
    for average in (1, 3):
        folder = tmp_path / str(average)
        outcome = session(folder, resume=False, average=average, epochs=4)
        net = Net(WIDTH).eval()
        load_network(net, folder / "model.safetensors")
        sentences = torch.randint(WORDS, (ROWS, 6), generator=torch.Generator().manual_seed(1))
        nats = nn.functional.cross_entropy(net(sentences[:, :-1]).flatten(0, 1), sentences[:, 1:].flatten())
        assert nats.item() == pytest.approx(outcome.best["loss"], abs=1e-6)
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        best = min((r for r in rows if r["kind"] == "valid"), key=lambda r: r["loss"])
        assert (best["step"], best["loss"]) == (outcome.best_step, outcome.best["loss"])
        found.append(rows)
    # training goes on from the weights that are not averaged: averaging changes no row of training
    assert [r["loss"] for r in found[0] if r["kind"] == "train"] == [r["loss"] for r in found[1] if r["kind"] == "train"]


def test_averages_are_the_mean_of_the_last_snapshots(tmp_path):
    plain, mean = tmp_path / "plain", tmp_path / "mean"
    weights = []

    def fault(where: str, count: int) -> None:  # in a run without averages, the weights at each validation
        if where == "batch" and count in (5, 9, 13, 17, 21):
            newest = sorted((plain / "checkpoints").glob("step-*"))[-1]
            weights.append(load_file(newest / "model.safetensors"))

    session(plain, resume=False, fault=fault, updates=20)
    newest = sorted((plain / "checkpoints").glob("step-*"))[-1]
    weights.append(load_file(newest / "model.safetensors"))
    outcome = session(mean, resume=False, average=3, updates=20)
    assert outcome.best_step == 20 and len(weights) == 5
    best = load_file(mean / "model.safetensors")
    for name, tensor in best.items():
        expected = (
            weights[-1][name] if tensor.dtype == torch.int64 else (weights[2][name] + weights[3][name] + weights[4][name]) / 3
        )
        torch.testing.assert_close(tensor, expected, rtol=1e-6, atol=1e-7)
    assert len(list((mean / "checkpoints").glob("snapshot-*"))) == 3


def test_a_finished_run_that_is_resumed_does_nothing(tmp_path):
    outcome = session(tmp_path, resume=False)
    before = end(tmp_path)
    assert session(tmp_path, resume=True, fault=lambda *_: pytest.fail("trained on")) == outcome
    same(end(tmp_path), before)
    assert outcome.stopped == "epochs" and outcome.step == 24 and outcome.epoch == 3


@pytest.mark.parametrize(("settings", "updates"), [({"updates": 10}, 10), ({"epochs": 2, "accumulate": 3}, 6)], ids=str)
def test_what_anneals_is_told_before_each_update_how_much_is_done(tmp_path, monkeypatch, settings, updates):
    """Of all updates, as far as they can be known; whether or not the run was broken off in between."""
    told: list[float] = []
    monkeypatch.setattr(Cools, "anneal", lambda self, done: told.append(done))
    session(tmp_path / "whole", resume=False, **settings)
    assert told == [pytest.approx(i / updates) for i in range(updates)]

    def fault(where: str, count: int) -> None:
        if (where, count) == ("validate", 1):
            raise Killed

    told.clear()
    with pytest.raises(Killed):
        session(tmp_path / "run", resume=False, fault=fault, checkpoint_every=3, **settings)
    begun = len(told)
    session(tmp_path / "run", resume=True, checkpoint_every=3, **settings)
    assert told[begun:] == [pytest.approx(i / updates) for i in range(3, updates)]


def test_resume_without_a_checkpoint_begins(tmp_path):
    session(tmp_path / "a", resume=False)
    said: list[str] = []
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "metrics.jsonl").write_text('{"kind": "train", "step": 3}\n')
    session(tmp_path / "b", resume=True, say=said.append)
    same(end(tmp_path / "a"), end(tmp_path / "b"))
    assert "from the beginning" in said[0]


WRITES = ("replace", "rename", "fsync", "unlink", "rmdir", "mkdir", "scandir")


def test_killed_before_any_change_of_the_disk(tmp_path, monkeypatch):
    """Every single call that changes the disk is once the last one: from there on nothing can be written or cleaned up."""
    settings = {"updates": 8, "average": 2, "validate_every": 3, "checkpoint_every": 2}
    session(tmp_path / "whole", resume=False, **settings)
    whole = end(tmp_path / "whole")
    calls, last = 0, 10**9

    def mortal(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls > last:
                raise Killed
            return real(*args, **more)

        return call

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(os, name, mortal(getattr(os, name)))
        session(tmp_path / "counted", resume=False, **settings)
    total = calls
    assert total > 100
    for count in range(0, total, 3):
        folder, calls, last = tmp_path / str(count), 0, count
        with monkeypatch.context() as patch, pytest.raises(Killed):
            for name in WRITES:
                patch.setattr(os, name, mortal(getattr(os, name)))
            session(folder, resume=False, **settings)
        session(folder, resume=True, **settings)
        same(end(folder), whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    "place", [("batch", 1), ("batch", 4), ("batch", 6), ("batch", 24), ("validate", 1), ("validate", 2)], ids=str
)
def test_a_signal_writes_a_checkpoint_and_the_run_goes_on_exactly(tmp_path, number, code, place):
    session(tmp_path / "whole", resume=False)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    ended = []

    def fault(where: str, count: int) -> None:
        if (where, count) == place:
            signal.raise_signal(number)
            ended.append(where)

    with pytest.raises(Interrupted, match="--resume") as caught:
        session(tmp_path / "run", resume=False, fault=fault)
    assert caught.value.exit_code == code
    assert ended == (["batch"] if place[0] == "batch" else [])  # an update is finished, a validation is not
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    step = place[1] if place[0] == "batch" else 4 * place[1]
    assert [p.name[:13] for p in (tmp_path / "run" / "checkpoints").glob("step-*")] == [f"step-{step:08d}"]
    first = []
    session(tmp_path / "run", resume=True, fault=lambda where, count: first.append(where))
    assert first[0] == ("validate" if step % 4 == 0 else "batch")
    same(end(tmp_path / "run"), end(tmp_path / "whole"))


def test_stopped_twice_in_the_same_validation(tmp_path):
    session(tmp_path / "whole", resume=False)

    def fault(where: str, count: int) -> None:
        if where == "validate" and count == 1:
            signal.raise_signal(signal.SIGTERM)

    for resume in (False, True, True):
        with pytest.raises(Interrupted):
            session(tmp_path / "run", resume=resume, fault=fault)
    session(tmp_path / "run", resume=True)
    same(end(tmp_path / "run"), end(tmp_path / "whole"))


def test_a_second_signal_stops_at_once(tmp_path):
    def fault(where: str, count: int) -> None:
        if where == "batch" and count == 6:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("went on")

    with pytest.raises(Interrupted, match="at once") as caught:
        session(tmp_path, resume=False, fault=fault)
    assert caught.value.exit_code == 130
    assert [p.name for p in (tmp_path / "checkpoints").glob("step-*")] == ["step-00000004"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ---- real processes, really killed

REAL = {"epochs": 10, "average": 2, "validate_every": 9, "checkpoint_every": 5, "report_every": 4, "width": 97}


class Sessions:
    """The program below, which forks a session for each folder that it is told."""

    def __enter__(self) -> Sessions:
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        self.program = subprocess.Popen([sys.executable, __file__], stdin=-1, stdout=-1, text=True, env=env)
        assert self.program.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *error: object) -> None:
        self.program.stdin.close()
        self.program.wait(30)
        self.program.stdout.close()

    def start(self, folder: Path) -> None:
        print(folder, file=self.program.stdin, flush=True)

    def end(self, number: int = 0) -> int:
        """Sends a signal, unless it is 0, and waits.  How the session ended: its exit code, or minus the signal."""
        print(number, file=self.program.stdin, flush=True)
        return int(self.program.stdout.readline())


def half_written(folder: Path) -> bool:
    return folder.is_dir() and any(p.name.endswith(".part") and p.name.startswith(".step") for p in folder.iterdir())


def test_twenty_kills_of_real_processes(tmp_path):
    """At random moments, and while a checkpoint is being written; one run after the other, each killed until twenty are."""
    moments, kills, caught, runs = random.Random(0), 0, 0, 0
    with Sessions() as sessions:
        began = time.monotonic()
        sessions.start(tmp_path / "whole")
        assert sessions.end() == 0
        usual, whole = min(time.monotonic() - began, 1.0), end(tmp_path / "whole")
        while kills < 20:
            folder, runs, code = tmp_path / str(runs), runs + 1, -signal.SIGKILL
            while code:
                sessions.start(folder)
                deadline = time.monotonic() + moments.random() * usual * 0.6
                while time.monotonic() < deadline:
                    time.sleep(0.001)
                deadline += usual / 2
                while kills % 2 and not half_written(folder / "checkpoints") and time.monotonic() < deadline:
                    pass  # every second kill waits for a checkpoint to be on its way
                code = sessions.end(signal.SIGKILL if kills < 20 else 0)
                assert code in (0, -signal.SIGKILL)
                kills += code < 0
                caught += code < 0 and half_written(folder / "checkpoints")
            same(end(folder), whole)
    assert caught, "no kill hit the writing of a checkpoint"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_real_signals(tmp_path, number, code):
    with Sessions() as sessions:
        sessions.start(tmp_path)
        while not (tmp_path / "metrics.jsonl").exists() or not (tmp_path / "metrics.jsonl").stat().st_size:
            time.sleep(0.01)
        assert sessions.end(number) == code
    assert len(list((tmp_path / "checkpoints").glob("step-*"))) == 1


def serve() -> None:
    """Forks a session for each folder read; then reads the signal to send, and says how the session ended."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:  # what PyTorch loads late is loaded before the first fork
        session(Path(folder), resume=False, updates=1)
    print("ready", flush=True)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            try:
                session(Path(line.strip()), resume=True, **REAL)
                os._exit(0)
            except Interrupted as stop:
                os._exit(stop.exit_code)
            finally:
                os._exit(1)
        if number := int(next(sys.stdin)):
            os.kill(process, number)  # there is one, though it may be over: nobody has waited for it yet
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
