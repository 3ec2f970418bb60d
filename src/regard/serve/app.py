"""The routes of the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regard.core.errors import did_you_mean, message
from regard.serve.batch_queue import BatchQueue
from regard.serve.event_log import EventLog
from regard.serve.guard import PATHS, Door
from regard.serve.limits import ServerLimits
from regard.serve.live import describe_model, item_of, refuse_paths
from regard.serve.metrics import MEDIA as METRICS
from regard.serve.metrics import ServerMetrics
from regard.serve.models import BatchKey, ServedModel, ServedModels
from regard.serve.openapi import describe
from regard.serve.page import make_page
from regard.serve.problems import INTERNAL, HTTPProblem, problem_of, refuse_beyond
from regard.serve.requests import count_characters, read_predict, read_score, read_view
from regard.view import page as view

JSON = "application/json"
UNFRAMED = "frame-ancestors 'none'"  # what else the live page may stands in itself
PAGE_MAY = "default-src 'none'; style-src 'unsafe-inline'"  # no script, nothing from elsewhere


class Endpoints:
    """What answers each route."""

    def __init__(
        self, models: ServedModels, queue: BatchQueue, *, limits: ServerLimits, door: Door, metrics: ServerMetrics, log: EventLog
    ) -> None:
        self.models, self.queue, self.limits, self.door = models, queue, limits, door
        self.metrics, self.log = metrics, log

    async def predict(self, request: Request) -> Response:
        asked = read_predict(await _body(request), self.limits)
        served = self.models.find(asked.model)
        refuse_paths(served)
        self._refuse_long(served, asked.texts, asked.options, looks=asked.attention)
        key = BatchKey(served, "predict", tuple(sorted(asked.options.items())), asked.attention, asked.touched)
        return await self._answer(request, key, asked.texts, "predictions")

    async def view(self, request: Request) -> Response:
        asked = read_view(await _body(request), self.limits)
        served = self.models.find(asked.model)
        item, options = item_of(asked, served), dict(asked.options)
        if served.writes:
            options.setdefault(
                "n_best", min(options.get("beam", max(served.decode.beam, served.decode.n_best)), self.limits.beam)
            )
        if asked.example is None:
            self._refuse_long(served, [item], options, looks=True)
        key = BatchKey(served, "view", tuple(sorted(options.items())), True, asked.touched)
        return await self._answer(request, key, [item], "pictures")

    async def score(self, request: Request) -> Response:
        asked = read_score(await _body(request), self.limits)
        served = self.models.find(asked.model)
        refuse_paths(served)
        return await self._answer(request, BatchKey(served, "score"), asked.pairs, "scores")

    async def list_models(self, request: Request) -> Response:
        return _json({"models": [describe_model(served) for served in self.models]})

    async def show_view(self, request: Request) -> Response:
        return Response(
            view.live(), media_type="text/html", headers={"content-security-policy": UNFRAMED, "cache-control": "no-cache"}
        )

    async def healthz(self, request: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        if self.door.draining:
            raise HTTPProblem(503, "The server is about to end, and takes no more requests.", retry=1)
        models = [{"name": served.name, "version": served.version, "task": served.task} for served in self.models]
        return _json({"status": "ready", "models": models})

    async def show_metrics(self, request: Request) -> Response:
        return Response(self.metrics.text(), headers={"content-type": METRICS})

    async def show_openapi(self, request: Request) -> Response:
        return _json(describe(self.limits, self.models.names(), secured=self.door.token is not None))

    async def show_page(self, request: Request) -> Response:
        page = make_page(describe(self.limits, self.models.names(), secured=self.door.token is not None))
        return Response(page, media_type="text/html", headers={"content-security-policy": PAGE_MAY})

    def _refuse_long(self, served: ServedModel, texts: Sequence[Any], options: Mapping[str, Any], *, looks: bool) -> None:
        """HTTPProblem where answers may become longer, or, with looks, pictures of attention larger, than a limit allows."""
        places = 0
        for place, text in enumerate(texts):
            size = count_characters(text)
            steps = served.count_steps(size, options)
            what = f"texts[{place}], the tokens that may be written for it"
            refuse_beyond("steps", self.limits.steps, steps, what=what, status=422)
            places += (size + 1) * max(steps, size + 1 if steps == 1 else 1) * options.get("n_best", 1)
        if looks:
            refuse_beyond("looks", self.limits.looks, places, what="the places of attention", status=422)

    async def _answer(self, request: Request, key: BatchKey, items: Sequence[Any], name: str) -> Response:
        served = key.served
        request.scope["regard.told"] |= {"model": served.name, "version": served.version, "texts": len(items)}
        if self.log.texts:
            request.scope["regard.told"]["items"] = items
        try:
            found = await _while_there(request, self.queue.ask(key, items, request.scope["regard.due"]))
        except Exception as error:
            if (problem := problem_of(error, folder=served.folder, name=served.name)).detail == INTERNAL:
                raise
            raise problem from error
        if found is None:
            return Response(status_code=499)  # nobody hears it
        model = json.dumps({"name": served.name, "version": served.version}, ensure_ascii=False).encode()
        body = b'{"' + name.encode() + b'": [' + b", ".join(found) + b'], "model": ' + model + b"}"
        return Response(body, media_type=JSON)


def make_app(endpoints: Endpoints) -> Starlette:
    """The application: routes, and problems where none fits."""
    routes = [
        Route("/v1/predict", endpoints.predict, methods=["POST"]),
        Route("/v1/score", endpoints.score, methods=["POST"]),
        Route("/v1/view", endpoints.view, methods=["POST"]),
        Route("/v1/models", endpoints.list_models),
        Route("/view", endpoints.show_view),
        Route("/healthz", endpoints.healthz),
        Route("/readyz", endpoints.readyz),
        Route("/metrics", endpoints.show_metrics),
        Route("/openapi.json", endpoints.show_openapi),
        Route("/", endpoints.show_page),
    ]

    app = Starlette(routes=routes, exception_handlers={HTTPProblem: _refuse, HTTPException: _misrouted, Exception: _fail})
    app.router.redirect_slashes = False
    return app


async def _body(request: Request) -> bytes:
    """The body of a request that says it is JSON."""
    kind = request.headers.get("content-type", "")
    media, _, more = kind.lower().partition(";")
    if media.strip() != JSON or ("charset" in more and "utf-8" not in more and "utf8" not in more):
        sentence = message("Content-Type", JSON, repr(kind[:60]) if kind else "none", f"Send `Content-Type: {JSON}`.")
        raise HTTPProblem(415, sentence)
    if (coding := request.headers.get("content-encoding", "identity").lower()) != "identity":
        raise HTTPProblem(415, message("Content-Encoding", "a body as it is", repr(coding[:60]), "Send it uncompressed."))
    return await request.body()


async def _while_there(request: Request, answer: Any) -> list[bytes] | None:
    """The answer, or None where the client left before it: then it is not waited for."""
    asked, left = asyncio.ensure_future(answer), asyncio.ensure_future(_leaves(request))
    try:
        await asyncio.wait((asked, left), return_when=asyncio.FIRST_COMPLETED)
        return await asked if asked.done() else None
    finally:
        asked.cancel()
        left.cancel()


async def _leaves(request: Request) -> None:
    """Ends when the client goes."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPProblem)
    return _respond(error)


async def _fail(request: Request, error: Exception) -> Response:
    return _respond(HTTPProblem(500, INTERNAL))  # Starlette raises it again, and the guard tells the log


async def _misrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another")
        sentence = message(request.url.path, f"the method {allowed}", request.method, "Use it.")
        return _respond(HTTPProblem(405, sentence, headers={"allow": allowed}))
    path = request.url.path[:60]
    sentence = message("the path", f"one of {', '.join(PATHS)}", path, f"Correct it.{did_you_mean(path, PATHS)}")
    return _respond(HTTPProblem(error.status_code, sentence))


def _respond(problem: HTTPProblem) -> Response:
    return Response(problem.body(), problem.status, problem.headers)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), media_type=JSON)
