"""The catalogue says all of every mechanism, and the pages of docs/mechanisms are what the code makes."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from regard.build.catalogue import mechanisms
from regard.cli.main import run
from regard.config import mechanisms as words

ROOT = Path(__file__).parents[2]
EVERY = mechanisms()
WEIGHT = re.compile(r": (\d\.\d{3})</title>")


@pytest.mark.parametrize("m", EVERY, ids=lambda m: f"{m.kind}-{m.word}")
def test_a_mechanism_is_told_whole(m):
    """Equation, what it is, the paper with its year and section, when to use it, what it costs."""
    assert m.equation and m.says and m.use.startswith("Use it ") and m.cost and m.combines
    assert re.search(r"\b(19|20)\d\d\b", m.paper), m.paper
    assert "  " not in m.says + m.paper + m.use + m.cost


def test_every_word_is_in_the_catalogue():
    tables = {"score": words.SCORES, "scope": words.SCOPES, "weighting": words.WEIGHTINGS}
    for kind, table in tables.items():
        assert [m.word for m in EVERY if m.kind == kind] == list(table)


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    return runpy.run_path(str(ROOT / "scripts" / "mechanism-docs"))["pages"]()


def test_pages_are_what_the_code_makes(pages):
    """Text to the letter; pictures to a hundredth of each weight, since another processor rounds otherwise."""
    there = {p for p in (ROOT / "docs" / "mechanisms").rglob("*") if p.is_file()}
    assert there == set(pages)
    for path, text in pages.items():
        old = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            assert old == text, f"{path}: run scripts/mechanism-docs"
        else:
            drawn, before = (list(map(float, WEIGHT.findall(t))) for t in (text, old))
            assert sum(drawn) == pytest.approx(sum(before), abs=0.2), path
            if len(drawn) == len(before):  # a weight just above what is drawn may be just below it elsewhere
                assert drawn == pytest.approx(before, abs=0.01), path


def test_the_command_prints_all_of_it(capsys):
    assert run(["catalogue"]) == 0
    shown = capsys.readouterr().out
    assert all(m.usage in shown and m.equation in shown for m in EVERY)
    assert run(["catalogue", "sparsemax", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["word"] == "sparsemax" and "Martins" in row["paper"] and row["cost"]
    assert run(["catalogue", "sparsmax"]) == 2
    assert "Did you mean 'sparsemax'?" in capsys.readouterr().err
