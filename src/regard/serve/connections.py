"""What uvicorn leaves open: clients that are slow with their headers, that say nothing, or that do not take their answer are cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

from regard.serve.limits import ServerLimits
from regard.serve.metrics import ServerMetrics

EVERY = 0.25  # seconds between two looks


class ConnectionWatch:
    """connections: those of a uvicorn server, each an `asyncio.Protocol` with a `transport` and the `cycle` of its last request."""

    def __init__(self, connections: Collection[Any], limits: ServerLimits, metrics: ServerMetrics) -> None:
        self.connections, self.limits, self.metrics = connections, limits, metrics
        self._since: WeakKeyDictionary[Any, tuple[object, float]] = WeakKeyDictionary()

    async def run(self) -> None:
        """Looks again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Cuts off whoever has kept the server waiting for longer than the limit `slow`.  now: seconds."""
        for connection in list(self.connections):
            state = _state(connection)
            before, since = self._since.get(connection, (None, now))
            if state is None or state != before:
                self._since[connection] = (state, now)
            elif now - since >= self.limits.slow:
                connection.transport.abort()
                self.metrics.cut.inc()


def _state(connection: Any) -> object:
    """What it is waited for, the same as long as it is the same; None where the client has done its part.

    Requests of one connection have a cycle each: until the headers of the next are whole, it is the last one's, answered and done.
    """
    cycle = connection.cycle
    if connection.transport.get_write_buffer_size():
        return ("answer", id(cycle))
    if cycle is None or cycle.response_complete:
        return ("headers", id(cycle))
    return None
