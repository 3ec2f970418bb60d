"""Figures, edits and tables of errors against numbers that a person can check."""

from __future__ import annotations

import csv
import errno
import os
import random

import pytest

from regard.core.errors import ConfigError, DataError, RegardError
from regard.metrics.edits import Edit, EvaluatedAnswer, align, distance, kinds_path, nearest, show_edits, write_errors
from regard.metrics.text_generation import METRICS, judge


def table_distance(a, b):
    """The textbook's table, the reference for the bits."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        row = [i + 1, *row]
        for j, y in enumerate(b):
            row[j + 1] = min(row[j + 1] + (x != y), row[j + 2] + 1, row[j] + 1)
        row.pop()
    return row[-1]


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("kitten", "sitting", 3),
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("abc", "abc", 0),
        ("intention", "execution", 5),
        ("ab", "ba", 2),
    ],
)
def test_distance_by_hand(a, b, edits):
    assert distance(a, b) == table_distance(a, b) == edits == len(align(a, b))


def test_distance_is_the_textbooks_also_where_sequences_are_longer_than_a_machine_word():
    roll = random.Random(0)
    for size in [9] * 500 + [150] * 6:
        a, b = (roll.choices("abcd", k=roll.randrange(size)) for _ in range(2))
        assert distance(a, b) == table_distance(a, b) == len(align(a, b)), (a, b)


def test_an_alignment_turns_what_was_expected_into_what_was_written():
    roll = random.Random(1)
    for _ in range(300):
        a, b = (roll.choices("abé", k=roll.randrange(8)) for _ in range(2))
        removed = sorted([*a, *(e.predicted for e in align(a, b) if e.predicted)])
        assert removed == sorted([*b, *(e.expected for e in align(a, b) if e.expected)])


def test_alignments_by_hand():
    assert align("haus", "hɔs") == (Edit("a", None), Edit("u", "ɔ"))  # as short as a→ɔ u→∅: on a tie the later one is substituted
    assert align("ab", "axb") == (Edit(None, "x"),)
    assert align("abc", "c") == (Edit("a", None), Edit("b", None))
    assert [str(x) for x in align(["e", "ː", " "], ["ɛ", "n"])] == ["e→ɛ", "ː→n", "␣→∅"]


def test_of_equally_short_alignments_like_stands_with_like():
    assert align(["t", "e"], ["é"]) == (Edit("t", None), Edit("e", "é"))
    assert align(["e", "t"], ["é"]) == (Edit("e", "é"), Edit("t", None))
    assert align(["7", "a"], ["b"]) == (Edit("7", None), Edit("a", "b"))
    assert align(["a", "7"], ["b"]) == (Edit("a", "b"), Edit("7", None))
    assert align(["o", "t"], ["eː"]) == (Edit("o", "eː"), Edit("t", None))
    assert align(["t", "o"], ["eː"]) == (Edit("t", None), Edit("o", "eː"))


def test_edits_can_be_seen():
    assert (show_edits(None), show_edits(" "), show_edits("\u0303"), show_edits("eː"), show_edits("\u00a0")) == (
        "∅",
        "␣",
        "◌\u0303",
        "eː",
        "␣",
    )
    assert [x.type for x in (Edit("a", "b"), Edit(None, "b"), Edit("a", None))] == ["substitute", "insert", "delete"]


def test_the_nearest_reference_has_the_fewest_edits_and_on_a_tie_the_longer_one():
    assert nearest("abc", ["xyz", "abd", "ab"]) == (1, 1)
    assert nearest("abc", ["ab", "abd"]) == nearest("abc", ["ab", "abcd"]) == (1, 1)


def test_rates_by_hand():
    metrics, signatures = judge(
        ["a b c", "x y", "ü"], [["a b c"], ["a y z"], ["u"]], str.split, metrics=["exact", "per", "wer", "cer"]
    )
    assert metrics == {"exact": 1 / 3, "per": 3 / 7, "wer": 3 / 7, "cer": 4 / 11}
    assert signatures == {}


def test_per_counts_the_tokens_it_is_told_of():
    metrics, _ = judge(["ab cd"], [["ab ce"]], lambda text: [text[i : i + 1] for i in range(len(text))], metrics=["per", "wer"])
    assert metrics == {"per": 1 / 5, "wer": 1 / 2}


def test_rates_take_the_nearest_of_several_references_and_its_length():
    metrics, _ = judge(["a b", "c"], [["x y z w", "a c"], ["c c c c", "c"]], str.split, metrics=["exact", "wer"])
    assert metrics == {"exact": 1 / 2, "wer": 1 / 3}


def test_a_rate_can_pass_one_and_is_a_number_where_nothing_was_expected():
    assert judge(["a b c"], [["x"]], str.split, metrics=["wer"]).metrics == {"wer": 3.0}
    assert judge(["a"], [[""]], str.split, metrics=["wer"]).metrics == {"wer": 1.0}


def test_all_figures_come_when_none_is_chosen_and_perfect_is_perfect():
    text = "the cat sat on the mat ."
    metrics, signatures = judge([text], [[text]], str.split)
    assert tuple(metrics) == METRICS
    assert metrics == pytest.approx({"exact": 1, "per": 0, "wer": 0, "cer": 0, "bleu": 100, "chrf": 100, "ter": 0})
    assert set(signatures) == {"bleu", "chrf", "ter"} and signatures["bleu"].startswith(
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:"
    )


def test_bleu_and_ter_by_hand():
    # 6 words for 7: precisions 6/6 5/5 4/4 3/3 and a brevity penalty of exp(1 - 7/6); one word of 7 is missing.
    metrics, _ = judge(["the cat sat on the mat"], [["the cat sat on the mat now"]], str.split, metrics=["bleu", "ter"])
    assert metrics == pytest.approx({"bleu": 84.6481724890614, "ter": 100 / 7})


def test_chrf_by_hand():
    # "ab" for "abc": orders 1 to 3 have precision 1, 1, - and recall 2/3, 1/2, 0 of 3, 2, 1 n-grams: sacrebleu averages the two it can.
    metrics, _ = judge(["ab"], [["abc"]], str.split, metrics=["chrf"])
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    assert metrics["chrf"] == pytest.approx(100 * 5 * precision * recall / (4 * precision + recall))


def test_a_varying_number_of_references_is_no_empty_reference():
    predictions, one = ["the cat sat on a mat", "a dog barks at night now"], ["the cat sat on the mat", "a dog barks at night"]
    both = judge(predictions, [[one[0], predictions[0]], [one[1]]], str.split, metrics=["bleu", "chrf", "ter"])
    first = judge(predictions, [[predictions[0]], [one[1]]], str.split, metrics=["bleu", "chrf", "ter"])
    assert "nrefs:var" in both.signatures["bleu"] and "nrefs:1" in first.signatures["bleu"]
    assert both.metrics["bleu"] == pytest.approx(first.metrics["bleu"]) and both.metrics["chrf"] == pytest.approx(
        first.metrics["chrf"]
    )


def test_chinese_is_judged_by_characters_without_being_asked():
    references = [["他昨天没有来上课。"], ["我喜欢喝茶 OK"]]
    metrics, signatures = judge(["他昨天没来上课。", "我喜欢喝茶 OK"], references, list, metrics=["bleu", "ter"])
    assert "tok:zh" in signatures["bleu"] and "asian:yes" in signatures["ter"]
    assert 50 < metrics["bleu"] < 100 and metrics["ter"] == pytest.approx(100 / 15)
    plain = judge(["他昨天没来上课。", "我喜欢喝茶 OK"], references, list, metrics=["bleu"], bleu_tokenize="none")
    assert "tok:none" in plain.signatures["bleu"]
    assert "tok:13a" in judge(["x"], [["mostly letters, 一二三"]], list, metrics=["bleu"]).signatures["bleu"]


@pytest.mark.parametrize(
    ("predictions", "references", "options", "error", "says"),
    [
        (
            ["a"],
            [["a"]],
            {"metrics": ["blue"]},
            ConfigError,
            r"metrics: expected one of exact.*received 'blue'.*Did you mean 'bleu'",
        ),
        (["a"], [["a"]], {"bleu_tokenize": "13b"}, ConfigError, r"bleu_tokenize: expected one of auto.*Did you mean '13a'"),
        (
            ["a", "b"],
            [["a"]],
            {},
            DataError,
            r"expected as many predictions as items; received 2 predictions and references for 1",
        ),
        ([], [], {}, DataError, r"expected at least one item; received none"),
        (["a", "b"], [["a"], []], {}, DataError, r"item 2: expected a list of references; received none"),
        (["a"], ["a"], {}, DataError, r"item 1: expected a list of references; received a bare text"),
    ],
)
def test_what_cannot_be_judged_is_refused(predictions, references, options, error, says):
    with pytest.raises(error, match=says):
        judge(predictions, references, list, **options)


ANSWERS = [
    EvaluatedAnswer(1, "Bett", ("N", "SG"), ("b e t",), "b ɛ t", -0.25),
    EvaluatedAnswer(2, "gut", (), ("ɡ u t",), "ɡ u t", -0.1),
    EvaluatedAnswer(3, "Kahn", (), ("k a n", "k aː n"), "k aː n n", -1.0),
    EvaluatedAnswer(5, "nett\tig", (), ("n e t",), "n ɛ d", -2.0),
    EvaluatedAnswer(7, "weg", (), ("v ɛ k", "v eː k"), "v eː k", -0.5),
    EvaluatedAnswer(8, "so", (), ("z o",), "z  o", -3.0),
]


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_errors_stand_in_a_table_sorted_by_their_commonest_kind(tmp_path):
    kinds = write_errors(tmp_path / "errors.tsv", ANSWERS, str.split)
    assert kinds == {"e→ɛ": 2, "t→d": 1, "∅→n": 1, "∅→␣": 1} and kinds.most_common(1) == [("e→ɛ", 2)]
    rows = read(tmp_path / "errors.tsv")
    assert list(rows[0]) == ["line", "source", "features", "expected", "predicted", "score", "edits", "operations", "kind"]
    assert [(r["line"], r["edits"], r["operations"], r["kind"]) for r in rows] == [
        ("1", "1", "e→ɛ", "e→ɛ"),
        ("5", "2", "e→ɛ t→d", "e→ɛ"),
        ("3", "1", "∅→n", "∅→n"),
        ("8", "1", "∅→␣", "∅→␣"),
    ]
    assert (rows[0]["features"], rows[0]["score"], rows[1]["source"], rows[2]["expected"]) == (
        "N;SG",
        "-0.2500",
        "nett\\tig",
        "k aː n",
    )


def test_kinds_of_edits_stand_in_a_table_beside_it(tmp_path):
    write_errors(tmp_path / "errors.tsv", ANSWERS, str.split)
    assert sorted(x.name for x in tmp_path.iterdir()) == ["errors.kinds.tsv", "errors.tsv"]  # and nothing half-written
    rows = read(kinds_path(tmp_path / "errors.tsv"))
    assert rows[0] == {
        "kind": "e→ɛ", "type": "substitute", "expected": "e", "predicted": "ɛ",
        "count": "2", "share": "0.4000", "items": "2", "examples": "Bett (1), nett\\tig (5)",
    }  # fmt: skip
    assert [(r["kind"], r["type"], r["count"]) for r in rows[1:]] == [
        ("t→d", "substitute", "1"),
        ("∅→n", "insert", "1"),
        ("∅→␣", "insert", "1"),
    ]


def test_a_table_is_put_in_place_in_one_step(tmp_path):
    (tmp_path / "errors.tsv").write_text("older")
    os.link(tmp_path / "errors.tsv", tmp_path / "reader")  # who has the older table open goes on reading it whole
    write_errors(tmp_path / "errors.tsv", ANSWERS, str.split)
    assert (tmp_path / "reader").read_text() == "older" and len(read(tmp_path / "errors.tsv")) == 4


def test_no_errors_give_two_tables_with_a_header_only(tmp_path):
    assert write_errors(tmp_path / "none", ANSWERS[1:2], str.split) == {}
    assert read(tmp_path / "none") == [] == read(tmp_path / "none.kinds.tsv")


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(
        RegardError, match=r"cannot write .*errors.tsv: expected a place that can be written; received No such file"
    ):
        write_errors(tmp_path / "missing" / "errors.tsv", ANSWERS, str.split)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_older_table_as_it_was_and_nothing_else(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "errors.tsv").write_text("older")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RegardError, match=r"the disk is full: expected free disk"):
        write_errors(tmp_path / "errors.tsv", ANSWERS, str.split)
    assert [x.read_text() for x in tmp_path.iterdir()] == ["older"]
