"""What stands before the application: whom it answers at all, and that no client has more of it than its share.

It reads the whole body of a request, within its bounds, before anything else sees the request.
"""

from __future__ import annotations

import asyncio
import hmac
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from regard.core.errors import message
from regard.serve.event_log import EventLog
from regard.serve.limits import ServerLimits
from regard.serve.metrics import ServerMetrics
from regard.serve.problems import INTERNAL, HTTPProblem, refuse_beyond

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OPEN = ("/healthz", "/readyz", "/view")  # told without a token: who asks for them seldom has one; the page holds no answer
PATHS = ("/v1/predict", "/v1/score", "/v1/view", "/v1/models", "/view", "/healthz", "/readyz", "/metrics", "/openapi.json", "/")
WORK = ("/v1/predict", "/v1/score", "/v1/view")
THROWN_AWAY = 32  # bodies of the largest size that are read and thrown away, so that a client who still sends hears the answer


class _Gone(Exception):
    """The client left."""


@dataclass
class Door:
    """token: what a client must show, None where nobody else can come in.  hosts: by which names it may be called, None: by any.
    draining: the server is about to end, and connections end with their next answer.  refuse_full: raises HTTPProblem where there is no
    room for any work; asked before a body is read, so that a server that is asked too much does little for those whom it refuses."""

    token: str | None = None
    hosts: Collection[str] | None = LOOPBACK
    draining: bool = False
    connections: Collection[Any] = field(default_factory=list)
    refuse_full: Callable[[], None] = lambda: None


class Guard:
    """An ASGI application before another."""

    def __init__(
        self, application: Application, *, limits: ServerLimits, door: Door, metrics: ServerMetrics, log: EventLog
    ) -> None:
        self.application, self.limits, self.door, self.metrics, self.log = application, limits, door, metrics, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, status, headers = time.monotonic(), 0, dict(scope["headers"])
        scope["regard.due"], scope["regard.told"] = begun + self.limits.seconds, {}

        async def tell(event: MutableMapping[str, Any]) -> None:
            nonlocal status
            if event["type"] == "http.response.start":
                status = event["status"]
                if self.door.draining:
                    event["headers"] = [*event["headers"], (b"connection", b"close")]
            await send(event)

        try:
            self._admit(scope, headers)
            body = await self._read(headers, receive)
            await self.application(scope, _whole(body, receive), tell)
        except HTTPProblem as problem:
            await _answer(problem, tell)
        except _Gone:
            pass
        except Exception as error:
            self.log.tell("fault", error=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
            if not status:
                await _answer(HTTPProblem(500, INTERNAL, close=True), tell)
        finally:
            seconds, path = time.monotonic() - begun, scope["path"]
            self.metrics.note_request(path if path in PATHS else "other", status, seconds)
            told = {"method": scope["method"], "path": path[:200], "status": status or None, "ms": round(seconds * 1000, 2)}
            self.log.tell_request(client=(scope.get("client") or [None])[0], **told, **scope["regard.told"])

    def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """HTTPProblem for whoever is not to be answered."""
        most = self.limits.connections
        if len(self.door.connections) > most and scope["path"] not in OPEN:
            sentence = message("connections", f"at most {most:,} (limit `connections`)", "one more", "Come again later.")
            raise HTTPProblem(503, sentence, limit=("connections", most), retry=1, close=True)
        size = len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
        size += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        try:
            refuse_beyond("header", self.limits.header, size, what="the headers, in bytes", status=431)
        except HTTPProblem as problem:
            problem.close = True
            raise
        self._check_host(headers)
        self._check_origin(headers)
        self._check_token(scope["path"], headers)
        if scope["path"] in WORK:
            self.door.refuse_full()

    def _check_host(self, headers: dict[bytes, bytes]) -> None:
        """A page of another site may have its name lead here (DNS rebinding), but not the name that the browser then says."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self.door.hosts is not None and name not in self.door.hosts:
            do = "Call it by that name; for other names start it with --host and --token."
            raise HTTPProblem(421, message("Host", f"one of {', '.join(self.door.hosts)}", repr(host[:60]), do), close=True)

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        """What a page of another site sends, its browser tells by its name; without a token nothing else would tell it from us."""
        if self.door.hosts is None or b"origin" not in headers:
            return
        origin, host = (headers.get(name, b"").decode("latin-1").lower() for name in (b"origin", b"host"))
        if origin.partition("://")[2] != host:
            do = "Open the page of this server, /view, or ask without a browser."
            raise HTTPProblem(403, message("Origin", f"'http://{host[:60]}'", repr(origin[:60]), do), close=True)

    def _check_token(self, path: str, headers: dict[bytes, bytes]) -> None:
        if self.door.token is None or path in OPEN:
            return
        scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
        same = hmac.compare_digest(sha256(shown.strip()).digest(), sha256(self.door.token.encode()).digest())
        if scheme.lower() != b"bearer" or not same:
            received = "another one" if shown else "none"
            sentence = message("Authorization", "`Bearer` and the token of this server", received, "Send it.")
            raise HTTPProblem(401, sentence, close=True, headers={"www-authenticate": "Bearer"})

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The body.  HTTPProblem where it is too large or too slow; _Gone where the client left."""
        most = self.limits.body
        if b"expect" in headers and (said := headers.get(b"content-length", b"")).isdigit():
            _refuse_body(most, int(said))  # before it is sent at all
        found, size, more = bytearray(), 0, True
        try:
            async with asyncio.timeout(self.limits.slow):
                while more and size <= THROWN_AWAY * most:
                    event = await receive()
                    if event["type"] == "http.disconnect":
                        raise _Gone
                    size, more = size + len(event.get("body", b"")), event.get("more_body", False)
                    if size <= most:
                        found += event.get("body", b"")
        except TimeoutError:
            _refuse_body(most, size)
            received = f"{size:,} bytes of it by then"
            expected = f"the whole body within {self.limits.slow} seconds (limit `slow`)"
            sentence = message("the body", expected, received, "Send it faster.")
            raise HTTPProblem(408, sentence, limit=("slow", self.limits.slow), close=True) from None
        _refuse_body(most, size)
        return bytes(found)


def _refuse_body(most: int, size: int) -> None:
    try:
        refuse_beyond("body", most, size, what="the body, in bytes")
    except HTTPProblem as problem:
        problem.close = True
        raise


def _whole(body: bytes, receive: Receive) -> Receive:
    """What hands over a body that was read, and then says when the client leaves."""
    handed = False

    async def hand() -> MutableMapping[str, Any]:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return hand


async def _answer(problem: HTTPProblem, send: Send) -> None:
    body = problem.body()
    headers = [(name.encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
