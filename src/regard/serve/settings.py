"""What is served, and how; and the socket at which it is."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from regard.core.errors import RegardError, message
from regard.serve.event_log import EventLog
from regard.serve.limits import ServerLimits
from regard.serve.models import Choose, Opener


@dataclass(frozen=True)
class ServerSettings:
    """What a process serves.  runs: the run folder of each name.  token: None where nobody but this machine can come in.
    choose: examples to begin with, of a model."""

    runs: Mapping[str, Path]
    open_model: Opener
    limits: ServerLimits
    log: EventLog
    token: str | None = None
    choose: Choose | None = None


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound, and does not listen yet.  RegardError where the address is not to be had."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, proto)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        do = "Choose another --port or --host (--port 0: any that is free)."
        raise RegardError(message(f"{host}:{port}", "an address to listen at", error.strerror or str(error), do)) from None
    return listener
