"""Every public name is listed in docs/api.md, and nothing is listed that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import regard
import regard.attention

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def listed(section: str) -> set[str]:
    text = PAGE.split(f"## `{section}`")[1].split("\n## ")[0]
    return set(re.findall(r"`(\w+)`", text))


def test_regard():
    public = set(regard.__all__) - {"__version__"}
    assert public <= listed("regard")
    assert all(hasattr(regard, name) for name in regard.__all__)


def test_attention():
    public = {name for name in vars(regard.attention) if name[0].isupper()}
    assert public == {name for name in listed("regard.attention") if name[0].isupper()}
