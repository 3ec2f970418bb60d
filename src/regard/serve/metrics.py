"""What a server counts of itself, in the text of Prometheus; with several processes, of all together."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from regard.serve.workers import SHARED

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class ServerMetrics:
    """Counters, and the text of them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("regard_requests", "Requests that were answered.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram(
            "regard_request_seconds", "Seconds from headers to answer.", ["path"], buckets=SECONDS, registry=self._registry
        )
        self.texts = Counter("regard_texts", "Texts that the model answered.", registry=self._registry)
        self.rows = Histogram("regard_batch_texts", "Texts of a batch.", buckets=ROWS, registry=self._registry)
        self.busy = Counter("regard_model_seconds", "Seconds in which the model was at work.", registry=self._registry)
        self.waiting = Gauge("regard_queue_texts", "Texts that wait.", registry=self._registry, multiprocess_mode="livesum")
        self.cut = Counter("regard_connections_cut", "Connections of slow clients that were cut off.", registry=self._registry)
        self.reloads = Counter("regard_reloads", "Models that were opened again.", ["outcome"], registry=self._registry)

    def note_request(self, path: str, status: int, seconds: float) -> None:
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def note_batch(self, rows: int, seconds: float, waiting: int) -> None:
        self.texts.inc(rows)
        self.rows.observe(rows)
        self.busy.inc(seconds)
        self.waiting.set(waiting)

    def text(self) -> bytes:
        """What Prometheus reads."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        whole = CollectorRegistry()
        MultiProcessCollector(whole)
        return generate_latest(whole)
