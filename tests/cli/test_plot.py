"""Pictures as files: new, whole, with the right fonts or a sentence that says which are missing."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import pytest

from regard.core.errors import RegardError, UsageError
from regard.view import page, plot

# ---- files --------------------------------------------------------------------------------------------


def write_page(prediction, path):
    page.write([[prediction]], path, title="t")


WRITERS = [(write_page, "a.html"), (plot.write, "a.png"), (plot.write, "a.svg")]


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_files_are_new_whole_and_readable(tmp_path, write, name, told):
    prediction = told(["$a", "_b$", "</s>"], ["x", "</s>"])
    write(prediction, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert content.startswith({"html": b"<!doctype html>", "png": b"\x89PNG", "svg": b"<?xml"}[name[2:]])
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with pytest.raises(UsageError, match=r"which exists\. Remove it or choose another name"):
        write(prediction, tmp_path / name)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, write, name, told):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RegardError, match=r"the disk is full: expected .* of free disk"):
        write(told(["a", "</s>"], ["b", "</s>"]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("write", "name"), [(write_page, "a.png"), (plot.write, "a.jpg"), (plot.write, "a"), (write_page, "none/a.html")]
)
def test_a_wrong_name_is_refused(tmp_path, write, name, told):
    with pytest.raises(UsageError, match=r"ends in|a folder that exists"):
        write(told(["a", "</s>"], ["b", "</s>"]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# ---- svg and notebooks --------------------------------------------------------------------------------


def test_svg_shows_each_weight_that_can_be_seen_once(fixed):
    weights = [[0.9, 0.1, 0.001], [0.0, 0.5, 0.5]]
    text = plot.svg(fixed(weights, ["a", "中", "</s>"], ["<x>", "</s>"]))
    told_values = re.findall(r"<title>(.*?)</title>", text)
    assert told_values == [
        "&lt;x&gt; → a: 0.900",
        "&lt;x&gt; → 中: 0.100",
        "end of sentence → 中: 0.500",
        "end of sentence → end of sentence: 0.500",
    ]
    at = [(float(x), float(y)) for x, y in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="23"', text)]
    assert at[0][1] == at[1][1] < at[2][1] == at[3][1] and at[0][0] < at[1][0] == at[2][0] < at[3][0]
    assert " id=" not in text and " class=" not in text and "<script" not in text


def test_svg_is_well_formed(told):
    prediction = told(["▁<a>", "&", "\u0303", "ك", "</s>"], ["]]>", '"', "</s>"], source='"<&>"')
    root = ElementTree.fromstring(plot.svg(prediction))
    assert root.attrib["aria-label"].startswith('Where the model looked: "<&>" → ')


def test_fragment_needs_nothing_and_never_fails(told):
    prediction = told(["<b>", "</s>"], ["y", "</s>"], source="<b>", text="<i>")
    text = page.fragment(prediction)
    assert "<svg" in text and "<script" not in text and "&lt;b&gt;" in text and "<b>" not in text
    blind = page.fragment(replace(prediction, attention={}))
    assert "No attention to show" in blind and "<svg" not in blind


# ---- fonts --------------------------------------------------------------------------------------------


@dataclass
class Font:
    name: str
    fname: str
    style: str = "normal"
    weight: int = 400


def test_fonts_that_have_the_characters_are_found_and_the_rest_is_named():
    installed = [
        Font("Zen", "zen", weight=700),  # a bold face is passed over
        Font("Any", "any"),
        Font("Noto Sans CJK SC", "cjk"),
        Font("Last Resort High-Efficiency", "all"),
        Font("DejaVu Sans", "dejavu"),
    ]
    has = {"dejavu": set("abɔ"), "cjk": set("a二年"), "any": set("二年☃"), "zen": set("ᠮ"), "all": set("ᠮ二")}
    assert plot.fonts(set("abɔ "), installed, has.__getitem__) == (["DejaVu Sans"], set())
    assert plot.fonts(set("a二"), installed, has.__getitem__) == (["DejaVu Sans", "Noto Sans CJK SC"], set())
    assert plot.fonts(set("二☃ᠮ"), installed, has.__getitem__) == (["DejaVu Sans", "Noto Sans CJK SC", "Any"], {"ᠮ"})


def test_a_missing_font_is_one_clear_sentence(tmp_path, monkeypatch, told):
    monkeypatch.setattr(plot, "_charmap", lambda file: set("abc⏎"))
    notes = plot.write(told([*list("二〇"), "</s>"], [*list("ab"), "</s>"]), tmp_path / "a.png")
    assert len(notes) == 1 and "No installed font has 〇 二, so" in notes[0] and "apt-get install fonts-noto-cjk" in notes[0]
    assert (tmp_path / "a.png").exists()
    assert "fonts-noto)" in plot.advice({"ᠮ"}) and "and 2 more" in plot.advice(set("一二三四五六七八"))
    assert plot.write(told(["a", "</s>"], ["b", "</s>"]), tmp_path / "b.png") == []


def test_without_matplotlib_the_fix_is_named_and_svg_still_drawn(tmp_path, monkeypatch, told):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    prediction = told(["a", "</s>"], ["b", "</s>"])
    with pytest.raises(RegardError, match=r"pip install -e '\.\[plots\]'"):
        plot.write(prediction, tmp_path / "a.png")
    assert plot.svg(prediction).startswith("<svg")
    assert list(tmp_path.iterdir()) == []
