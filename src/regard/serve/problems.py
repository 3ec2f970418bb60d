"""What is answered where a request cannot be: `application/problem+json` (RFC 9457) with the sentence that the command would say."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from regard.core.errors import ConfigError, DataError, RegardError, RunFolderError, UsageError, describe_exhaustion, message

MEDIA = "application/problem+json"
FAULTS_OF_REQUESTS = (UsageError, ConfigError, DataError, RunFolderError)  # an ArgumentError is a UsageError
INTERNAL = "The server failed unexpectedly; its log says where. This is a fault of Regard."


class HTTPProblem(RegardError):
    """A request that is answered with this status and sentence.

    limit: the name and the value of the limit that it went beyond.  retry: after how many seconds it may be sent again.
    close: the connection ends with the answer, for the rest of the request was not read.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        limit: tuple[str, int] | None = None,
        retry: int | None = None,
        close: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.limit, self.retry, self.close = status, detail, limit, retry, close
        self.more_headers = headers or {}

    @property
    def headers(self) -> dict[str, str]:
        found = {"content-type": MEDIA, **self.more_headers}
        found |= {} if self.retry is None else {"retry-after": str(self.retry)}
        return found | ({"connection": "close"} if self.close else {})

    def body(self) -> bytes:
        """The JSON of the answer."""
        told: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        told["detail"] = self.detail
        if self.limit is not None:
            told["limit"] = {"name": self.limit[0], "value": self.limit[1]}
        return json.dumps(told, ensure_ascii=False).encode()


def refuse_beyond(name: str, most: int, received: int, *, what: str, status: int = 413) -> None:
    """HTTPProblem where more is received than a limit allows.  what: whose it is."""
    if received > most:
        do = "Send less at a time, or raise the limit where the server is started."
        sentence = message(what, f"at most {most:,} (limit `{name}`)", f"{received:,}", do)
        raise HTTPProblem(status, sentence, limit=(name, most))


def problem_of(error: BaseException, *, folder: Path, name: str) -> HTTPProblem:
    """What to answer where a model raised this.  folder, name: of the model, so that no path of the server's is told."""
    if isinstance(error, HTTPProblem):
        return error
    if isinstance(error, RegardError):
        sentence = str(error).replace(str(folder), name)
        return HTTPProblem(422 if isinstance(error, FAULTS_OF_REQUESTS) else 500, sentence)
    if told := describe_exhaustion(error):
        return HTTPProblem(503, told, retry=1)
    return HTTPProblem(500, INTERNAL)
