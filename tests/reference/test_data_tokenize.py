"""Tokenizers: text comes back exactly, twice the same, and no text can forge an end mark."""

from __future__ import annotations

import gzip
import json
import random
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.core.errors import DataError, RunFolderError
from regard.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from regard.data.wordpiece import WordPieces

TEXTS = [
    "The dog sleeps, the dog eats.",
    "the dogs  sleep\tand eat\u00a0— don't they?",
    " leading and trailing ",
    "我们去北京。 我们很高兴, 2026!",
    "カタカナとひらがな",
    "kæt ˈbɔːɹɪŋ t͡ʃiːz e\u0301 é",
    "नमस्ते दुनिया مرحبا שלום",
    "👩‍👩‍👧 ok 👍🏽",
    'a ▁ literal ▁mark and "quotes" <s> </s> <unk> <pad>',
    "",
    " ",
    "\u2028\x1f\x00",
]
WORDS = ["char", "space", "word", "bpe(200)", "unigram(200)"]
EXACT = ["char", "bpe(200)", "unigram(200)"]
ALPHABET = "".join(sorted(set("".join(TEXTS))))


@pytest.fixture(scope="module")
def trained() -> dict[str, Tokenizer]:
    return {word: Tokenizer.train(word, TEXTS * 3, features=["V", "PST", "V", "</s>"]) for word in WORDS}


