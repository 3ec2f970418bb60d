"""Every recipe loads, is commented, and is in the README; every link of the README leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from regard.config import load_config

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_loads_and_says_what_it_reached(path):
    config = load_config(path, ["data.train=[words.tsv]"])
    assert config.data.train == ("words.tsv",)
    head = [line for line in path.read_text(encoding="utf-8").splitlines()[:12] if line.startswith("#")]
    assert any("regard train" in line for line in head), "the command stands in the head of the recipe"
    assert any(re.search(r"\d", line) and "seed" in line for line in head), "so does the figure, with its seeds"
    assert f"configs/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
