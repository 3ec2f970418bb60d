"""Word alignments: Pharaoh's format, symmetrization link for link as atools has it, AER by hand and as published, tokens as words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from regard.core.errors import DataError
from regard.data.symmetrize import WAYS, symmetrize
from regard.data.token_words import NO_WORD, sum_words, words_of_pieces, words_of_tokens
from regard.data.tokenizer import Tokenizer
from regard.data.word_links import GoldLinks, pharaoh, read_gold, read_links, refuse_outside, turn
from regard.metrics.alignment import alignment_figures

ATOOLS = Path(__file__).with_name("atools_links.tsv")


def links(text: str) -> frozenset[tuple[int, int]]:
    return frozenset((int(i), int(j)) for i, j in (word.split("-") for word in text.split()))


@pytest.mark.parametrize("way", WAYS)
def test_symmetrization_is_that_of_atools(way):
    """120 random pairs of alignments, half of them functions of a side as models give them, and what atools of fast_align made of them."""
    head, *rows = ATOOLS.read_text("utf-8").splitlines()
    column = 2 + [name.strip() for name in head.rpartition(": ")[2].split(",")].index(way)
    assert len(rows) == 120
    for row in rows:
        cells = row.split("\t")
        assert pharaoh(symmetrize(links(cells[0]), links(cells[1]), way)) == cells[column], row


def test_growing_by_hand():
    """Sure of both sides: 0-0.  1-1 touches it across a corner; 3-3 touches nothing, and only `final` takes it; 0-1 brings nothing new."""
    forward, backward = links("0-0 1-1 3-3"), links("0-0 0-1")
    want = {
        "intersection": "0-0",
        "union": "0-0 0-1 1-1 3-3",
        "grow-diag": "0-0 0-1 1-1",  # 0-1 comes first, while word 1 has none; then 1-1 has a source word without one
        "grow-diag-final": "0-0 0-1 1-1 3-3",
        "grow-diag-final-and": "0-0 0-1 1-1 3-3",
    }
    assert {way: pharaoh(symmetrize(forward, backward, way)) for way in WAYS} == want
    assert symmetrize(turn(forward), turn(backward), "union") == turn(symmetrize(forward, backward, "union"))


def test_final_and_wants_both_words_free():
    forward, backward = links("0-0 2-0"), links("0-0 3-4")
    assert pharaoh(symmetrize(forward, backward, "grow-diag-final")) == "0-0 2-0 3-4"
    assert pharaoh(symmetrize(forward, backward, "grow-diag-final-and")) == "0-0 3-4"


def test_figures_by_hand():
    """A 0-0 1-1 2-0, S 0-0, P 0-0 1-1: precision 2/3, recall 1, AER 1 - (1 + 2) / (3 + 1)."""
    gold = [GoldLinks(links("0-0"), links("0-0 1-1"))]
    figures = alignment_figures([links("0-0 1-1 2-0")], gold)
    assert figures == pytest.approx({"aer": 0.25, "precision": 2 / 3, "recall": 1.0, "f1": 0.8})
    assert alignment_figures([frozenset()], [GoldLinks(frozenset(), frozenset())])["aer"] == 0
    assert alignment_figures([frozenset()], gold) == {"aer": 1.0, "precision": 1.0, "recall": 0.0, "f1": 0.0}


def test_published_systems_score_as_published(data_root):
    folder = data_root / "align" / "gold_enfr"
    if not folder.is_dir():
        pytest.skip(f"needs the gold alignments of the Hansards: expected a folder at {folder}; received none")
    gold, system, tried = read_gold(str(folder / "gold.talp")), "", 0
    for line in (folder / "system_output" / "PUBLISHED.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            system = line.split()[1].rstrip(":")
        elif found := re.match(r"test\.enfr\.(\S+): ([\d.]+)% \(([\d.]+)%/([\d.]+)%/(\d+)\)", line):
            links = [x for _, x in read_links(str(folder / "system_output" / f"{system}.{found[1]}"))]
            figures = alignment_figures(links, gold)
            assert abs(100 * figures["aer"] - float(found[2])) <= 0.1, line
            assert abs(100 * figures["precision"] - float(found[3])) <= 0.2  # they counted links that a file has twice
            assert abs(sum(map(len, links)) - int(found[5])) <= 6
            tried += 1
    assert tried == 12


def test_gold_files(tmp_path):
    file = tmp_path / "gold"
    file.write_text("1-1 2p3\n\n3-3 3p3\n", "utf-8")
    first, empty, both = read_gold(str(file), base=1)
    assert (first.sure, first.possible) == (links("0-0"), links("0-0 1-2")) and not empty.possible
    assert both.sure == both.possible == links("2-2")
    with pytest.raises(DataError, match=r"gold:1: expected links i-j or ipj; received '1:1'"):
        (tmp_path / "gold").write_text("1:1\n", "utf-8")
        read_gold(str(file))
    with pytest.raises(DataError, match=r"gold:2: expected words counted from 1; received '0-1'. Leave the base out"):
        (tmp_path / "gold").write_text("1-1\n0-1\n", "utf-8")
        read_gold(str(file), base=1)


def test_links_outside_their_sentences():
    refuse_outside(links("0-0 2-1"), "x:1", (3, 2))
    with pytest.raises(
        DataError, match=r"x:1: expected links within 3 source and 2 target words, counted from 0; received 3-2.*count from 1"
    ):
        refuse_outside(links("3-2"), "x:1", (3, 2))
    with pytest.raises(DataError, match=r"counted from 1; received 5-1. Compare the lines"):
        refuse_outside(links("4-0"), "x:1", (3, 2), base=1)


@pytest.mark.parametrize("word", ["char", "space", "word", "bpe(40)", "unigram(40)"])
def test_tokens_and_the_words_they_belong_to(word):
    """Of a text, by where its tokens stand; and of what was written, by its pieces: the same."""
    texts = ["the cat, at last", "a rat that sat", " two  blanks here "]
    tokenizer = Tokenizer.train(word, texts)
    for text in texts:
        spans = tokenizer.locate(text)
        found = words_of_tokens(text, spans)
        for (start, end), number in zip(spans, found, strict=True):
            words = text.split()
            assert (number == NO_WORD) == (start == end)
            assert start == end or text[start:end].strip() in words[number]
        assert {*found} - {NO_WORD} == set(range(len(text.split())))
        ids = tokenizer.encode(text)[:-1]
        pieces = [token.replace("▁", " ") for token in tokenizer.tokens(ids)]
        assert words_of_pieces(pieces, apart=word == "space") == found


def test_words_are_summed_across_and_averaged_down():
    weights = np.array([[0.5, 0.2, 0.1, 0.2], [0.1, 0.1, 0.8, 0.0], [0.3, 0.3, 0.3, 0.1]])
    found = sum_words(weights, [0, 0, 1], [0, 0, 1, NO_WORD], (2, 2))  # the last column is an end mark
    np.testing.assert_allclose(found, [[(0.7 + 0.2) / 2, (0.1 + 0.8) / 2], [0.6, 0.3]])
