"""Every limit is met: what is at it is answered, what is beyond it is told its name and its value."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

NEEDED = "needs the extra `serve`: pip install '.[serve]' in the checkout"
pytest.importorskip("starlette", reason=NEEDED)
pytest.importorskip("prometheus_client", reason=NEEDED)

from regard.core.errors import UsageError  # noqa: E402
from regard.serve.app import Endpoints, make_app  # noqa: E402
from regard.serve.batch_queue import BatchQueue  # noqa: E402
from regard.serve.event_log import EventLog  # noqa: E402
from regard.serve.guard import Door, Guard  # noqa: E402
from regard.serve.limits import ServerLimits, read_limits  # noqa: E402
from regard.serve.metrics import ServerMetrics  # noqa: E402
from regard.serve.models import ServedModels, name_runs  # noqa: E402

from .shouting import Shouter  # noqa: E402

HEADERS = {"host": "localhost", "content-type": "application/json"}


class Desk:
    """A whole server but for its sockets."""

    def __init__(self, folder: Path, *, token: str | None = None, **limits: int) -> None:
        (folder / "model.safetensors").write_text("!", "utf-8")
        self.limits, metrics, log = ServerLimits(**limits), ServerMetrics(), EventLog()
        self.models, self.door = ServedModels({"shout": folder}, Shouter), Door(token)
        self.door.hosts = self.door.hosts if token is None else None
        self.queue, self.runner = BatchQueue(self.limits, metrics), asyncio.Runner()
        app = make_app(Endpoints(self.models, self.queue, limits=self.limits, door=self.door, metrics=metrics, log=log))
        self.guard = Guard(app, limits=self.limits, door=self.door, metrics=metrics, log=log)

    def ask(self, path: str, *pieces: bytes | float | None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """pieces: of the body; a number is a pause, None: the client leaves."""
        return self.runner.run(self._ask(path, list(pieces), {**HEADERS, **headers}))

    async def _ask(self, path: str, pieces: list[Any], headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            while pieces and isinstance(pieces[0], float):
                await asyncio.sleep(pieces.pop(0))
            if not pieces:
                await asyncio.Event().wait()
            piece = pieces.pop(0)
            return (
                {"type": "http.disconnect"}
                if piece is None
                else {"body": piece, "more_body": bool(pieces), "type": "http.request"}
            )

        async def send(event: Any) -> None:
            sent.append(event)

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST" if pieces else "GET", "path": path, "raw_path": path.encode(), "headers": raw}
        pieces = pieces or [b""]
        runner = asyncio.create_task(self.queue.run())
        await self.guard({**scope, "query_string": b"", "client": ("test", 1)}, receive, send)
        runner.cancel()
        if not sent:
            return 0, None, {}
        body = b"".join(event.get("body", b"") for event in sent)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], json.loads(body) if "json" in told.get("content-type", "") else body, told

    def predict(self, *texts: Any, **more: Any) -> tuple[int, Any]:
        return self.ask("/v1/predict", json.dumps({"texts": texts, **more}).encode())[:2]


@pytest.fixture
def desk(tmp_path):
    made: list[Desk] = []

    def make(**more: Any) -> Desk:
        made.append(Desk(tmp_path, **more))
        return made[-1]

    yield make
    for each in made:
        each.runner.close()
        each.queue.close()


def named(told: tuple[int, Any]) -> tuple[int, str, int]:
    status, body = told
    assert f"limit `{body['limit']['name']}`" in body["detail"] and f"{body['limit']['value']:,}" in body["detail"]
    return status, body["limit"]["name"], body["limit"]["value"]


def test_texts(desk):
    one = desk(texts=2, queue=2)
    assert one.predict("a", "b")[0] == 200
    assert named(one.predict("a", "b", "c")) == (413, "texts", 2)
    pairs = json.dumps({"pairs": [["a", "b"]] * 3}).encode()
    assert named(one.ask("/v1/score", pairs)[:2]) == (413, "texts", 2)
    assert named(one.predict(*["a"] * 100_000)) == (413, "texts", 2)


def test_characters_of_one_text_and_of_many_alike(desk):
    one = desk(characters=5)
    assert one.predict("abcde")[1]["predictions"][0][0]["text"] == "!ABCDE" and one.predict("abcde", "ééééé")[0] == 200
    assert named(one.predict("abcdef")) == named(one.predict("a", "abcdef")) == (413, "characters", 5)
    assert named(one.predict({"source": "", "features": "V;PST"})) == (413, "characters", 5)
    assert named(one.ask("/v1/score", b'{"pairs": [["abc", "def"]]}')[:2]) == (413, "characters", 5)


def test_steps(desk):
    one = desk(steps=20)
    assert one.predict("abcd")[0] == 200  # 2 * (4 + 1) + 10
    assert named(one.predict("abcde")) == (422, "steps", 20)
    assert one.predict("abcd" * 4, options={"max_ratio": 0.5})[0] == 200
    assert named(one.predict("a", options={"max_extra": 100})) == (422, "steps", 20)
    assert named(one.predict("a", options={"min_length": 21})) == (422, "steps", 20)
    assert named(one.predict("a", options={"max_ratio": 1e300 / 2})) == (422, "steps", 20)


def test_beam(desk):
    one = desk(beam=3)
    assert one.predict("a", options={"beam": 3, "n_best": 3})[0] == 200
    for name in ("beam", "n_best"):
        assert named(one.predict("a", options={name: 4})) == (422, "beam", 3)


def test_looks_are_of_all_texts(desk):
    one = desk(looks=80)
    assert one.predict("abc", attention=True)[0] == 200  # 4 * 18
    assert named(one.predict("abc", "a", attention=True)) == (422, "looks", 80)
    assert named(one.predict("a", attention=True, options={"n_best": 3})) == (422, "looks", 80)
    assert one.predict("abc", "abc")[0] == 200


def test_body_whatever_it_says_of_its_length(desk):
    one, body = desk(body=100), json.dumps({"texts": ["a" * 100]}).encode()
    assert one.predict("a")[0] == 200
    for pieces in ([body], [body[:50], body[50:]], [b" " * 10] * 1000, [b" " * 100_000] * 100):
        status, told, headers = one.ask("/v1/predict", *pieces)
        assert named((status, told)) == (413, "body", 100) and headers["connection"] == "close"
    status, told, _ = one.ask("/v1/predict", 9.0, b"", expect="100-continue", content_length="101")
    assert named((status, told)) == (413, "body", 100)  # before anything is sent


def test_header(desk):
    one = desk(header=1000)
    assert one.ask("/healthz", x="a" * 800)[0] == 200
    assert named(one.ask("/healthz", x="a" * 1000)[:2]) == (431, "header", 1000)


def test_slow_bodies(desk):
    one = desk(slow=1)
    assert one.ask("/v1/predict", b'{"texts": ', 0.1, b'["a"]}')[0] == 200
    begun = time.monotonic()
    status, told, headers = one.ask("/v1/predict", b'{"texts": ', 0.4, b'["a', 0.4, b"a", 0.4, b"a", 30.0, b'"]}')
    assert named((status, told)) == (408, "slow", 1) and headers["connection"] == "close" and time.monotonic() - begun < 10


def test_who_leaves_halfway_is_forgotten(desk):
    assert desk().ask("/v1/predict", b'{"texts": ', None) == (0, None, {})


def test_seconds(desk):
    one = desk(seconds=1)
    assert one.predict("a")[0] == 200
    next(iter(one.models)).model.pause = 2.0
    status, told, headers = one.ask("/v1/predict", b'{"texts": ["a"]}')
    assert named((status, told)) == (503, "seconds", 1) and int(headers["retry-after"]) >= 1


def test_a_full_queue_is_told_before_the_body_is_read(desk):
    one = desk(texts=1, queue=1)
    one.door.refuse_full = one.queue.refuse_full
    assert one.predict("a")[0] == 200
    one.queue._jobs.append(SimpleNamespace(waiting=1, key=None, due=0.0, answered=SimpleNamespace(done=lambda: False)))
    status, told, headers = one.ask("/v1/predict", 9.0, b"")
    assert named((status, told)) == (503, "queue", 1) and int(headers["retry-after"]) >= 1


def test_connections(desk):
    one = desk(connections=2)
    one.door.connections = [1, 2]
    assert one.predict("a")[0] == 200
    one.door.connections = [1, 2, 3]
    status, told, headers = one.ask("/v1/predict", b'{"texts": ["a"]}')
    assert named((status, told)) == (503, "connections", 2) and headers["retry-after"] == "1"
    assert one.ask("/healthz")[0] == 200


def test_a_fault_of_ours_is_told_to_the_log_alone(desk, capsys):
    status, told, _ = desk().ask("/v1/score", b'{"pairs": [["a", "boom"]]}')
    assert status == 500 and "boom" not in json.dumps(told) and "Traceback" not in json.dumps(told)
    (fault,) = (row for row in map(json.loads, capsys.readouterr().err.splitlines()) if row["event"] == "fault")
    assert fault["error"] == "ZeroDivisionError: boom" and "Traceback" in fault["traceback"]


def test_a_token_is_asked_for(desk):
    one = desk(token="0123456789abcdef")
    for shown in (
        {},
        {"authorization": "Bearer 0123456789abcdeF"},
        {"authorization": "Basic 0123456789abcdef"},
        {"authorization": ""},
    ):
        status, told, headers = one.ask("/metrics", **shown)
        assert status == 401 and headers["www-authenticate"] == "Bearer" and "0123456789abcdef" not in told["detail"]
    assert one.ask("/metrics", authorization="bearer 0123456789abcdef", host="anywhere.example")[0] == 200
    assert one.ask("/healthz")[0] == one.ask("/readyz")[0] == 200
    assert one.ask("/view")[0] == 200 and "shout" not in str(
        one.ask("/view")[1]
    )  # the page holds nothing; it asks, with the token
    assert one.ask("/v1/models")[0] == one.ask("/v1/view", b'{"text": "a"}')[0] == 401


def test_draining_ends_connections_and_is_told(desk):
    one = desk()
    one.door.draining = True
    status, _, headers = one.ask("/readyz")
    assert status == 503 and headers["connection"] == "close" and headers["retry-after"] == "1"
    assert one.ask("/v1/predict", b'{"texts": ["a"]}')[2]["connection"] == "close"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["batc=1"], "Did you mean 'batch'?"),
        (["batch"], "expected a whole number; received ''. Write --limits batch=128."),
        (["batch=x"], "expected a whole number; received 'x'"),
        (["batch=0"], "--limits batch: expected a whole number from 1"),
        (["texts=100", "queue=99"], "--limits queue: expected room for the texts of a request (100); received 99"),
    ],
)
def test_limits_that_are_none(words, said):
    with pytest.raises(UsageError) as told:
        read_limits(words)
    assert said in str(told.value)


def test_limits_are_read_and_documented():
    assert read_limits(["batch=1,queue=70", "body=1_000"]) == ServerLimits(batch=1, queue=70, body=1000)
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")
    for name, what in ServerLimits.describe().items():
        assert f"| `{name}` | {getattr(ServerLimits, name):,} | {what} |" in page


def test_runs_have_names(tmp_path):
    for folder in ("a/run", "b/run", "c"):
        (tmp_path / folder).mkdir(parents=True)
    found = name_runs([str(tmp_path / "a" / "run"), f"other={tmp_path / 'b' / 'run'}", str(tmp_path / "c")])
    assert list(found) == ["a", "other", "c"] and found["other"] == tmp_path / "b" / "run"
    with pytest.raises(UsageError, match="a name of its own for each run"):
        name_runs([str(tmp_path / "c"), f"c={tmp_path / 'a'}"])
