"""Pictures: every token is seen and said, words are put together right, the terminal shows what was given."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from regard.core.errors import UsageError
from regard.view import label, merge, page, picture, plot, terminal

# ---- labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "shown", "said"),
    [
        ("a", "a", "a"),
        ("</s>", "⏎", "end of sentence"),
        ("<s>", "↦", "start of sentence"),
        ("<unk>", "�", "unknown symbol"),
        ("▁", "␣", "space"),
        (" ", "␣", "space"),
        ("▁the", "▁the", "the"),
        ("\u0303", "◌\u0303", "combining tilde"),
        ("a\u0303", "a\u0303", "a\u0303"),
        ("\u1161", "ㅏ", "hangul jungseong a"),
        ("\u11a8", "ㄱ", "hangul jongseong kiyeok"),
        ("\u200d", "U+200D", "zero width joiner"),
        ("\t", "U+0009", "character u+0009"),
        ("a\tb", "a[U+0009]b", "a\tb"),
        ("中", "中", "中"),
        ("ب", "ب", "ب"),
        ("", "∅", "nothing"),
    ],
)
def test_every_token_can_be_seen_and_said(token, shown, said):
    assert label.show_token(token) == shown
    assert label.say_token(token) == said


def test_width_is_what_a_terminal_takes():
    assert [label.columns(text) for text in ("abc", "中文", "e\u0301", "ｱ", "Ａ", "k̚", "☺")] == [3, 4, 1, 1, 2, 1, 1]
    assert label.clusters("ɔ\u0303ʒe\u0301") == ["ɔ\u0303", "ʒ", "e\u0301"]
    assert label.right_to_left("كتاب") and label.right_to_left("a א") and not label.right_to_left("bɔ̃ʒuʁ 中文")


# ---- merging ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "numbers", "words"),
    [
        ("▁un til ▁now </s>", [0, 0, 1, 2], ["until", "now", "</s>"]),
        ("▁Hi , ▁you </s>", [0, 0, 1, 2], ["Hi,", "you", "</s>"]),
        ("2 1 ▁ N o v </s>", [0, 0, 1, 1, 1, 1, 2], ["21", "Nov", "</s>"]),  # characters with spaces between words
        ("2 0 2 6 </s>", [0, 1, 2, 3, 4], ["2", "0", "2", "6", "</s>"]),  # no ▁: nothing says where words begin
        ("▁我 爱 ▁A BC 书 </s>", [0, 1, 2, 2, 3, 4], ["我", "爱", "ABC", "书", "</s>"]),
        ("<s> ▁a b", [0, 1, 1], ["<s>", "ab"]),
        ("▁ ▁ a </s>", [0, 1, 1, 2], ["▁", "a", "</s>"]),
    ],
)
def test_words_begin_where_the_tokenizer_says(tokens, numbers, words):
    assert merge.words(tokens.split()) == numbers
    assert merge.join(tokens.split(), numbers) == words


def test_features_are_words_of_their_own(told):
    assert merge.words(["<V>", "<PST>", "▁go", "ne"], features=2) == [0, 1, 2, 2]
    tokens = ["<V>", "<unk>", "go", "▁on", "</s>"]  # the second feature was never seen in training
    given = told(tokens, ["went", "</s>"], features=("V", "NEW"))
    assert picture.axes(given, "decoder.0.cross")[1].words == (0, 1, 2, 3, 4)
    given = replace(given, features=())
    assert picture.axes(given, "decoder.0.cross")[1].words == (0, 0, 0, 1, 2)


# ---- choosing -----------------------------------------------------------------------------------------


def test_the_last_cross_attention_and_the_mean_of_heads_are_drawn_by_default(told):
    prediction = told([*list("abc"), "</s>"], [*list("xy"), "</s>"], heads=3, layers=2, self_=True)
    drawn = picture.choose(prediction)
    assert (drawn.name, drawn.head) == ("decoder.1.cross", "mean of 3 heads")
    np.testing.assert_allclose(drawn.weights, prediction.attention["decoder.1.cross"].mean(0))
    drawn = picture.choose(prediction, name="decoder.0.cross", head=2)
    assert drawn.head == "head 2 of 3"
    np.testing.assert_array_equal(drawn.weights, prediction.attention["decoder.0.cross"][2])


def test_axes_are_named_for_what_lies_on_them(told):
    prediction = told([*list("abc"), "</s>"], [*list("xy"), "</s>"], self_=True)
    down, across = picture.axes(prediction, "encoder.0.self")
    assert (down.kind, across.kind) == ("source", "source") and down.tokens == ("a", "b", "c", "</s>")
    down, across = picture.axes(prediction, "decoder.0.self")  # who writes "x" has read the start mark
    assert down.tokens == ("x", "y", "</s>") and across.tokens == ("<s>", "x", "y") and across.kind == "read"
    odd = replace(prediction, attention={"pool": np.ones((1, 1, 4), np.float32) / 4})
    down, across = picture.axes(odd, "pool")
    assert down.tokens == ("0",) and down.kind == "place" and across.kind == "source"
    assert picture.hides(down) == [] and picture.hides(across) == [3] and (down.name, across.name) == ("place", "source")


def test_axes_are_called_what_the_task_calls_them(told):
    prediction = told([*list("abc"), "</s>"], [*list("xy"), "</s>"], self_=True)
    names = {name: [axis.name for axis in picture.axes(prediction, name)] for name in prediction.attention}
    assert names["encoder.0.self"] == ["source", "source"] and names["decoder.0.self"] == ["target", "read so far"]
    assert names["decoder.0.cross"] == ["target", "source"]
    look = {"attention": {"pool": np.ones((1, 1, 4), np.float32) / 4}, "sides": {"pool": (("N",), prediction.source_tokens)}}
    assert [axis.name for axis in picture.axes(replace(prediction, **look), "pool")] == ["place", "place"]
    asked = replace(prediction, **look, axes={"pool": ("label", "text")})
    assert [axis.name for axis in picture.axes(asked, "pool")] == ["label", "text"]
    assert "across: text" in terminal.draw(asked)
    (layer,) = page.payload([[asked]])["sentences"][0]["best"][0]["layers"]
    assert layer["named"] == ["label", "text"]


def test_a_wrong_layer_or_head_is_refused_with_what_there_is(told):
    prediction = told(["a", "</s>"], ["b", "</s>"], heads=2)
    with pytest.raises(
        UsageError, match=r"one of decoder\.0\.cross; received 'decoder\.0\.cros'.*Did you mean 'decoder\.0\.cross'\?"
    ):
        picture.choose(prediction, name="decoder.0.cros")
    with pytest.raises(UsageError, match="a head from 0 to 1; received 2"):
        picture.choose(prediction, head=2)
    with pytest.raises(UsageError, match="received -1"):
        picture.choose(prediction, head=-1)
    with pytest.raises(UsageError, match="head 0, the only one"):
        picture.choose(told(["a"], ["b"]), head=1)


@pytest.mark.parametrize("draw", [terminal.draw, plot.svg, lambda p: page.html([[p]], title="t")])
def test_without_attention_there_is_a_sentence_and_no_picture(draw, told):
    with pytest.raises(UsageError, match=r"without any attention for 'ab'.*model\.attention"):
        draw(replace(told(["a", "b", "</s>"], ["c"]), attention={}))


# ---- terminal -----------------------------------------------------------------------------------------


def test_terminal_by_hand(fixed):
    prediction = fixed([[1, 0, 0], [0.1, 0.5, 0.3], [0, 0.25, 0.75]], ["二", "e\u0301", "</s>"], ["2", "\u0303", "</s>"])
    assert terminal.draw(prediction, width=80, color=False).split("\n") == [
        "decoder.0.cross · one head",
        "  二e\u0301 ⏎",
        "2 ██",
        "◌\u0303   ▒▒░░",
        "⏎   ░░▓▓",
        "  ░ 0.25  ▒ 0.5  ▓ 0.75  █ 1   ⏎ end of sentence   across: source",
    ]


def test_terminal_header_stands_over_its_columns(fixed):
    prediction = fixed([[1, 0, 0]], ["▁the", "中", "</s>"], ["</s>"])
    lines = terminal.draw(prediction, width=80, color=False).split("\n")
    assert lines[1:6] == ["  ▁", "  t", "  h", "  e 中⏎", "⏎ ██"]


def test_terminal_stays_within_its_width_and_goes_on_below(told):
    prediction = told(list("abcdefghijklmnopqrstuvwxyz"), ["▁a", "verylongtokenthatnoonewants"])
    for width in (24, 30, 50, 80):
        lines = terminal.draw(prediction, width=width, color=False).split("\n")
        assert max(label.columns(line) for line in lines) <= max(width, 26)  # 26: the line that names the layer
    drawn = terminal.draw(prediction, width=30, color=False)
    header = "".join(line for line in drawn.split("\n") if re.fullmatch(r"[ a-z]+", line))
    assert re.sub(" ", "", header) == "abcdefghijklmnopqrstuvwxyz"
    assert "verylongtokenth…" in drawn


def test_terminal_colors_show_the_value_and_only_where_wanted(monkeypatch, fixed):
    prediction = fixed([[0.0, 1.0]], ["a", "</s>"], ["b"])
    drawn = terminal.draw(prediction, width=80, color=True)
    first, last = terminal.RAMP[0], terminal.RAMP[-1]
    assert f"b \x1b[48;5;{first}m  \x1b[48;5;{last}m  \x1b[0m" in drawn
    assert "\x1b" not in terminal.draw(prediction, width=80)  # no terminal: no colours
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" in terminal.draw(prediction, width=80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in terminal.draw(prediction, width=80)


def test_terminal_header_of_arabic_is_not_turned_round(fixed):
    drawn = terminal.draw(fixed([[1, 0, 0]], ["ب", "ت", "</s>"], ["b"]), width=80, color=False)
    assert "ب\u200e ت\u200e ⏎" in drawn
