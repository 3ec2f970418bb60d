"""Exact match and F1 by hand, and against the rules of the two scripts written anew."""

from __future__ import annotations

import pytest

from regard.tasks.read.metrics import answer_figures, chinese, exact_and_f1, way_of


@pytest.mark.parametrize(
    ("found", "right", "exact", "f1"),
    [
        (
            "The Broncos!",
            ["Denver Broncos", "broncos"],
            True,
            1.0,
        ),  # the nearest of several; articles, case and marks do not count
        ("Denver Broncos", ["Broncos"], False, 2 / 3),
        ("Carolina", ["Broncos"], False, 0.0),
        ("in 1990, in Rome", ["in Rome"], False, 2 * (2 / 4) * 1 / (2 / 4 + 1)),  # "in" counts once where it stands once
        ("x-ray", ["x ray"], False, 0.0),  # SQuAD takes marks away without a space
        ("", ["the"], True, 0.0),
    ],
)
def test_english_as_squad(found, right, exact, f1):
    assert exact_and_f1(found, right, by_character=False) == (exact, pytest.approx(f1))


@pytest.mark.parametrize(
    ("found", "right", "exact", "f1"),
    [
        ("光荣和ω-force", ["光荣和ω-force", "光荣"], True, 1.0),
        ("《三国志》", ["三国志"], True, 1.0),
        ("364.6公里", ["364.6"], False, 2 * (1 / 3) * 1 / (1 / 3 + 1)),  # a number is one
        (
            "北京天津上海",
            ["北京上海"],
            False,
            2 * (2 / 6) * (2 / 4) / (2 / 6 + 2 / 4),
        ),  # the longest run in common: two characters
        ("1903年。", ["1903年"], True, 1.0),
        ("南京", ["北平"], False, 0.0),
    ],
)
def test_chinese_as_cmrc(found, right, exact, f1):
    assert exact_and_f1(found, right, by_character=True) == (exact, pytest.approx(f1))


def test_figures_are_means_over_questions():
    found, right = ["a cat", "北京市"], [["cat", "dog"], ["北京"]]
    figures = answer_figures(found, right, by_character=[False, True])
    assert figures == {"exact_match": 0.5, "f1": pytest.approx((1 + 0.8) / 2), "accuracy": 0.0}


def test_which_texts_are_counted_by_character():
    assert chinese("广三铁路在1903年建成 (Canton)") and not chinese("The city of 北京 lies here") and not chinese("1903")


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("The tower stands in Pisa.", "words"),
        ("塔在比萨。", "run"),
        ("とうはローマにあります。", "each"),
        ("東京タワーは東京にあるタワーです。", "each"),  # kana and Chinese characters together
        ("หอคอยอยู่ในเมืองปิซา", "each"),
        ("탑은 피사에 있습니다.", "each"),
        ("ຫໍຄອຍ", "each"),
        ("Башня стоит в Пизе.", "words"),
        ("", "words"),
    ],
)
def test_how_answers_of_a_script_are_counted(text, way):
    assert way_of(text) == way


def test_f1_of_each_character_by_hand():
    """Of 9 and 10 characters 9 are the same: 2 x 9 / 19; blanks and marks do not count, order neither; nothing in common is 0."""
    assert exact_and_f1("とうきょうたわーのあ", ["とうきょうたわーの"], by_character=False, each=True) == (
        False,
        pytest.approx(18 / 19),
    )
    assert exact_and_f1("서울시 에서", ["서울시"], by_character=False, each=True) == (False, pytest.approx(6 / 8))
    assert exact_and_f1("「서울시」。", ["서울시"], by_character=False, each=True) == (True, 1.0)
    assert exact_and_f1("あい", ["うえ"], by_character=False, each=True) == (False, 0.0)
    found = answer_figures(["とうきょ", "a b"], [["とうきょう"], ["a b"]], by_character=[False, False], each=[True, False])
    assert found["f1"] == pytest.approx((8 / 9 + 1) / 2) and found["exact_match"] == 1 / 2
