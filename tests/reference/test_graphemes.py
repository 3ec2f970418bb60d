"""Symbols of several characters: what a phonetician and an orthography profile call one, and texts that come back whole."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.tokenizer import Tokenizer
from regard.data.tokenizer_kinds import kind_of, pieces

# Each cut as segments 2.3.0 cuts it (its # is a space here), but for what test_where_ipa_differs names.
CUTS = {
    "t͡ʃaː": "t͡ʃ aː",
    "kʰat̪": "kʰ a t̪",
    "d͡ʒʱ": "d͡ʒʱ",
    "t͜s": "t͜s",
    "s̪͡θ": "s̪͡θ",
    "ɡ͡ba": "ɡ͡b a",
    "ⁿda": "ⁿd a",
    "ʰpa": "ʰp a",
    "kaⁿda": "k aⁿ d a",
    "tⁿ": "tⁿ",
    "ɔ̃ː": "ɔ̃ː",
    "pʼa": "pʼ a",
    "n̩": "n̩",
    "e̯i": "e̯ i",
    "a.ta": "a . t a",
    "tʃ": "t ʃ",
    "kap̚": "k a p̚",
    "ma˥˩": "m a ˥˩",
    "l̴a": "l̴ a",
    "ʲa": "ʲa",
}


def cut(word: str, text: str) -> list[str]:
    return pieces(kind_of(word).opened(), text)


@pytest.mark.parametrize("text", CUTS)
def test_ipa_is_cut_as_segments_cuts_it(text: str) -> None:
    assert cut("ipa", text) == CUTS[text].split()


def test_where_ipa_differs_from_segments_and_panphon() -> None:
    """segments: ˈh, a ˞, ⁵ ⁵ and # for a space; panphon drops stress, ties with ͜ , raised letters before a letter, and what it does not
    know."""
    assert cut("ipa", "ˈhʊˌna") == ["ˈ", "h", "ʊ", "ˌ", "n", "a"]
    assert cut("ipa", "a˞") == ["a˞"]
    assert cut("ipa", "ma⁵⁵") == ["m", "a", "⁵⁵"]
    assert cut("ipa", "a ⁿda") == ["a", " ", "ⁿd", "a"]
    assert cut("ipa", "aˈⁿda") == ["a", "ˈ", "ⁿd", "a"]


@pytest.mark.parametrize("word", ["ipa", "profile"])
def test_any_text_comes_back(word: str, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("Grapheme\tIPA\nsch\tʃ\nt͡s\tt͡s\nä\tɛ\n")
    word = f"profile({tmp_path / 'p.tsv'})" if word == "profile" else word
    rng, letters = random.Random(3), " \tabʃʰⁿːˈ˥⁵̃͜͡.ˌ'schäß機ーé˞\u2028"
    texts = ["".join(rng.choice(letters) for _ in range(rng.randrange(9))) for _ in range(300)]
    texts += [unicodedata.normalize("NFD", text) for text in texts]
    tokenizer = Tokenizer.train(word, texts)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert len(tokenizer.encode(text)) == 1 + len(pieces(tokenizer._kind, text))


def test_a_profile_cuts_the_longest_grapheme_and_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "deu.tsv"
    file.write_text("Grapheme\tIPA\tFrequency\nsch\tʃ\t9\nch\tx\t8\nck\tk\t3\ns\ts\t7\nä\tɛ\t2\n", encoding="utf-8")
    word = f"profile({file})"
    assert cut(word, "schach") == ["sch", "a", "ch"]
    decomposed = unicodedata.normalize("NFD", "säck")
    assert cut(word, decomposed) == ["s", "a\u0308", "ck"] and cut(word, "säck") == ["s", "ä", "ck"]
    tokenizer = Tokenizer.train(word, ["schach", "säck"])
    assert tokenizer.tokens(tokenizer.encode("schäck")) == ["sch", "ä", "ck", "</s>"]
    assert tokenizer.unknown("schiß") == ["i", "ß"]
    tokenizer.save(tmp_path / "t.json")
    file.unlink()  # a run folder is whole without it
    again = Tokenizer.load(tmp_path / "t.json")
    assert again.encode("schach") == tokenizer.encode("schach") and again.word == word


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.tsv"
    for content, said in (
        ("a\tb\n", "expected a column Grapheme; received a, b"),
        ("", "received an empty file"),
        ("Grapheme\n", "received none"),
        ("Grapheme\nsch\nsch\n", "'sch' twice"),
    ):
        file.write_text(content)
        with pytest.raises(DataError, match=said):
            Tokenizer.train(f"profile({file})", ["x"])
    with pytest.raises(ConfigError, match=r"profile\(FILE\)"):
        read_config({"data": {"source_tokenizer": "profile"}})
    assert read_config({"data": {"source_tokenizer": "profile( a b/c.tsv )"}}).data.source_tokenizer == "profile(a b/c.tsv)"
    assert read_config({"data": {"target_tokenizer": "ipa"}}).data.target_tokenizer == "ipa"


def test_ipa_finds_in_pronunciations_what_their_writers_parted(data_root: Path) -> None:
    """WikiPron's phones, joined and cut again, are the same phones but for what stress and parted affricates make."""
    same = total = 0
    for line in (data_root / "g2p/sigmorphon2020/hun_valid.tsv").read_text(encoding="utf-8").splitlines():
        phones = line.split("\t")[1].split()
        same += cut("ipa", "".join(phones)) == phones
        total += 1
    assert same / total > 0.95
