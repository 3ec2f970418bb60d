"""The page of a server: its description for people, whole in itself, without a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{margin:2rem 0 .3rem;font-size:1.1rem}code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f4f4f4;padding:.6rem;overflow:auto}@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}}"""
EXAMPLE = """curl -s http://127.0.0.1:8000/v1/predict -H 'Content-Type: application/json' -d '{"texts": ["abandonat"]}'"""


def make_page(description: Mapping[str, Any]) -> str:
    """HTML of an OpenAPI description (`openapi.describe`)."""
    parts = [f"<h1>{escape(description['info']['title'])}</h1><p>{escape(description['info']['description'])}</p>"]
    parts.append(f"<pre>{escape(EXAMPLE)}</pre>")
    for path, methods in description["paths"].items():
        for method, each in methods.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(each['summary'])}</p>")
            content = each.get("requestBody", {}).get("content", {})
            parts += [_schema(description, kind["schema"]) for kind in content.values()]
    parts.append('<p>All of it: <a href="/openapi.json">openapi.json</a></p>')
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Regard</title><style>{STYLE}</style>{''.join(parts)}</html>"
    )


def _schema(description: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    named = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return f"<pre>{escape(json.dumps(named['properties'], indent=1, ensure_ascii=False))}</pre>"
