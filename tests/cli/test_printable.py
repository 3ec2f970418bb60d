"""Text of data on a terminal and in pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from regard.core.printable import printable
from regard.view import label, plot, vector

ESCAPES = "\x1b]0;owned\x07"
UNFIT = [*(chr(n) for n in range(32)), "\x7f", "\x80", "\x9b", "\u2028", "\u2029", "\ufffe", "\uffff", "\ud800"]


def test_by_number() -> None:
    assert printable(f"a{ESCAPES}b\tc\nd\x9be\ufffe") == "a[U+001B]]0;owned[U+0007]b\tc\nd[U+009B]e[U+FFFE]"
    plain = "abc ʃ 二 \u0303 \u200d \u202b עברית 🙂"
    assert printable(plain) == plain


@pytest.mark.parametrize("character", UNFIT)
def test_every_picture_is_xml_whatever_the_text(character: str, told) -> None:
    pytest.importorskip("matplotlib", reason="plots need the extra `plots`")
    tokens = [f"a{character}b", character, "</s>"]
    made = replace(told(tokens, tokens), source=f"a{character}b", text=character)
    ElementTree.fromstring(vector.svg(made))
    for token in tokens:
        assert not set(label.show_token(token) + label.say_token(token)) & (set(UNFIT) - {"\t", "\n"})


def test_a_plot_is_xml(told, tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="plots need the extra `plots`")
    tokens = [*(f"a{c}b" for c in UNFIT), "</s>"]
    plot.write(told(tokens, tokens[:5]), tmp_path / "p.svg")
    ElementTree.fromstring((tmp_path / "p.svg").read_text())


def test_the_terminal_hears_no_command(capsys: pytest.CaptureFixture[str], told) -> None:
    from regard.cli.view import _show

    made = replace(told([ESCAPES, "b", "</s>"], ["x", ESCAPES, "</s>"]), source=f"x{ESCAPES}", text=ESCAPES)
    _show([[made]], None, "terminal", print, title="")
    assert "\x1b]" not in (said := capsys.readouterr().out) and "\x07" not in said and "[U+001B]]0;owned[U+0007]" in said
