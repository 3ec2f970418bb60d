"""A server in a process of its own for a test, and a client that sees every byte."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from regard.cli.main import main; main()", "serve"]
PATIENCE = 30.0  # seconds that anything may take on a busy machine


class Served:
    """A running server: its process, its port, and what it has logged."""

    def __init__(self, command: Sequence[object]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        words = [*map(str, command)]  # in a session of its own, so that its workers can be ended with it
        self.process = subprocess.Popen(
            words, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment, start_new_session=True
        )
        self.log: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("{"):
                self.log.append(json.loads(line))

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The lines of the log of this name, with these fields."""
        return [row for row in list(self.log) if row["event"] == name and fields.items() <= row.items()]

    def wait_for(self, name: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while len(self.events(name, **fields)) < count:
            ended = self.process.poll() is not None
            assert time.monotonic() < until and not ended, f"no {name}: {''.join(self.said)[-3000:]}"
            time.sleep(0.02)
        return self.events(name, **fields)[count - 1]

    @property
    def port(self) -> int:
        return int(self.wait_for("ready")["port"])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def close(self) -> None:
        self._reader.join(PATIENCE)
        assert self.process.stderr
        self.process.stderr.close()

    def ask(self, path: str, body: Any = None, *, method: str = "", **headers: str) -> tuple[int, Any]:
        """Status and answer; what is not bytes is sent as JSON."""
        status, told, _ = self.ask_all(path, body, method=method, **headers)
        return status, told

    def ask_all(self, path: str, body: Any = None, *, method: str = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} if body is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, given)
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get("content-type", "")
            told = json.loads(text) if "json" in kind else text.decode()
            return answer.status, told, {name.lower(): value for name, value in answer.headers.items()}
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)


@contextmanager
def running(*command: object, kind: type[Served] = Served) -> Iterator[Served]:
    """A server that a command starts, until the block ends.  kind: what hears it."""
    served = kind(command)
    try:
        served.wait_for("ready")
        yield served
    finally:
        with suppress(ProcessLookupError):
            os.killpg(served.process.pid, signal.SIGKILL)  # its workers too
        served.process.wait(PATIENCE)
        served.close()


def serving(*words: object) -> AbstractContextManager[Served]:
    """A server with these words behind `regard serve`."""
    return running(*COMMAND, "--port", "0", "--threads", "1", *words)


def shouting(folder: Path, *limits: str, workers: int = 1, port: int = 0) -> AbstractContextManager[Served]:
    """A server without a net (`shouting`)."""
    return running(sys.executable, Path(__file__).with_name("shouting.py"), folder, port, workers, *limits)


def post(path: str, body: bytes, *more: str) -> bytes:
    """A request as bytes."""
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body
