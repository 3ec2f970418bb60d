"""An HTML document that carries all that it needs, and whose policy lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any


def read_part(package: str, name: str) -> str:
    """A text that lies beside a package's modules."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str, *, images: bool = False, asks: bool = False) -> str:
    """The content policy of a document with this one style and this one script.  images: those that stand in the document itself.
    asks: it may ask the server that it came from."""
    allowed = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    return allowed + ("; img-src data:" if images else "") + ("; connect-src 'self'" if asks else "")


def embed(data: Any) -> str:
    """Data as JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def fill(template: str, **parts: str) -> str:
    """A template whose `{{name}}` are filled, in one pass: what is filled in is never read again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _hash(text: str) -> str:
    """What a content policy calls a script or a style: with it nothing else on the page can run, whatever the data says."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
