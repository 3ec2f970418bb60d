"""One process of a server: from a socket and run folders to answers, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

import uvicorn

from regard.core.errors import RegardError
from regard.serve.app import Endpoints, make_app
from regard.serve.batch_queue import BatchQueue
from regard.serve.connections import ConnectionWatch
from regard.serve.event_log import EventLog
from regard.serve.guard import Door, Guard
from regard.serve.limits import ServerLimits
from regard.serve.metrics import ServerMetrics
from regard.serve.models import ServedModels
from regard.serve.settings import ServerSettings

GRACE = 0.5  # seconds in which clients whose connection stays open are told that it ends with the next answer
SWITCH = 0.0005  # seconds after which the thread of the model lets asyncio go on; Python's 0.005 is what a refusal would wait for
RELOAD = getattr(signal, "SIGHUP", None)  # Windows has none


class DrainingServer(uvicorn.Server):
    """A uvicorn server that leaves signals to us, and answers what was sent before it ends."""

    def __init__(self, config: uvicorn.Config, door: Door, tell_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.door, self.tell_ready = door, tell_ready
        door.connections = self.server_state.connections

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.tell_ready()  # now, and no sooner, it can be connected to

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nobody new is let in, whoever has connected is answered, and connections that stay open end with their next answer."""
        connected = [client for listener in sockets or [] for client in _connected(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        self.door.draining = True
        for client in connected:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, client)
        until = time.monotonic() + GRACE
        while self.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(config=self.config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]


def _connected(listener: socket.socket) -> Iterator[socket.socket]:
    """Clients that wait at a socket: the system would break off with them when it is closed, whatever they have sent."""
    listener.setblocking(False)
    try:
        while True:
            yield listener.accept()[0]
    except OSError:  # nobody is left
        return


def serve(settings: ServerSettings, listener: socket.socket) -> None:
    """Opens the models, answers, and returns when a signal says so and what was asked is answered.  Raises RegardError where a model
    cannot be opened."""
    early = list[int]()
    if RELOAD:
        signal.signal(RELOAD, lambda number, _: early.append(number))  # while models are opened it would end the process
    models = ServedModels(settings.runs, settings.open_model, settings.choose)
    logging.getLogger("uvicorn.error").disabled = True  # what is worth telling stands in our log
    sys.setswitchinterval(SWITCH)
    work = _serve(settings, models, listener, early)
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


async def _serve(settings: ServerSettings, models: ServedModels, listener: socket.socket, early: list[int]) -> None:
    limits, log, metrics = settings.limits, settings.log, ServerMetrics()
    queue = BatchQueue(limits, metrics)
    door = Door(settings.token, refuse_full=queue.refuse_full)
    if settings.token is not None:
        door.hosts = None
    endpoints = Endpoints(models, queue, limits=limits, door=door, metrics=metrics, log=log)
    guard = Guard(make_app(endpoints), limits=limits, door=door, metrics=metrics, log=log)
    host, port = listener.getsockname()[:2]
    told = {"host": host, "port": port, "pid": os.getpid(), "models": {each.name: each.version for each in models}}
    server = DrainingServer(_configure(guard, limits), door, lambda: log.tell("ready", **told))

    reload = _one_at_a_time(lambda: _reload(models, metrics, log))
    tasks = [asyncio.create_task(queue.run()), asyncio.create_task(ConnectionWatch(door.connections, limits, metrics).run())]
    with _signals(_ending(server, log), reload):
        if early:
            reload()
        await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()
    queue.close()
    log.tell("ended", pid=os.getpid())


def _configure(guard: Guard, limits: ServerLimits) -> uvicorn.Config:
    return uvicorn.Config(
        guard,
        http=_protocol(),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=min(limits.connections, 4096),
        timeout_keep_alive=limits.slow,
        h11_max_incomplete_event_size=limits.header,
        timeout_graceful_shutdown=limits.seconds + limits.slow,
    )


def _protocol() -> type[asyncio.Protocol] | str:
    try:
        import httptools  # noqa: F401  uvicorn's protocol needs it; h11 is there anyhow, and slower
    except ImportError:
        return "h11"
    from regard.serve.http_protocol import BoundedProtocol

    return BoundedProtocol


async def _reload(models: ServedModels, metrics: ServerMetrics, log: EventLog) -> None:
    """Every model as its folder is now; one that cannot be opened stays as it was."""
    for name in models.names():
        try:
            fresh = await asyncio.get_running_loop().run_in_executor(None, models.reopen, name)
        except (RegardError, OSError) as error:
            metrics.reloads.labels("refused").inc()
            log.tell("reload-refused", model=name, error=str(error))
            continue
        models.replace(fresh)
        metrics.reloads.labels("done").inc()
        log.tell("reloaded", model=name, version=fresh.version)


def _ending(server: DrainingServer, log: EventLog) -> Callable[[], None]:
    def end() -> None:
        if not server.should_exit:
            log.tell("draining")
        server.should_exit = True

    return end


def _one_at_a_time(work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Begins the work; asked for again meanwhile, it is done once more."""
    asked, running = False, list[asyncio.Task[None]]()

    async def repeat() -> None:
        nonlocal asked
        while asked:
            asked = False
            await work()
        running.clear()

    def begin() -> None:
        nonlocal asked
        asked = True
        if not running:
            running.append(asyncio.ensure_future(repeat()))

    return begin


@contextlib.contextmanager
def _signals(end: Callable[[], None], reload: Callable[[], None]) -> Generator[None, None, None]:
    """Hears signals in the loop, and gives the handlers back."""
    loop, before = asyncio.get_running_loop(), dict[int, Any]()
    heard = {signal.SIGINT: end, signal.SIGTERM: end} | ({RELOAD: reload} if RELOAD else {})
    for number, do in heard.items():
        before[number] = signal.signal(number, lambda *_, do=do: loop.call_soon_threadsafe(do))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