@pytest.mark.parametrize("word", EXACT)
def test_every_text_comes_back_exactly(trained: dict[str, Tokenizer], word: str) -> None:
    tokenizer = trained[word]
    for text in [*TEXTS, "去我们 北京dog", "  ", "\t", "▁", " 我"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert UNK not in tokenizer.encode(text)


@pytest.mark.parametrize("word", EXACT)
@given(text=st.text(alphabet=ALPHABET, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_of_known_characters_comes_back_exactly(trained: dict[str, Tokenizer], word: str, text: str) -> None:
    tokenizer = trained[word]
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert not tokenizer.unknown(text)


def test_word_and_space_fold_white_space(trained: dict[str, Tokenizer]) -> None:
    for word in ("word", "space"):
        for text in TEXTS[:-4]:
            assert trained[word].decode(trained[word].encode(text)) == " ".join(text.split())


@pytest.mark.parametrize("word", WORDS)
def test_ids_begin_with_the_specials_and_end_with_the_features(trained: dict[str, Tokenizer], word: str) -> None:
    tokenizer = trained[word]
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    assert tokenizer.tokens(range(4)) == ["<pad>", "<s>", "</s>", "<unk>"]
    features = tokenizer.tokens(range(len(tokenizer) - 3, len(tokenizer)))
    assert features == ["<V>", "<</s>>", "<PST>"], "the most frequent first, then by code point"
    ids = tokenizer.encode("the dogs", ["PST", "V", "FUT"])
    assert ids[:3] == [len(tokenizer) - 1, len(tokenizer) - 3, UNK] and ids[-1] == EOS and ids.count(EOS) == 1
    assert max(ids) < len(tokenizer)
    assert tokenizer.decode(ids[:2] + ids[3:]) == "the dogs"
    assert tokenizer.encode("", ["V"]) == [len(tokenizer) - 3, EOS]


@pytest.mark.parametrize("word", WORDS)
def test_no_text_forges_a_special(trained: dict[str, Tokenizer], word: str) -> None:
    for text in ("</s>", "a </s> b", "<pad>", "x<s>y", "<V>", "<</s>>"):
        ids = trained[word].encode(text)
        assert not {PAD, BOS} & set(ids) and ids.count(EOS) == 1, f"{text} gave {trained[word].tokens(ids)}"
        assert all(id < len(trained[word]) - 3 for id in ids), "a text gave a feature"


@pytest.mark.parametrize("word", WORDS)
def test_specials_stay_apart_though_training_is_full_of_them(word: str) -> None:
    texts = ["<s></s><pad><unk> x</s>y <s> </s> <pad>"] * 50
    tokenizer = Tokenizer.train(word, texts)
    ids = tokenizer.encode(texts[0])
    assert not {PAD, BOS} & set(ids) and ids.count(EOS) == 1
    if word != "space":
        assert tokenizer.decode(ids) == texts[0]


@pytest.mark.parametrize("word", WORDS)
def test_decode_stops_at_the_end_and_shows_what_is_unknown(trained: dict[str, Tokenizer], word: str) -> None:
    tokenizer = trained[word]
    ids = tokenizer.encode("the")
    assert tokenizer.decode([BOS, *ids, PAD, *ids]) == "the"
    assert tokenizer.decode(np.array([PAD, *ids])) == "the"
    assert "⁇" in tokenizer.decode([*ids[:-1], UNK, EOS]), "an unknown symbol must never pass for right"


def test_many_texts_are_encoded_as_one_by_one(trained: dict[str, Tokenizer]) -> None:
    for tokenizer in trained.values():
        features = [["V"] if number % 2 else [] for number in range(len(TEXTS))]
        assert tokenizer.encode_all(TEXTS, features) == [tokenizer.encode(*pair) for pair in zip(TEXTS, features, strict=True)]
        assert tokenizer.encode_all(TEXTS) == [tokenizer.encode(text) for text in TEXTS]
        assert tokenizer.encode_all([]) == []


@pytest.mark.parametrize(
    ("word", "text", "tokens", "words"),
    [
        ("char", "ab 我去", ["a", "b", "▁", "我", "去", "</s>"], [0, 0, 1, 1, 2, 3]),
        ("char", "2026-11 👍x", ["2", "0", "2", "6", "-", "1", "1", "▁", "👍", "x", "</s>"], [0, 0, 0, 0, 1, 2, 2, 3, 3, 4, 5]),
        ("space", "k æ  t͡ʃ", ["k", "æ", "t͡ʃ", "</s>"], [0, 1, 2, 3]),
        ("word", "Don't go 我们, ok.", ["▁Don", "'", "t", "▁go", "▁我", "们", ",", "▁ok", ".", "</s>"], [*range(10)]),
        ("word", "我们", ["我", "们", "</s>"], [0, 1, 2]),
    ],
)
def test_tokens_and_the_words_they_belong_to(word: str, text: str, tokens: list[str], words: list[int]) -> None:
    tokenizer = Tokenizer.train(word, [text])
    assert tokenizer.tokens(tokenizer.encode(text)) == tokens
    assert tokenizer.words(tokenizer.encode(text)) == words


def test_subwords_are_joined_to_words_across_features_and_unknowns() -> None:
    tokenizer = Tokenizer.train("bpe(30)", ["lower lower lowest newer"] * 3, features=["V"])
    ids = tokenizer.encode("lower news, 👍 low", ["V"])
    words = tokenizer.words(ids)
    assert words == sorted(words) and words[0] == 0 and words[-1] == max(words)
    spelt: dict[int, str] = {}
    for token, number in zip(tokenizer.tokens(ids), words, strict=True):
        spelt[number] = spelt.get(number, "") + token
    assert list(spelt.values())[:3] == ["<V>", "▁lower", "▁news<unk>"] and list(spelt.values())[-2:] == ["▁low", "</s>"]
    assert tokenizer.words([]) == []


def test_what_training_never_saw_is_named_once_and_in_order(trained: dict[str, Tokenizer]) -> None:
    assert trained["char"].unknown("dogZÿzZ", ["V", "FUT"]) == ["FUT", "Z", "ÿ"]  # z is in "t͡ʃiːz"
    assert trained["bpe(200)"].unknown("Zebra ÿ") == trained["unigram(200)"].unknown("Zebra ÿ") == ["Z", "ÿ"]
    assert trained["space"].unknown("the cat </s> cat") == ["cat", "</s>"]
    assert trained["word"].unknown("the cat's dog, cat") == ["cat"]
    assert (
        UNK in trained["char"].encode("Z")
        and UNK in trained["bpe(200)"].encode("Z")
        and UNK in trained["unigram(200)"].encode("Z")
    )


def test_a_damaged_or_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    Tokenizer.train("char", ["ab"]).save(path)
    whole = json.loads(path.read_text("utf-8"))
    with pytest.raises(RunFolderError, match=r"expected a tokenizer file; received no such file"):
        Tokenizer.load(tmp_path / "other.json")
    faults = {
        "cut": path.read_text("utf-8")[:-20],
        "empty": "",
        "list": "[]",
        "other": json.dumps({"kind": "x"}),
        "no library": json.dumps(whole | {"tokenizer": {}}),
        "no word": json.dumps({key: value for key, value in whole.items() if key != "word"}),
        "bad word": json.dumps(whole | {"word": "morpheme"}),
    }
    for name, content in faults.items():
        path.write_text(content, "utf-8")
        with pytest.raises(RunFolderError, match="expected a tokenizer that regard wrote; received"):
            Tokenizer.load(path)
            pytest.fail(name)
    path.write_text(json.dumps(whole | {"version": 2}), "utf-8")
    with pytest.raises(RunFolderError, match=r"expected version 1 or older; received 2\. Install a newer regard"):
        Tokenizer.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RunFolderError):
        Tokenizer.load(path)


@pytest.mark.parametrize("word", EXACT)
def test_real_chinese_comes_back_exactly(data_root: Path, word: str) -> None:
    with gzip.open(data_root / "cmn-eng/train.tsv.gz", "rt", encoding="utf-8") as stream:
        texts = [line.rstrip("\n").split("\t")[1] for line in stream][:3000]
    tokenizer = Tokenizer.train(word.replace("200", "3000"), texts)
    assert [tokenizer.decode(ids) for ids in tokenizer.encode_all(texts)] == texts
    assert not any(UNK in ids for ids in tokenizer.encode_all(texts))


def test_half_a_character_is_named():
    texts = ["whole \U0001f600", "a \ud83d half"]
    for words in (Tokenizer.train("char", ["abc"]), WordPieces.learn("char", ["abc a b c"])):
        assert words.encode_all(texts[:1])
        with pytest.raises(DataError, match="expected whole characters; received half a surrogate pair") as error:
            words.encode_all(texts)
        assert str(error.value).startswith("the text 'a \\ud83d half'")


@pytest.mark.parametrize("word", ["char", "space", "word", "bpe(40)", "unigram(40)"])
def test_a_long_text_is_encoded_in_parts_to_the_same_tokens(word, monkeypatch):
    """Wherever it is parted: no token goes over the beginning of a space."""
    draw = random.Random(1)
    texts = ["".join(draw.choice("ab  c d\te-f g,h") for _ in range(60)) for _ in range(50)]
    tokenizer = Tokenizer.train(word, texts)
    whole = tokenizer.encode_all(texts)
    for size in (1, 2, 3, 7, 59):
        monkeypatch.setattr("regard.data.tokenizer.SLICE", size)
        assert tokenizer.encode_all(texts) == whole


def test_a_very_long_line_takes_little_memory():
    """The library keeps 0.7 kB for each character that it is handed: 1.4 GB here."""
    tokenizer = Tokenizer.train("char", ["abc "])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(tokenizer.encode("ab c" * 500_000)) == 2_000_001
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    with pytest.raises(DataError, match=r"words of at most 1,000,000 characters; received one of 2,000,000"):
        Tokenizer.train("space", ["abc "]).encode("a" * 2_000_000)
