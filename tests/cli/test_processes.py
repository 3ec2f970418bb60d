"""Several processes train as one: the same losses to rounding, the same figures, and an end for all when one ends."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.cli.processes import train_together
from regard.config import read_config
from regard.core.errors import ConfigError, UsageError
from regard.core.plain_values import from_bytes, to_bytes
from regard.core.shared_work import share_work, work_through
from regard.tasks.base import TaskPrediction
from regard.tasks.pretrain.demo_data import stories
from regard.tasks.tag.demo_data import tickets
from regard.training.leading import lead
from regard.training.ranks import JoinedRanks, Ranks
from regard.training.reporting import MEASURED

HERE = Path(__file__).parent
UPDATES = 32
TRAIN = {
    **{
        "updates": UPDATES,
        "epochs": 99,
        "batch_tokens": 90,
        "accumulate": 2,
        "average": 2,
        "validate_every": 8,
        "report_every": 1,
    },
    **{"learning_rate": 3e-3, "schedule": "plateau", "plateau_patience": 1, "samples": 1, "precision": "float32", "threads": 1},
}
DRY = {"dropout": 0.0, "embedding_dropout": 0.0}
RECURRENT = {"encoder": "bigru", "embedding": 12, "size": 12, **DRY}
TRANSFORMER = {"family": "transformer", "size": 16, "heads": 2, "feedforward": 24, "encoder_layers": 1, **DRY}


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")}
    return {**kept, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": os.pathsep.join(sys.path), **more}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words and their letters backwards; sentences with tags; stories."""
    folder, by = tmp_path_factory.mktemp("data"), random.Random(3)
    for name, count in (("train", 150), ("valid", 70)):
        words = ["".join(by.choices("abcdef", k=by.randint(1, 7))) for _ in range(count)]
        (folder / f"{name}.tsv").write_text("".join(f"{w}\t{w[::-1]}\n" for w in words), "utf-8")
    for name, part in zip(("train", "valid"), tickets(3, 90), strict=True):
        rows = [[" ".join(s.tokens) for s in part], [" ".join(s.tags) for s in part]]
        for file, lines in zip(("words", "tags"), rows, strict=True):
            (folder / f"{name}.{file}").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for name, told in zip(("train", "valid"), stories(3, 60, sentences=6), strict=True):
        (folder / f"{name}.txt").write_text("\n".join("".join(f"{line}\n" for line in story) for story in told), "utf-8")
    return folder


def nets(data: Path) -> dict[str, dict[str, Any]]:
    pairs, tagged, text = (
        {part: [str(data / f"{part}.{end}") for end in ends] for part in ("train", "valid")}
        for ends in (("tsv",), ("words", "tags"), ("txt",))
    )
    bert = {"size": 12, "heads": 2, "feedforward": 24, "encoder_layers": 1, **DRY}
    return {
        "gru": {"data": pairs, "model": {**RECURRENT, "decoder": "gru", "attention": "additive"}, "train": TRAIN},
        "transformer": {"data": pairs, "model": {**TRANSFORMER, "decoder_layers": 1}, "train": TRAIN},
        "tagger": {"task": "tag", "data": tagged, "model": RECURRENT, "tag": {"unseen": 0.0}, "train": TRAIN},
        "bert": {
            "task": "pretrain",
            "data": text,
            "model": bert,
            "pretrain": {"length": 24, "vocabulary": "char"},
            "train": TRAIN,
        },
    }


def rows(run: Path) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in every]


def follows(run: Path, alone: Path) -> None:
    """The same run: losses to 1e-5, the rate, the counts and what was kept exactly."""
    found, wanted = rows(run), rows(alone)
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        assert got == {
            name: pytest.approx(value, rel=1e-5) if isinstance(value, float) else value for name, value in want.items()
        }


def cut(values: dict[str, Any], **train: Any) -> dict[str, Any]:
    return {**values, "train": {**values["train"], **train}}


@pytest.fixture(scope="module")
def trained(data: Path) -> Path:
    """Each net by two processes, and by one; the first by two, one and three in turn; and what is refused, by two."""
    made = nets(data)
    gru = made["gru"]
    jobs: list[dict[str, Any]] = [{"values": values, "out": str(data / name), "count": 2} for name, values in made.items()]
    turns = [(2, 8), (3, 24)]
    jobs += [{"values": cut(gru, updates=end), "out": str(data / "turns"), "count": n, "resume": n > 2} for n, end in turns]
    jobs += [
        {"values": gru, "out": str(data / "config"), "count": 2, "others": {"train": {"learning_rate": 1e-3}}},
        {"values": gru, "out": str(data / "few"), "count": 3, "others": {}},
    ]
    jobs[-1]["values"] = cut(gru, batch_tokens=5, accumulate=1, updates=6, validate_every=3)  # batches of one word
    (data / "jobs.json").write_text(json.dumps(jobs), "utf-8")
    command = [sys.executable, str(HERE / "several.py"), str(data / "jobs.json")]
    processes = [subprocess.Popen(command, env=environment(RANK=str(rank))) for rank in range(3)]
    assert [process.wait(300) for process in processes] == [0, 0, 0]
    for name, values in made.items():
        runs.train(read_config(values), data / f"{name}-alone", say=lambda line: None)
    runs.train(read_config(jobs[-1]["values"]), data / "few-alone", say=lambda line: None)
    runs.train(read_config(gru), data / "turns", resume=True, say=lambda line: None)
    return data


@pytest.mark.parametrize("name", ["gru", "transformer", "tagger", "bert"])
def test_two_processes_follow_one(trained, name):
    follows(trained / name, trained / f"{name}-alone")
    assert len([row for row in rows(trained / name) if row["kind"] == "train"]) == UPDATES


