"""Parts by workers: whoever is killed, wherever they come from, the bytes are those of one process."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from regard.core.errors import RegardError
from regard.corpus import cluster, predict
from regard.corpus.answering import DonePart
from regard.corpus.input_parts import CorpusPart

from . import small
from .corpora import BATCH, PARTS, Asker, make_corpus, make_run, parts, whole


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory)


@pytest.fixture
def said(capsys):
    return Asker(capsys)


class Future:
    """What comes back of a part."""

    def __init__(self, result: object) -> None:
        self.outcome = result

    def result(self) -> object:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_what_workers_could_not_do_is_told_with_its_exit_code():
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    part = CorpusPart(3, "f.txt", 301, ["a"] * 100)
    gone = distributed.KilledWorker("part", None, 31)
    for future, code, told in (
        (Future(cluster.Refused(2, "worker tcp://a:1, part-00003.txt: no run")), 2, "worker tcp://a:1, part-00003.txt: no run"),
        (Future(gone), 1, r"rows 301 to 400 of the corpus, of f.txt: expected workers that live"),
        (Future(ImportError("No module named 'regard'")), 1, "a worker: expected to have Regard"),
    ):
        with pytest.raises(RegardError, match=told) as error:
            cluster._result(future, part)
        assert error.value.exit_code == code


def test_a_scheduler_that_goes_is_named(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")

    class Still:
        def look(self) -> None:
            pass

    def gone(*given: object, **more: object) -> None:
        raise distributed.CancelledError("scheduler-connection-lost")

    monkeypatch.setattr(distributed, "wait", gone)
    with pytest.raises(RegardError, match="the scheduler: expected to be there to the end; received no answer any more"):
        cluster._finished([], Still())  # type: ignore[arg-type]


def start(run: Path, corpus: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-m", "regard", "predict", str(run), str(corpus), "--out", str(out), *BATCH, "--part-rows", "1"]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([*call, *words], stderr=subprocess.PIPE, text=True, env=where)


def children(process: int) -> list[int]:
    """The processes of workers that a process has started, from whatever thread."""
    found = list[int]()
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # a thread, or a worker, that has ended meanwhile
            found += [
                int(each) for each in path.read_text().split() if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
            ]
    return found


def wait_for_workers(process: int, known: set[int], count: int) -> set[int]:
    """So many workers, some of them others than those that are known."""
    until = time.monotonic() + 60
    while (found := set(children(process))) <= known or len(found) < count:
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def wait_for(parts_of: Path, count: int) -> None:
    until = time.monotonic() + 60
    while len(parts(parts_of)) < count and time.monotonic() < until:
        time.sleep(0.02)


def test_whoever_is_killed_costs_its_own_part_alone(run, tmp_path, said):
    """First workers, then the command itself; and what was done is not done again."""
    pytest.importorskip("distributed", reason="Dask is not installed")
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc to find the processes that were started")
    corpus, out = tmp_path / "in.txt", tmp_path / "out"
    corpus.write_text(
        "".join(f"{word}\n" for word in small.words(5000, 5)), "utf-8"
    )  # that is not done before a worker is there again
    begun = start(run, corpus, out, "--workers", "2")
    try:
        first = wait_for_workers(begun.pid, set(), 1)
        os.kill(first.pop(), signal.SIGKILL)  # while it is being started
        wait_for(out, 4)
        first = wait_for_workers(begun.pid, first, 1)  # Dask may give up one that ends while it is being started
        os.kill(max(first), signal.SIGKILL)
        wait_for(out, 20)
        workers = wait_for_workers(begun.pid, first, 1)
        begun.kill()
        begun.communicate(timeout=30)
        until = time.monotonic() + 20
        while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    finally:
        begun.kill()
        begun.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in parts(out)}
    noted = [json.loads(line)["name"] for line in (out / ".progress.jsonl").read_text("utf-8").splitlines()[1:]]
    assert len(kept) >= 20 and not (out / "manifest.json").exists()
    again = start(run, corpus, out, "--workers", "2")
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0 and f"{len(noted)} of them there before" in told, told
    assert all((out / name).stat().st_mtime_ns == kept[name] for name in noted)
    assert whole(out) == said(run, corpus, *BATCH, "--threads", 1)[0]


def test_workers_of_a_cluster_that_is_there(run, tmp_path, said):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    corpus = make_corpus(run)
    quiet = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, **quiet) as there:
        said(run, corpus, "--scheduler", there.scheduler_address, "--out", tmp_path / "out", *BATCH, *PARTS)
        assert whole(tmp_path / "out") == said(run, corpus, *BATCH, "--threads", 1)[0]
    _, told = said(run, corpus, "--scheduler", "tcp://127.0.0.1:1", "--out", tmp_path / "none", code=2)
    assert told.startswith("--scheduler tcp://127.0.0.1:1: expected the address of a Dask scheduler")
    assert not (tmp_path / "none").exists()


def test_rows_that_are_answered_are_let_go(run, tmp_path, said, monkeypatch):
    """Dask would keep the last 1,000 messages to each worker, with the rows in them (findings/dask-arguments-outlive-futures.sh)."""
    pytest.importorskip("distributed", reason="Dask is not installed")
    corpus, alive, tell = tmp_path / "in.txt", list[int](), predict._Counted.tell

    def count(self: predict._Counted, done: DonePart) -> None:
        tell(self, done)
        gc.collect()
        alive.append(sum(type(thing) is CorpusPart for thing in gc.get_objects()))

    monkeypatch.setattr(predict._Counted, "tell", count)
    corpus.write_text("".join(f"{word}\n" for word in small.words(1000, 6)), "utf-8")
    said(run, corpus, "--out", tmp_path / "out", *BATCH, "--part-rows", "1", "--workers", "1")
    assert len(alive) > 30 and max(alive) < 15, alive
