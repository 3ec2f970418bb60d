"""Vocabularies: learnt as a person would by hand, the same again in any process, and never too small in silence."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.core.errors import ConfigError
from regard.data.tokenizer import Tokenizer
from regard.data.tokenizer_kinds import SUBWORD, WORD, TokenizerKind, count_symbols, cutter, kind_of, rank_symbols
from regard.data.unigram import Lattice, learn_unigram

TEXTS = ["The dog sleeps, the dogs eat.", " we  don't ", "我们去北京。 kæt t͡ʃiːz", "नमस्ते 👩‍👩‍👧 2026 <s> </s>", "", "\u2028\x1f"]
ALPHABET = "".join(sorted(set("".join(TEXTS))))
WORDS = ["char", "space", "word", "bpe(200)", "unigram(200)"]
CUTTERS = {"word": cutter(WORD), "bpe(99)": cutter(SUBWORD)}


@given(text=st.text(alphabet=ALPHABET, max_size=40))
@settings(max_examples=200, deadline=None)
def test_the_pieces_of_words_are_the_whole_text(text: str) -> None:
    assert "".join(piece for piece, _ in CUTTERS["word"].pre_tokenize_str(text)) == text


@given(texts=st.lists(st.text(alphabet=" ab1.我\t", max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_counting_chunk_by_chunk_counts_as_cutting_whole_texts(texts: list[str]) -> None:
    for word, cut in CUTTERS.items():
        kind = kind_of(word)
        whole = Counter(piece for text in texts for piece, _ in cut.pre_tokenize_str(kind.prepare(text)))
        assert count_symbols(kind, texts) == whole


def test_bpe_joins_the_most_frequent_pairs_first() -> None:
    """By hand: " ab" x 5 and " abc" x 2.  The pairs (a, b) and (space, a) both occur 7 times; the lower ids win: (space, a)."""
    tokenizer = Tokenizer.train(f"bpe({4 + 4 + 2})", ["ab ab ab ab ab abc abc"])
    assert set(tokenizer.tokens(range(4, len(tokenizer)))) == {"▁", "a", "b", "c", "▁a", "▁ab"}
    assert tokenizer.tokens(tokenizer.encode("abc ab")) == ["▁ab", "c", "▁ab", "</s>"]


def test_unigram_expects_what_a_person_computes() -> None:
    """P(ab) = 1/2, P(a) = P(b) = 1/4: the cuts ab and a|b have 1/2 and 1/16, so ab is used 8/9 of the time, a and b 1/9."""
    logs = np.array([math.log(1 / 4), math.log(1 / 4), math.log(1 / 2), -math.inf])
    lattice = Lattice(np.array([9.0]), np.array([[[0, -1], [1, 2]]], dtype=np.int32))
    assert lattice.expected(logs) == pytest.approx([1, 1, 8, 0])
    assert lattice.in_parts(logs) == pytest.approx([math.log(1 / 16)])


def test_unigram_keeps_what_pays() -> None:
    """90 words of 30 stems and 3 endings, in 12 pieces besides the characters: fewer than 4.5 a word, with nothing lost."""
    stems = [f" {a}{b}lk" for a in "wtbnmp" for b in "aeiou"]
    counts = {stem + end: 3 + len(stem) for stem in stems for end in ("ing", "ed", "s")}
    alphabet = set("".join(counts))
    found = learn_unigram(counts, alphabet, len(alphabet) + 12)
    assert len(found) <= len(alphabet) + 12 and alphabet <= {piece for piece, _ in found}
    assert sum(math.exp(log) for _, log in found) == pytest.approx(1)
    assert found == learn_unigram(dict(reversed(counts.items())), sorted(alphabet), len(alphabet) + 12)
    tokenizer = Tokenizer.train(f"unigram({4 + len(alphabet) + 12})", counts)
    assert np.mean([len(ids) - 1 for ids in tokenizer.encode_all([word.strip() for word in counts])]) < 4.5


@pytest.mark.parametrize("word", ["bpe(99)", "unigram(99)"])
@pytest.mark.parametrize("texts", [["a"], ["我"], ["ab", "ab"], ["x y z"], ["a" * 200], []])
def test_a_tiny_corpus_gives_a_small_vocabulary(word: str, texts: list[str]) -> None:
    tokenizer = Tokenizer.train(word, texts)
    assert 4 < len(tokenizer) <= 99
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("word", ["bpe", "unigram"])
def test_a_size_too_small_for_the_characters_says_which_would_do(word: str) -> None:
    with pytest.raises(ConfigError, match=rf"tokenizer {word}\(8\): expected at least 9.*received 8. Write {word}\(9\)"):
        Tokenizer.train(f"{word}(8)", ["abcd"])
    tokenizer = Tokenizer.train(f"{word}(9)", ["abcd"])
    assert len(tokenizer) == 9 and tokenizer.decode(tokenizer.encode("dab c")) == "dab c"


@pytest.mark.parametrize("word", ["bpe", "unigram"])
def test_the_size_counts_specials_but_not_features(word: str) -> None:
    texts = [f"{a}{b}{c}" for a in "kstp" for b in "aeiou" for c in ("lm", "rn", "st")] * 3
    assert len(Tokenizer.train(f"{word}(40)", texts, features=["V", "N"])) == 40 + 2


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("chars", "Did you mean 'char'"),
        ("BPE(8000)", "Did you mean 'bpe'"),
        ("unigrams(800)", "Did you mean 'unigram'"),
        ("bpe", "Write bpe(8000)"),
        ("bpe()", "bpe(SIZE)"),
        ("char(5)", "Write char."),
        ("bpe(-5)", "expected"),
        ("", "expected"),
    ],
)
def test_a_word_that_is_none_is_refused(word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"tokenizer: expected char \| space") as caught:
        Tokenizer.train(word, ["a"])
    assert said in str(caught.value)


def test_a_word_may_have_spaces() -> None:
    assert (
        kind_of(" bpe( 80 ) ") == TokenizerKind("bpe", 80)
        and str(kind_of("bpe (80)")) == "bpe(80)"
        and str(kind_of("word")) == "word"
    )


def test_symbols_are_sorted_by_frequency_then_by_code_point() -> None:
    assert rank_symbols(Counter("cabbacddd")) == ["d", "a", "b", "c"]
    assert Tokenizer.train("char", ["cab", "bacddd"]).tokens(range(4, 8)) == ["d", "a", "b", "c"]
    assert Tokenizer.train("space", ["x y", "y"]).tokens([4, 5]) == ["y", "x"]


@pytest.mark.parametrize("word", WORDS)
def test_two_trainings_give_the_same_file_and_loading_the_same_tokenizer(word: str, tmp_path: Path) -> None:
    for name, order in (("a", 1), ("b", 1), ("c", -1)):
        Tokenizer.train(word, TEXTS[::order], features=["V", "N"][::order]).save(tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    loaded, first = Tokenizer.load(tmp_path / "a.json"), Tokenizer.train(word, TEXTS, features=["V", "N"])
    assert loaded.word == first.word and len(loaded) == len(first) and loaded.features == first.features
    assert loaded.encode_all(TEXTS, [["N"]] * len(TEXTS)) == first.encode_all(TEXTS, [["N"]] * len(TEXTS))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.json", "b.json", "c.json"], "no temporary file is left"


@pytest.mark.parametrize("word", ["bpe(150)", "unigram(150)"])
def test_another_process_trains_the_same(word: str, tmp_path: Path) -> None:
    """Hash tables are walked in another order in every process; no vocabulary may show it."""
    code = f"import sys; from regard.data.tokenizer import Tokenizer; Tokenizer.train({word!r}, {TEXTS!r} * 3).save(sys.argv[1])"
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], check=True, env=env, timeout=120)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