def test_a_run_goes_on_with_another_number_of_processes(trained):
    follows(trained / "turns", trained / "gru-alone")


def test_more_processes_than_sentences(trained):
    follows(trained / "few", trained / "few-alone")


def test_processes_that_disagree_are_refused_before_anything_is_written(trained):
    for rank in (0, 1):
        told = (trained / f"config.{rank}").read_text("utf-8")
        assert told.startswith("ConfigError: the processes disagree on the config: train.learning_rate: expected 0.003 (rank 0)")
    assert not (trained / "config").exists()


def train(values: dict[str, Any], folder: Path, *words: str, count: int = 2) -> list[str]:
    (folder / "c.yaml").write_text(json.dumps(values), "utf-8")
    return [sys.executable, "-m", "regard", "train", "c.yaml", "--processes", str(count), *words]


def steps(run: Path) -> list[int]:
    return sorted(int(path.name[5:13]) for path in (run / "checkpoints").glob("step-*"))


def start(values: dict[str, Any], folder: Path, log: Path, *words: str) -> subprocess.Popen[bytes]:
    """A training by two processes that has made a checkpoint of its own."""
    before = steps(folder / "run")
    with log.open("wb") as stream:
        launched = subprocess.Popen(train(values, folder, "--out", "run", *words), cwd=folder, env=environment(), stderr=stream)
    until = time.monotonic() + 60
    while steps(folder / "run") in ([], before) and time.monotonic() < until:
        time.sleep(0.05)
    return launched


def test_one_that_is_killed_ends_all_and_a_signal_is_heard_by_all(trained, tmp_path):
    """And the run goes on as if neither had been."""
    values, log = cut(nets(trained)["gru"], checkpoint_every=2, updates=4000), tmp_path / "log"
    launched = start(values, tmp_path, log)
    try:
        children = Path(f"/proc/{launched.pid}/task/{launched.pid}/children")
        if not children.exists():
            pytest.skip("needs /proc to find the processes that were started")
        ranks = children.read_text().split()
        assert len(ranks) == 2
        os.kill(int(ranks[1]), signal.SIGKILL)
        begun = time.monotonic()
        assert launched.wait(30) == 1 and time.monotonic() - begun < 10
    finally:
        launched.kill()
    told = log.read_text("utf-8").splitlines()[-1]
    assert told.startswith("the training: expected all of its processes to come to the end; received SIGKILL in process 1 of 2")
    assert not Path(f"/proc/{ranks[0]}").exists()
    launched = start(values, tmp_path, log, "--resume", "-q")
    try:
        launched.send_signal(signal.SIGTERM)
        assert launched.wait(30) == 128 + signal.SIGTERM
    finally:
        launched.kill()
    (told,) = log.read_text("utf-8").splitlines()
    assert told == f"SIGTERM: stopped at step {steps(tmp_path / 'run')[-1]}, with a checkpoint. Go on with --resume."
    values = cut(values, updates=steps(tmp_path / "run")[-1] + 2)
    done = subprocess.run(train(values, tmp_path, "--out", "run", "--resume", "-q"), cwd=tmp_path, env=environment())
    assert done.returncode == 0
    runs.train(read_config(values), tmp_path / "alone", say=lambda line: None)
    follows(tmp_path / "run", tmp_path / "alone")


def test_what_cannot_be_trained_ends_with_its_error_alone(trained, tmp_path):
    values = {**nets(trained)["gru"], "data": {"train": ["gone.tsv"]}}
    done = subprocess.run(
        train(values, tmp_path, "--out", "run"), cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("gone.tsv") and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_port_that_is_taken_is_named(trained, tmp_path):
    (tmp_path / "c.yaml").write_text(json.dumps(nets(trained)["gru"]), "utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        where = environment(RANK="0", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        command = [sys.executable, "-m", "regard", "train", "c.yaml", "--out", "run"]
        done = subprocess.run(command, cwd=tmp_path, env=where, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(
        f"rank 0: expected to meet 2 processes at 127.0.0.1:{port}"
    )
    assert not (tmp_path / "run").exists()


def test_what_one_process_alone_can_train(tmp_path):
    with pytest.raises(ConfigError, match=r"expected one process, because of language\.carry.*; received 2\."):
        lead(JoinedRanks(0, 2, 0), read_config({}), {}, tmp_path, alone="language.carry: a window goes on from the one before")
    lead(Ranks(), read_config({}), {}, tmp_path, alone="whatever it be")


def test_processes_are_started_once(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="one of the processes that torchrun started"):
        train_together(2, [])


class Three:
    """The others' part of a work, made here."""

    count = 3

    def __init__(self, rank: int, parts: Sequence[bytes]) -> None:
        self.rank, self.parts = rank, parts

    def gather(self, data: bytes) -> list[bytes]:
        return [*self.parts[: self.rank], data, *self.parts[self.rank + 1 :]]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_work_is_put_back_in_order(count):
    work = [TaskPrediction(f"{i}", i / 7, details={"n": (i, None, True)}) for i in range(count)]
    parts = [to_bytes(work[rank::3], (TaskPrediction,)) for rank in range(3)]
    for rank in range(3):
        with share_work(Three(rank, parts)):
            assert work_through(lambda p: p, work, (TaskPrediction,)) == work
    assert work_through(lambda p: p, work) == work


def test_what_cannot_be_sent_is_refused():
    value = {"a": (1, 2.5, None, [True, "ü"]), 3: float("inf")}
    assert from_bytes(to_bytes(value)) == value
    with pytest.raises(TypeError, match=r"received \w*Path"):
        to_bytes([Path("x")])
