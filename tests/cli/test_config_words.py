"""The words of a config as expressions."""

from __future__ import annotations

import pytest
from torch import nn

from regard.build.networks import make_attention
from regard.config import AttentionSection, load_config
from regard.config import mechanisms as words
from regard.config.mechanisms import Argument, Known, Op, Word, WordError, parse
from regard.core.errors import ConfigError, did_you_mean

TABLE = {
    "local-m": Known("hyphen", (Argument("width", required=True),)),
    "global": Known("a Python keyword"),
    "blur": Known("a real number", (Argument("by", float, least=-1), Argument("times"))),
}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("causal", Word("causal")),
        (" window( 3 ) ", Word("window", (3,))),
        ("window(back=2, ahead=0)", Word("window", (2, 0))),
        ("window(ahead=0, back=2)", Word("window", (2, 0))),
        ("~causal", Op("~", (Word("causal"),))),
        ("causal & window(1) | everywhere", Op("|", (Op("&", (Word("causal"), Word("window", (1,)))), Word("everywhere")))),
        ("causal & (window(1) & everywhere)", Op("&", (Word("causal"), Word("window", (1,)), Word("everywhere")))),
        ("causal & (window(1) | everywhere)", Op("&", (Word("causal"), Op("|", (Word("window", (1,)), Word("everywhere")))))),
        ("~(causal | window(2))", Op("~", (Op("|", (Word("causal"), Word("window", (2,)))),))),
    ],
)
def test_trees(text: str, tree: words.Tree) -> None:
    assert words.scope(text) == tree
    assert words.scope(str(tree)) == tree


def test_hyphens_keywords_and_numbers() -> None:
    assert parse("local-m(3)", TABLE) == Word("local-m", (3,))
    assert parse("local-m(width=3)", TABLE) == Word("local-m", (3,))
    assert parse("global + local-m(1)", TABLE, operators="+") == Op("+", (Word("global"), Word("local-m", (1,))))
    assert parse("blur(-.5)", TABLE) == Word("blur", (-0.5,))
    assert parse("blur(1e-3)", TABLE) == Word("blur", (1e-3,))
    assert parse("blur(times=2)", TABLE) == Word("blur", (), (("times", 2),))
    assert str(parse("blur(times=2)", TABLE)) == "blur(times=2)"


def test_bound_and_leaves() -> None:
    tree = words.scope("~window(2, 0) & causal")
    assert [w.name for w in words.leaves(tree)] == ["window", "causal"]
    window = next(words.leaves(tree))
    assert window.bound(words.SCOPES) == {"back": 2, "ahead": 0}
    assert Word("blur", (), (("times", 2),)).bound(TABLE) == {"times": 2}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("additve", "received 'additve'. Choose one of these. Did you mean 'additive'?"),
        ("additive & dot", "words joined by +"),
        ("additive - dot", "words joined by +"),
        ("additive(", "words joined by +"),
        ("additive(64, 3)", "additive(size?) with size: a whole number, at least 1"),
        ("additive(6.5)", "received 'additive(6.5)'"),
        ("additive(0)", "at least 1"),
        ("additive(sise=3)", "Did you mean 'size'?"),
        ("additive(3, size=3)", "received 'additive(3, size=3)'"),
        ("dot(1)", "dot, which takes no numbers"),
        ("additive(dot)", "words joined by +"),
        ("additive('64')", "words joined by +"),
        ("additive(True)", "words joined by +"),
        ("additive(*x)", "words joined by +"),
        ("additive(**{'size': 3})", "words joined by +"),
        ("dot.x", "words joined by +"),
        ("__import__('os').system('true')", "words joined by +"),
        ("(lambda: dot)()", "words joined by +"),
        ("[dot]", "words joined by +"),
        ("dot if dot else dot", "words joined by +"),
        ("3", "words joined by +"),
        ("", "received 'nothing'"),
        ("dot\ndot", "words joined by +"),
        ("dot\x00", "words joined by +"),
        ("(" * 90 + "dot", "words joined by +"),
        ("dot + " * 50 + "dot", "at most 200 characters"),
    ],
)
def test_what_is_refused(text: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        words.score(text)
    assert isinstance(caught.value, WordError)
    assert str(caught.value).startswith("score: expected ") and part in str(caught.value)


def test_a_missing_number_and_a_missing_quote() -> None:
    with pytest.raises(WordError, match=r"expected window\(back, ahead\?\) with back: a whole number, at least 0"):
        words.scope("window")
    with pytest.raises(WordError, match="put quotes around"):
        words.scope("window(2")


def test_a_weighting_and_a_tokenizer_are_one_word() -> None:
    assert (words.weighting("sparsemax"), words.tokenizer("bpe(8000)")) == (Word("sparsemax"), Word("bpe", (8000,)))
    with pytest.raises(WordError, match="expected one word"):
        words.weighting("softmax + hard")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("mine:Mine", Word("mine:Mine")),
        ("mine.scores:Mine(3, width=2)", Word("mine.scores:Mine", (3,), (("width", 2),))),
        ("a.b.c:D(-1e-3) + dot", Op("+", (Word("a.b.c:D", (-1e-3,)), Word("dot")))),
        ("dot+ a:B + c_1:D2", Op("+", (Word("dot"), Word("a:B"), Word("c_1:D2")))),
        ("lambda:If", Word("lambda:If")),
    ],
)
def test_a_class_is_a_word(text: str, tree: words.Tree) -> None:
    assert words.score(text) == tree == words.score(str(tree))


