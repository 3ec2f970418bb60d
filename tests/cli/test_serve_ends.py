"""A server that ends, is given another model, or has several processes, while it is asked without a pause: nothing is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .serving import PATIENCE, post, shouting

NEEDED = "needs the extra `serve`: pip install '.[serve]' in the checkout"
pytest.importorskip("starlette", reason=NEEDED)
pytest.importorskip("uvicorn", reason=NEEDED)
pytest.importorskip("prometheus_client", reason=NEEDED)
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a system without these signals")

BODY = json.dumps({"texts": ["a"]})
TIMES = int(os.environ.get("REGARD_TIMES", "10"))  # how often; more by hand


@pytest.fixture
def folder(tmp_path) -> Path:
    return voiced(tmp_path, "0:")


def voiced(folder: Path, voice: str, pause: float = 0.002) -> Path:
    (folder / "config.yaml").write_text(str(pause), "utf-8")
    fresh = folder / "fresh"
    fresh.write_text(voice, "utf-8")
    fresh.replace(folder / "model.safetensors")
    return folder


class Load:
    """Clients that ask again and again, each on a connection that stays open as long as the server lets it.

    answers: how often each text came; lost: requests that were sent and not answered, with what happened; refused: connections that
    could not be made.
    """

    def __init__(self, port: int, clients: int = 8) -> None:
        self.port, self.answers, self.lost, self.refused = port, Counter[str](), list[str](), 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self._stop.is_set():
            if connection.sock is None:
                try:
                    connection.connect()
                except OSError:
                    self.refused += 1
                    time.sleep(0.005)
                    continue
            try:
                connection.request("POST", "/v1/predict", BODY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                told = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
                continue
            self.answers[told["predictions"][0][0]["text"] if answer.status == 200 else str(told)] += 1
        connection.close()

    @contextmanager
    def going(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(PATIENCE)


def test_what_was_asked_is_answered_before_it_ends(folder):
    answered = 0
    for _ in range(TIMES):
        with shouting(folder) as served, Load(served.port).going() as load:
            time.sleep(0.1)
            assert served.end() == 0
            time.sleep(0.05)
        assert not load.lost and set(load.answers) == {"0:A"} and load.refused
        answered += load.answers.total()
        assert [row["event"] for row in served.log] == ["ready", "draining", "ended"]
    assert answered > 10 * TIMES


def test_a_long_answer_is_waited_for_and_new_ones_are_refused(folder):
    with shouting(voiced(folder, "0:", 0.6)) as served:
        with served.connect() as client:
            client.sendall(post("/v1/predict", BODY.encode()))
            time.sleep(0.1)
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE).close()
            answer = b"".join(iter(lambda: client.recv(9999), b""))
            assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer and b"0:A" in answer
        assert served.process.wait(PATIENCE) == 0


def test_another_model_takes_over_and_nothing_is_lost(folder):
    with shouting(folder) as served:
        versions = {served.ask("/readyz")[1]["models"][0]["version"]}
        with Load(served.port).going() as load:
            for number in range(1, TIMES + 1):
                voiced(folder, f"{number}:")
                served.process.send_signal(signal.SIGHUP)
                versions.add(served.wait_for("reloaded", number)["version"])
                assert served.ask("/v1/predict", {"texts": ["b"]})[1]["predictions"][0][0]["text"] == f"{number}:B"
        assert not load.lost and not load.refused and set(load.answers) <= {f"{n}:A" for n in range(TIMES + 1)}
        assert len(load.answers) > 1 and len(versions) == TIMES + 1
        assert f'regard_reloads_total{{outcome="done"}} {float(TIMES)}' in served.ask("/metrics")[1]


def test_a_model_that_cannot_be_opened_leaves_the_old_one(folder):
    with shouting(folder) as served, Load(served.port, 2).going() as load:
        for number, voice in enumerate(("", ""), 1):
            voiced(folder, voice)
            served.process.send_signal(signal.SIGHUP)
            assert "expected a voice; received none" in served.wait_for("reload-refused", number)["error"]
        (folder / "model.safetensors").unlink()
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("reload-refused", 3)
        voiced(folder, "1:")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("reloaded")
        assert served.ask("/v1/predict", {"texts": ["b"]})[1]["predictions"][0][0]["text"] == "1:B"
    assert not load.lost and set(load.answers) <= {"0:A", "1:A"}


def test_workers_share_a_port_and_count_together(folder):
    with shouting(folder, workers=2) as served:
        served.wait_for("ready", 2)
        with Load(served.port).going() as load:
            time.sleep(0.3)
            voiced(folder, "1:")
            served.process.send_signal(signal.SIGHUP)
            served.wait_for("reloaded", 2)
        assert not load.lost and set(load.answers) <= {"0:A", "1:A"}
        counted = f'regard_requests_total{{path="/v1/predict",status="200"}} {float(load.answers.total())}'
        until = time.monotonic() + 10  # a request is counted when its answer has been sent: perhaps after its client has it
        while counted not in (rows := served.ask("/metrics")[1]) and time.monotonic() < until:
            time.sleep(0.05)
        assert counted in rows
        with Load(served.port).going() as load:
            time.sleep(0.1)
            assert served.end() == 0
        assert not load.lost and load.answers.total() > 5 and len(served.events("ended")) == 2


def test_a_worker_that_dies_is_replaced(folder):
    with shouting(folder, workers=2) as served:
        served.wait_for("ready", 2)
        os.kill(served.events("ready")[0]["pid"], signal.SIGKILL)
        served.wait_for("ready", 3)
        assert (
            served.ask("/v1/predict", {"texts": ["b"]})[0] == 200 and served.events("worker-ended")[0]["code"] == -signal.SIGKILL
        )
        assert served.end() == 0


def test_workers_that_cannot_begin_end_it_all(folder):
    voiced(folder, "")
    with pytest.raises(AssertionError, match="expected a voice; received none"), shouting(folder, workers=2):
        pass


def test_slow_clients_are_cut_off_and_others_are_not_harmed(folder):
    with shouting(folder, "slow=1", "header=2000") as served:
        slow = [served.connect() for _ in range(30)]
        head = post("/v1/predict", BODY.encode())
        for number, client in enumerate(slow):
            said = (b"", b"POST /v1", head[:60], head[:-2])[
                number % 4
            ]  # silent; half a line; half of the headers; half of the body
            client.sendall(said)
        with Load(served.port, 2).going() as load:
            begun = time.monotonic()
            for number, client in enumerate(slow):
                answer = client.recv(9999)
                assert (b"408" in answer and b"limit `slow`" in answer) if number % 4 == 3 else answer == b""
            assert 0.7 < time.monotonic() - begun < 8
        assert not load.lost and set(load.answers) == {"0:A"} and load.answers.total() > 10
        for client in slow:
            client.close()
        drip = served.connect()
        with pytest.raises(OSError):  # a header a moment, for ever: it is not the silence that counts
            for _ in range(200):
                drip.sendall(b"X: y\r\n" if _ else b"GET / HTTP/1.1\r\n")
                time.sleep(0.05)
        drip.close()
        assert "regard_connections_cut_total 24" in served.ask("/metrics")[1].replace(".0\n", "\n")


def test_headers_without_an_end_and_answers_that_are_not_taken(folder):
    with shouting(voiced(folder, "x" * 100_000), "slow=1", "header=2000", "seconds=20") as served:
        with served.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 5000)
            answer = client.recv(9999)
            assert answer.startswith(b"HTTP/1.1 431") and b"limit `header`" in answer
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", served.port))
        body = json.dumps({"texts": ["a"] * 64}).encode()  # some six million bytes of answer
        client.sendall(post("/v1/predict", body))
        until = time.monotonic() + PATIENCE
        while "regard_connections_cut_total 1.0" not in served.ask("/metrics")[1]:
            assert time.monotonic() < until
            time.sleep(0.1)
        client.close()
