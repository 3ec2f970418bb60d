"""What pictures say of features, words, fonts and scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from regard.cli.formats import jsonl, tsv
from regard.view import page, plot, terminal, vector
from regard.view.picture import axes, choose, hides

SPELT = ["<s>", "<unk>", "</s>", "<V>"]  # as a tokenizer writes the features s, unk, /s and V, the last of which it may not know


def test_features_are_features_whatever_they_spell(told):
    read = [*SPELT[:3], "<unk>", "b", "▁", "<unk>", "</s>"]
    p = told(read, ["b", "</s>"], features=("s", "unk", "/s", "V"), unknown=("V", "x"))
    across = axes(p, "decoder.0.cross")[1]
    assert across.shown == [*SPELT, "b", "␣", "�", "⏎"] and across.said[:4] == SPELT
    assert hides(across) == [7] and len(set(across.words[:5])) == 5
    (side,) = (side for kind, side in page.payload([[p]])["sentences"][0]["best"][0]["axes"].items() if kind == "source")
    assert [shown for shown, _ in side["tokens"]] == across.shown and side["ends"] == [7]
    assert side["words"][0] == ["<s>", "<s>"] and side["words"][2] == ["</s>", "</s>"]
    header = terminal.draw(p, color=False, width=100).splitlines()[1:6]
    assert "↦" not in "".join(header) and header[-1].split()[:4] == [">", ">", ">", ">"]
    assert "start of sentence" not in vector.svg(p) and "&lt;unk&gt;" in vector.svg(p)


def test_words_above_a_plot_are_turned(told):
    pytest.importorskip("matplotlib", reason="the extra plots draws")
    p = told(["▁the", "▁house", "</s>"], ["▁das", "▁Haus", "</s>"])
    figure = plot._figure(choose(p), ["▁das", "▁Haus", "⏎"], ["▁the", "▁house", "⏎"])
    ticks = figure.axes[0].xaxis.get_major_ticks()
    assert [tick.label2.get_rotation() for tick in ticks] == [90, 90, 0] and all(tick.label2.get_visible() for tick in ticks)
    short = plot._figure(choose(p), ["a", "b", "c"], ["a", "b", "c"])
    assert [tick.label2.get_rotation() for tick in short.axes[0].xaxis.get_major_ticks()] == [0, 0, 0]


def test_a_plot_as_pdf_is_the_same_each_time(told, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plots draws")
    p = told(["a", "</s>"], ["b", "</s>"])
    for name in ("one.pdf", "two.PDF"):
        assert plot.write(p, tmp_path / name) == []
    made = (tmp_path / "one.pdf").read_bytes()
    assert made.startswith(b"%PDF") and made == (tmp_path / "two.PDF").read_bytes()


def test_a_font_that_came_since_is_found(told, tmp_path, monkeypatch):
    """matplotlib keeps the list of fonts of an earlier day; what came since is looked for first."""
    manager = pytest.importorskip("matplotlib.font_manager", reason="the extra plots draws")
    listed = manager.fontManager.ttflist
    font = next(f for f in listed if f.name == "DejaVu Sans" and f.style == "normal" and f.weight == 400)
    others = [f for f in listed if "ɑ" not in plot._charmap(f.fname)]
    monkeypatch.setattr(manager.fontManager, "ttflist", list(others))
    monkeypatch.setattr(manager, "findSystemFonts", lambda: [font.fname, str(tmp_path / "broken.ttf")])
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    p = told(["ɑ", "</s>"], ["ɑ", "</s>"])
    assert plot.write(p, tmp_path / "a.png") == []
    monkeypatch.setattr(manager, "findSystemFonts", list)
    monkeypatch.setattr(manager.fontManager, "ttflist", list(others))
    assert "No installed font has ɑ" in plot.write(p, tmp_path / "b.png")[0]


def test_what_has_no_probability_shows_none(told):
    p = replace(told(["a", "</s>"], ["b", "</s>"]), score=None)
    assert tsv(3, [p, p]).splitlines() == ["3\t1\t\tb", "3\t2\t\tb"]
    assert json.loads(jsonl(1, [p]))["predictions"][0]["score"] is None
    assert page.payload([[p]])["sentences"][0]["best"][0]["score"] is None
    assert "log-probability" not in page.fragment(p) and "log-probability" in page.fragment(replace(p, score=-1.0))


def test_the_page_says_nothing_of_a_score_that_is_none():
    script = (Path(page.__file__).parent / "pickers.js").read_text("utf-8")
    assert 'if (best.score === null) return "";' in script
