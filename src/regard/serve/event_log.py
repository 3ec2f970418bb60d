"""What a server tells of itself: a JSON object a line on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class EventLog:
    """requests: whether answered requests are told too; texts: whether with what was asked."""

    def __init__(self, *, requests: bool = True, texts: bool = False) -> None:
        self.requests, self.texts = requests, texts

    def tell(self, event: str, **more: Any) -> None:
        """One line: when (UTC), what, and what belongs to it."""
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03}Z"
        line = json.dumps({"time": stamp, "event": event, **more}, ensure_ascii=False)
        with suppress(OSError, ValueError):  # whoever read it has gone: answers go on
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    def tell_request(self, **more: Any) -> None:
        if self.requests:
            self.tell("request", **{name: value for name, value in more.items() if value is not None})


class PageLog(EventLog):
    """For a person who looks at one page: its address, and what went wrong."""

    def __init__(self, opened: Callable[[str], None], more: str = "") -> None:
        super().__init__(requests=False)
        self.opened, self.more = opened, more

    def tell(self, event: str, **more: Any) -> None:
        if event == "ready":
            host = f"[{more['host']}]" if ":" in more["host"] else more["host"]
            self.opened(f"http://{host}:{more['port']}/view{self.more}")
        elif event not in ("draining", "ended"):
            super().tell(event, **more)
