"""The Chinese pages name the same commands, keys and words as the English ones, and point to what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "zh").glob("*.md"))
TWINS = [page for page in PAGES if page.name != "mechanisms.md"]
FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
COMMENT = re.compile(r" *(?: # |^# ).*$", re.MULTILINE)  # what is said beside code is translated
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")


def twin(page: Path) -> str:
    path = DOCS.parent / "README.md" if page.name == "README.md" else DOCS / page.name
    return path.read_text("utf-8")


def code(text: str) -> list[tuple[str, list[str]]]:
    """The blocks of a page, comments aside."""
    return [(kind, [line.rstrip() for line in COMMENT.sub("", block).splitlines()]) for kind, block in FENCE.findall(text)]


def spans(text: str) -> set[str]:
    return {" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", text))}


def test_there_are_pages():
    assert {"README.md", "quickstart.md", "view.md", "troubleshooting.md", "mechanisms.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", TWINS, ids=lambda page: page.stem)
def test_a_page_says_what_its_twin_says(page):
    mine, other = page.read_text("utf-8"), twin(page)
    assert code(mine) == code(other)
    assert spans(mine) == spans(other)
    assert [len(h) for h in re.findall(r"^(#+) ", FENCE.sub("", mine), re.M)] == [
        len(h) for h in re.findall(r"^(#+) ", FENCE.sub("", other), re.M)
    ]
    assert len(re.findall(r"^\|", mine, re.M)) == len(re.findall(r"^\|", other, re.M))


def test_every_word_of_the_catalogue_is_explained():
    words = re.compile(r"^\| \[([^\]]+)\]\((?:\.\./mechanisms/)?([^)]+)\)", re.M)
    mine, other = ((DOCS / name).read_text("utf-8") for name in ("zh/mechanisms.md", "mechanisms/README.md"))
    assert [found for found in words.findall(mine) if "/" in found[1] and "configs" not in found[1]] == words.findall(other)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)\)", FENCE.sub("", page.read_text("utf-8")))
    assert [link for link in links if not link.startswith("http") and not (page.parent / link).exists()] == []
