"""One training in a folder at a time, and a run that never began is in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import regard
from regard.cli.main import run
from regard.core.errors import DataError, RegardError, RunFolderError
from regard.training.run_lock import LOCK, claim, is_free

SMALL = ["model.size=6", "model.embedding=6", "train.updates=2", "train.samples=0", "train.threads=1"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.tsv").write_text("ab\txy\nba\tyx\nabb\txyy\na\tx\nb\ty\n")
    (tmp_path / "c.tsv").write_text("good\tpos\nbad\tneg\n" * 5)
    (tmp_path / "v.vec").write_text("2 8\ngood 1 2 3 4 5 6 7 8\nbad 8 7 6 5 4 3 2 1\n")
    return tmp_path


def train(*words: str) -> int:
    return run(["train", *words, *SMALL])


def test_the_second_is_told_who_trains_there(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it begins or goes on, and whatever lies there."""
    with claim(data / "run", resume=False):
        for more in ([], ["--resume"]):
            assert train("--train", "d.tsv", "--out", "run", *more) == 2
            told = capsys.readouterr().err
            assert f"process {os.getpid()} on " in told and "which trains there since 20" in told
        assert [p.name for p in (data / "run").iterdir()] == [LOCK]
    assert train("--train", "d.tsv", "--out", "run") == 0 and not (data / "run" / LOCK).exists()
    before = {p: p.read_bytes() for p in (data / "run").rglob("*") if p.is_file()}
    with claim(data / "run", resume=True):
        assert train("--train", "d.tsv", "--out", "run", "--resume") == 2
        assert f"process {os.getpid()}" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in (data / "run").rglob("*") if p.is_file()} == before


def test_another_process_holds_the_folder(data: Path) -> None:
    """The lock is the system's: it is gone with the process, however that ends."""
    code = (
        "import sys, time, pathlib; from regard.training.run_lock import claim\nwith claim(pathlib.Path('run'), resume=False):\n"
    )
    code += "    print('mine', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "mine\n"
        with pytest.raises(RunFolderError, match=f"process {other.pid} on"), claim(data / "run", resume=True):
            pass
        other.send_signal(signal.SIGKILL)
    assert (data / "run" / LOCK).exists() and is_free(data / "run")  # what was killed before it began is in nobody's way
    with claim(data / "run", resume=False):
        pass


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (["data.vectors=v.vec", "model.embedding=9"], ["data.vectors=v.vec", "model.embedding=8"]),
        (["--valid", "d.tsv"], []),  # labels that training never saw
        (["--from", "nothing"], []),
        (["train.metric=bleu"], []),
        (["data.source=9"], []),
    ],
)
def test_a_run_that_never_began_does_not_block_its_folder(data: Path, wrong: list[str], right: list[str]) -> None:
    """Nor does it leave anything, be the folder new, deep, or there and empty."""
    (data / "empty").mkdir()
    for out in ("run", "a/b/run", "empty"):
        words = ["--task", "classify", "--train", "c.tsv", "--out", out]
        small = [w for w in SMALL if "embedding" not in w]
        assert run(["train", *words, *wrong, *small]) == 2
        assert (data / out).exists() == (out == "empty") and not (data / "a").exists()
        assert out != "empty" or not any((data / out).iterdir())
    words = ["--task", "classify", "--train", "c.tsv", "--valid", "c.tsv", "--out", "empty", "--resume"]
    assert run(["train", *words, *right, *small]) == 0  # goes on where nothing is, from the beginning


def test_what_a_killed_beginning_left_is_written_over(data: Path) -> None:
    """With and without --resume, and with another config: nothing was trained."""
    for more in ([], ["--resume"]):
        left = data / f"run{len(more)}"
        left.mkdir()
        (left / LOCK).write_text("{}")
        (left / "config.yaml").write_text("task: transduce\ndata: {train: [d.tsv]}\nmodel: {size: 99}\n")
        (left / ".tokenizer.source.json.12.part").write_text("half")
        assert train("--train", "d.tsv", "--out", str(left), *more) == 0
        assert "size: 6\n" in (left / "config.yaml").read_text() and not list(left.glob("*.part"))


def test_a_folder_of_the_users_is_never_written_into(data: Path) -> None:
    """A config and data of one's own are no leftovers."""
    mine = data / "mine"
    mine.mkdir()
    (mine / "config.yaml").write_text("# mine\nmodel: {size: 6}\n")
    assert train("mine/config.yaml", "--train", "d.tsv", "--out", "mine") == 2
    with pytest.raises(RunFolderError, match="a new or empty folder"):
        regard.train({"data": {"train": ["d.tsv"]}}, mine)
    assert (mine / "config.yaml").read_text() == "# mine\nmodel: {size: 6}\n" and len(list(mine.iterdir())) == 1


def test_a_name_that_is_no_utf_8_is_refused_before_anything_is_trained(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--train", "d.tsv", "--out", os.fsdecode(b"o\xff")) == 2
    assert "a folder whose name is UTF-8" in capsys.readouterr().err and len(list(data.iterdir())) == 3


STREAMS = {
    "transduce": "d.tsv",
    "tag": "d.conll",
    "classify": "c.tsv",
    "pair": "d.tsv",
    "read": "d.json",
    "caption": "d.tsv",
    "forecast": "d.csv",
    "language": "d.txt",
    "pretrain": "d.txt",
}


@pytest.mark.parametrize("task", STREAMS)
@pytest.mark.parametrize("key", ["train", "valid"])
def test_a_pipe_is_refused_before_it_is_read(task: str, key: str, tmp_path: Path) -> None:
    """Training reads its data again, so it must be able to; a pipe would give nothing the second time, or wait for ever."""
    (plain := tmp_path / STREAMS[task]).write_text("a\tb\n")
    os.mkfifo(tmp_path / "pipe")
    for stream, said in (
        (str(tmp_path / "pipe"), "a pipe"),
        ("/dev/zero", "a device"),
        ("-", "standard input"),
    ):
        files = {"train": [str(plain)], "valid": [str(plain)], key: [stream]}
        with pytest.raises(
            DataError, match=rf"expected a file: training reads its data again; received {said}.*Save the data as a file"
        ):
            regard.train({"task": task, "data": files}, tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_process_substitution_is_refused(data: Path) -> None:
    """`<(...)` is a name in /dev/fd, which nobody finds again."""
    command = f"exec {sys.executable} -m regard train --train <(cat d.tsv) --out run {' '.join(SMALL)}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 2 and "received a pipe" in done.stderr and not (data / "run").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP, which Windows has not")
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_is_closed_stops_training_with_a_checkpoint(data: Path, ignored: bool) -> None:
    """As SIGTERM does; but under nohup it goes on."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("step 1/"):
            os.kill(os.getpid(), signal.SIGHUP)

    from regard import runs
    from regard.config import load_config

    config = load_config(None, [*SMALL, "train.report_every=1"], train=["d.tsv"])
    try:
        if ignored:
            assert runs.train(config, "run", say=say).outcome.step == 2
        else:
            with pytest.raises(RegardError, match="SIGHUP: stopped at step 1, with a checkpoint") as caught:
                runs.train(config, "run", say=say)
            assert caught.value.exit_code == 129 and list(Path("run/checkpoints").glob("step-*"))
    finally:
        signal.signal(signal.SIGHUP, before)
