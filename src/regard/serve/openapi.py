"""The description of the server in OpenAPI 3.1, with the limits that it was started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regard.serve.limits import ServerLimits
from regard.serve.problems import MEDIA
from regard.serve.requests import OPTIONS
from regard.tasks.intervention_words import KINDS as INTERVENTIONS

JSON = "application/json"
TYPES: Mapping[type, str] = {int: "integer", float: "number", bool: "boolean", str: "string"}
ITEM = {
    "description": "a text, with a tab between columns; or a list of texts, or an object, as the model's task takes them",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Nested"}},
        {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/components/schemas/Nested"}},
    ],
}
REFUSALS = {
    400: "No JSON, or no HTTP.",
    401: "No token, or another.",
    403: "Sent by a page of another site.",
    404: "No such model.",
    408: "The body came too slowly.",
    413: "Beyond a limit of size, which is named.",
    415: "Another content type than application/json.",
    421: "Called by another name than the loopback's.",
    422: "What the model, or a limit, does not allow.",
    431: "The headers are too large.",
    500: "A fault of the server's.",
    503: "Busy: come again after the seconds of Retry-After.",
}


def describe(limits: ServerLimits, models: Sequence[str], *, secured: bool) -> dict[str, Any]:
    """The description as what JSON holds.  secured: a token is asked for."""
    asked = {"predict": "Predict for each text.", "score": "Say how likely the target of each pair is."}
    asked["view"] = "Say where the model looked at one text, with what a page shows of it."
    paths = {f"/v1/{verb}": {"post": _posted(verb, what)} for verb, what in asked.items()}
    told = {
        "/healthz": ("The process answers.", JSON, False),
        "/readyz": ("The models are ready; 503 while the server ends.", JSON, False),
        "/metrics": ("What Prometheus reads.", "text/plain", secured),
        "/v1/models": ("The models, and what the page at /view is told of them.", JSON, secured),
        "/view": ("The live page: type a text, touch where the model looks.", "text/html", False),
        "/openapi.json": ("This description.", JSON, secured),
        "/": ("The same for people.", "text/html", secured),
    }
    paths |= {path: {"get": _shown(*each)} for path, each in told.items()}
    names = [f"`{name}` ({what}): {getattr(limits, name):,}" for name, what in ServerLimits.describe().items()]
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Regard",
            "version": "1",
            "description": f"Models: {', '.join(models)}. An answer never depends on who else asks. Limits: {'; '.join(names)}.",
        },
        "paths": paths,
        "components": {"schemas": _schemas(limits, models)},
    }
    if secured:
        found["components"] |= {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        found["security"] = [{"token": []}]
    return found


def _posted(verb: str, what: str) -> dict[str, Any]:
    name = verb.capitalize()
    return {
        "summary": what,
        "operationId": verb,
        "requestBody": {"required": True, "content": {JSON: {"schema": _ref(f"{name}Request")}}},
        "responses": {"200": {"description": "The answers, in order.", "content": {JSON: {"schema": _ref(f"{name}Answer")}}}}
        | {str(code): _problem(REFUSALS[code]) for code in REFUSALS},
    }


def _shown(what: str, media: str, secured: bool) -> dict[str, Any]:
    schema = {"type": "object"} if media == JSON else {"type": "string"}
    found: dict[str, Any] = {"summary": what, "responses": {"200": {"description": what, "content": {media: {"schema": schema}}}}}
    found["responses"] |= {str(code): _problem(REFUSALS[code]) for code in (400, 401, 421, 431, 503)}
    return found if secured else {**found, "security": []}


def _problem(what: str) -> dict[str, Any]:
    return {"description": what, "content": {MEDIA: {"schema": _ref("Problem")}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(limits: ServerLimits, models: Sequence[str]) -> dict[str, Any]:
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    options: dict[str, Any] = {name: {"type": TYPES[kind]} for name, kind in OPTIONS.items()}
    for name in ("beam", "n_best"):
        options[name] |= {"minimum": 1, "maximum": limits.beam}
    model = {"type": "string", "enum": list(models)}
    items = {"type": "array", "minItems": 1, "maxItems": limits.texts, "items": ITEM}
    maybe = {"type": ["number", "null"]}
    options_, words = _closed(_left_out(**options)), {"type": "array", "items": text, "maxItems": limits.touches}
    touched = _closed(_left_out(**dict.fromkeys(INTERVENTIONS, words)))
    source = {"source": text, "features": texts, "unknown": texts}
    looks = {"type": "object", "description": "of each look (heads, target, source)", "additionalProperties": {"type": "array"}}
    hypothesis = {"text": text, "score": maybe, "tokens": texts, "source_tokens": texts, **source}
    scored = {"target": text, "score": maybe, "tokens": texts, "log_probabilities": {"type": "array", "items": maybe}, **source}
    named = _object({"name": text, "version": text}, "name", "version")
    return {
        "Nested": {"type": ["string", "null", "array", "object"]},
        "PredictRequest": _closed(
            {
                "texts": items,
                **_left_out(model=model, options=options_, attention={"type": "boolean"}, interventions=touched),
            },
            "texts",
        ),
        "ViewRequest": _closed(
            _left_out(text=ITEM, example={"type": "integer", "minimum": 0}, model=model, options=options_, interventions=touched)
        ),
        "ViewAnswer": _object({"pictures": {"type": "array", "items": {"type": "object"}}, "model": named}, "pictures", "model"),
        "ScoreRequest": _closed({"pairs": items, **_left_out(model=model)}, "pairs"),
        "Hypothesis": _object({**hypothesis, "details": {"type": "object"}, "attention": looks}, *hypothesis),
        "Scored": _object(scored, *scored),
        "PredictAnswer": _object(
            {"predictions": {"type": "array", "items": {"type": "array", "items": _ref("Hypothesis")}}, "model": named},
            "predictions",
            "model",
        ),
        "ScoreAnswer": _object({"scores": {"type": "array", "items": _ref("Scored")}, "model": named}, "scores", "model"),
        "Problem": _problem_schema(),
    }


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return _object(
        {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "what is wrong, what was expected, what was received, what to do"},
            "limit": _object({"name": text, "value": {"type": "number"}}, "name", "value"),
        },
        *("type", "title", "status", "detail"),
    )


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _left_out(**properties: Any) -> dict[str, Any]:
    """Properties that may be left out, or null, which is the same."""
    return {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in properties.items()}


def _closed(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """An object that has no other fields."""
    return {**_object(properties, *required), "additionalProperties": False}
