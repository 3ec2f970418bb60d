"""What a server tells of itself: a JSON object a line on stderr."""

from __future__ import annotations

import json
import sys
import time
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
