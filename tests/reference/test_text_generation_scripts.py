"""Figures of scripts without spaces, of lower-cased texts and of single words, and their intervals, against numbers by hand."""

from __future__ import annotations

import random

import pytest

from regard.metrics.text_generation import intervals, judge, wilson

JAPANESE = ["私は昨日友達と映画を見ました", "彼はとても親切な人です", "明日は雨が降るでしょう"]
THAI = ["ฉันชอบกินข้าว", "เขาไปโรงเรียน"]


@pytest.mark.parametrize(
    ("texts", "tokenizer"),
    [
        (JAPANESE, "char"),
        (["漢字東京大学文学部歴史と"] * 3, "char"),  # 11 of 12 are Han: a Japanese set never flips to zh
        (THAI, "char"),
        (["ຂ້ອຍກິນເຂົ້າ"], "char"),
        (["ខ្ញុំញ៉ាំបាយ"], "char"),
        (["ကျွန်တော်ထမင်းစားတယ်"], "char"),
        (["བོད་ཡིག"], "char"),
        (["他昨天没有来上课，我喜欢喝茶，我们的老师很好，明天也要上课。"], "zh"),
        (["나는 어제 영화를 보았다"], "13a"),  # Korean parts its words
        (["Ich kam, ich sah"], "13a"),
    ],
)
def test_texts_without_spaces_between_words_are_cut_into_characters(texts, tokenizer):
    found = judge(texts, [[text] for text in texts], list, metrics=["bleu", "ter"])
    assert f"tok:{tokenizer}|" in found.signatures["bleu"]
    assert ("tok:char" in found.signatures["ter"]) == (tokenizer == "char")
    assert found.metrics["bleu"] > 0 and found.metrics["ter"] == 0


def test_ter_of_characters_by_hand():
    # 5 of 14 characters of the first reference are missing or other: た for ました is two deletions.
    found = judge(["私は昨日友達と映画を見た"], [[JAPANESE[0]]], list, metrics=["ter"])
    assert found.metrics["ter"] == pytest.approx(100 * 2 / len(JAPANESE[0]))


def test_signatures_say_that_texts_were_lower_cased_and_the_figures_are_sacrebleus_own():
    from sacrebleu.metrics import BLEU, CHRF

    said, right = ["clara hilft tina heute ."], ["Clara hilft Tina heute ."]
    found = judge(said, [[right[0].lower()]], list, metrics=["bleu", "chrf", "ter"], lowercase=True)
    assert all("case:lc" in signature for signature in found.signatures.values())
    for name, metric in (("bleu", BLEU(lowercase=True)), ("chrf", CHRF(lowercase=True))):
        assert found.metrics[name] == pytest.approx(metric.corpus_score(said, [right]).score) == pytest.approx(100)
        assert found.signatures[name] == str(metric.get_signature())


def test_wer_of_words_whose_symbols_are_parted_is_the_share_of_words_that_are_wrong():
    said, right = ["k ɑː t", "d ɔ g z", "h aʊ"], [["k ɑː t"], ["d ɔ ɡ z", "d ɔ g s"], ["h aʊ", "h oʊ"]]
    found = judge(said, right, str.split, metrics=["exact", "wer", "per"], one_word=True)
    assert found.metrics == pytest.approx({"exact": 2 / 3, "wer": 1 / 3, "per": 1 / 9})


def test_intervals_by_hand():
    # Wilson for 2 of 3: (2/3 + z²/6 ± z sqrt(2/27 + z²/36)) / (1 + z²/3) with z = 1.96.
    assert wilson(2, 3) == pytest.approx((0.20766, 0.93851), abs=1e-5)
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5) and wilson(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)
    found = intervals(
        ["a b", "a c", "x y"], [["a b"], ["a b"], ["x y"]], str.split, ["exact", "per", "wer", "bleu"], one_word=True
    )
    assert set(found) == {"exact", "per", "wer"} and found["exact"] == pytest.approx((0.20766, 0.93851), abs=1e-5)
    # 0 1 0 edits of 2 2 2 tokens: 1/6 ± 1.96 sqrt(3/2 * (2 (1/3)² + (2/3)²)) / 6 = 1/6 ± 1.96 / 6.
    assert found["per"] == pytest.approx((0.0, 1 / 6 + 1.959964 / 6), abs=1e-6)
    assert intervals(["a"], [["b"]], list, ["exact", "per"]) == {}


def test_intervals_hold_the_truth_in_19_of_20_samples():
    roll, held = random.Random(5), 0
    for _ in range(300):
        words = ["".join(roll.choices("ab", k=roll.randrange(2, 9))) for _ in range(200)]
        said = ["".join("c" if roll.random() < 0.1 else x for x in word) for word in words]
        low, high = intervals(said, [[word] for word in words], list, ["cer"])["cer"]
        held += low <= 0.1 <= high
    assert 0.91 < held / 300 <= 0.99
