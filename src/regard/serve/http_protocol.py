"""HTTP by httptools, with headers of bounded size: httptools itself keeps headers that never end."""

from __future__ import annotations

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from regard.core.errors import message
from regard.serve.problems import HTTPProblem


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; the bound is what its h11 protocol goes by, `h11_max_incomplete_event_size`."""

    unfinished, in_headers = 0, True

    def on_headers_complete(self) -> None:
        self.in_headers = False
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        self.unfinished, self.in_headers = 0, True
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.in_headers or self.transport.is_closing():
            return
        self.unfinished += len(data)
        most = self.config.h11_max_incomplete_event_size or 0
        if self.unfinished > most:
            do = "Send less, or raise the limit where the server is started."
            received = f"{self.unfinished:,} and no end"
            sentence = message("the headers, in bytes", f"at most {most:,} (limit `header`)", received, do)
            self._end(HTTPProblem(431, sentence, limit=("header", most), close=True))

    def send_400_response(self, msg: str) -> None:
        sentence = message("the request", "HTTP/1.1", "something else", "Look at what the client sends.")
        self._end(HTTPProblem(400, sentence, close=True))

    def _end(self, problem: HTTPProblem) -> None:
        """Answers without the application, which cannot be asked, and closes."""
        body, phrase = problem.body(), HTTPStatus(problem.status).phrase
        headers = [f"{name}: {value}" for name, value in problem.headers.items()]
        lines = [f"HTTP/1.1 {problem.status} {phrase}", *headers, f"content-length: {len(body)}", "", ""]
        self.transport.write("\r\n".join(lines).encode("latin-1") + body)
        self.transport.close()