@pytest.mark.parametrize(
    "text",
    ["m:A.B", "m:", ":A", "m::A", "m:A:B", "m.:A", ".m:A", "m-n:A", "m:A-B", "m:A(x:Y)", "m:A('x')", "m:A(1, a=1, a=2)", "m:A(dot)",
     "m:A()()", "m:A & dot", "m:A(1e999)", "m:A(*x)", "m:A(**{'x': 1})", "m :A", "m:A[0]", "a·b", "m·:A", "_0", "_0:A‿B"],
)  # fmt: skip
def test_what_is_no_class(text: str) -> None:
    with pytest.raises(WordError):
        words.score(text)


def test_a_tokenizer_is_no_class() -> None:
    with pytest.raises(WordError, match="expected char"):
        words.tokenizer("m:A")


HEAT = {"heat": Known("", (Argument("by", float, default=1.5), Argument("times", default=3), Argument("to", float)))}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("heat(by)", Word("heat", (1.5,))),
        ("heat(times)", Word("heat", (), (("times", 3),))),
        ("heat(by, times)", Word("heat", (1.5, 3))),
        ("heat(by, 4)", Word("heat", (1.5, 4))),
        ("heat(2, times, to=1)", Word("heat", (2, 3, 1))),
        ("heat(times, by)", Word("heat", (1.5, 3))),
    ],
)
def test_the_bare_name_of_an_argument_is_its_default(text: str, word: Word) -> None:
    assert parse(text, HEAT) == word == parse(str(word), HEAT)


@pytest.mark.parametrize("text", ["heat(to)", "heat(by, by)", "heat(by, by=2)", "heat(~by)", "heat(by=times)", "heat(heat)"])
def test_a_bare_name_that_says_nothing(text: str) -> None:
    with pytest.raises(WordError):
        parse(text, HEAT)


def test_a_short_form_makes_room_for_its_other_words() -> None:
    past = load_config(None, ["task=language", "model.past=additive", "model.past.scope=window(15, 0)"]).model.past
    assert past is not None and (past.score, past.scope) == ("additive", "window(15, 0)")
    words = ["task=classify", "classify.pooling=attention", "classify.look=key-only", "classify.look.weighting=sparsemax"]
    classify = load_config(None, words).classify
    assert classify is not None and (classify.look.score, classify.look.weighting) == ("key-only", "sparsemax")


def test_the_nearest_word_is_the_same_in_another_case() -> None:
    assert did_you_mean("sentence_a", ["sentence_B", "sentence_A"]) == " Did you mean 'sentence_A'?"


def test_scores_for_one_width_are_projected_where_there_are_two() -> None:
    """`attention: dot` with the encoder that is the default, in both directions, is one word."""
    for score in ("dot", "scaled", "cosine", "additive + dot"):
        look = make_attention(score=score, query_size=6, memory_size=10)
        assert look.context_size == 6 and isinstance(look.query, nn.Linear)
        assert load_config(None, [f"model.attention={score}"]).model.attention
    assert isinstance(make_attention(score="dot", query_size=6, memory_size=6).query, nn.Identity)
    assert isinstance(make_attention(score="additive", query_size=6, memory_size=10).query, nn.Identity)
    with pytest.raises(ConfigError, match="queries and keys of one width"):
        make_attention(score="dot", query_size=6, memory_size=10, project=False)


@pytest.mark.parametrize(
    ("look", "found"),
    [
        ({}, ([], [], False, False, None, 1)),
        ({"score": "dot + cosine"}, (["dot", "cosine"], [], False, False, None, 1)),
        (
            {"score": "general + coverage", "weighting": "monotonic(0)"},
            ([], [("score", "coverage"), ("weighting", "monotonic")], False, False, None, 1),
        ),
        ({"score": "m:A(3)", "weighting": "hard(0.5)"}, ([], [], True, False, None, 1)),
        (
            {"score": "location(9) + location(7)", "weighting": "marginal", "memory": "key-value"},
            ([], [], False, True, 7, 2),
        ),
        ({"score": "m:dot", "weighting": "m:hard"}, ([], [], False, False, None, 1)),
    ],
)
def test_a_look_says_what_its_words_are(look: dict[str, str], found: tuple[object, ...]) -> None:
    made = AttentionSection(**{"score": "additive", **look})  # type: ignore[arg-type]  # any words
    assert (made.same_width, made.sequential, made.draws, made.mixes, made.longest, made.parts) == found
    assert made.model_dump() == {**AttentionSection().model_dump(), "score": "additive", **look}
    other = made.model_copy(update={"score": "location(5)"})
    assert other.longest == 5, "a copy is judged by its own words"


def test_a_transformer_refuses_what_looks_step_by_step() -> None:
    """With the key of each word."""
    look = {"score": "scaled + coverage", "weighting": "monotonic"}
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["model.family=transformer", f"model.attention={look}"])
    told = str(caught.value).splitlines()
    assert ["received coverage, which" in told[0], "received monotonic, which" in told[1], len(told)] == [True, True, 2]
    assert "model.attention.score: expected attentions that look at once" in told[0] and "model.attention.weighting" in told[1]
