"""Reading, by hand: what points, the best span, the pointer sum, and answers that come back as they stand in the text."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pytest
import torch

from regard.attention.attention import Attention
from regard.attention.score import Dot
from regard.core.arrays import to_arrays, to_tensors
from regard.data.offsets import covering, locate
from regard.data.tokenizer import Tokenizer
from regard.networks.base import EncoderOutput
from regard.tasks.read.batch import ReadBatch
from regard.tasks.read.best_answers import best_spans, best_words, spans_log_p, word_log_p
from regard.tasks.read.demo_data import PEOPLE, PLACES, THINGS, moves
from regard.tasks.read.layers import QuestionAlignment, WordPointer
from regard.tasks.read.network import ReadSpanNetwork, ReadWordNetwork

same = torch.testing.assert_close


def encoded(states: list[list[float]], final: list[float]) -> EncoderOutput:
    return EncoderOutput(torch.tensor([states]), torch.ones(1, len(states), dtype=torch.bool), torch.tensor([final]))


PASSAGE = encoded([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0.0, 0.0])
QUESTION = encoded([[0.0, 0.0], [9.0, 9.0]], [log(2), 0.0])  # what the sum reads is the final state


def test_attention_sum_by_hand():
    """Scores (log 2, 0, log 2): shares 2/5, 1/5, 2/5; the word that stands first and last has 4/5."""
    pointed = WordPointer(over=False, score=Dot())(PASSAGE, QUESTION)
    same(pointed.shares.exp(), torch.tensor([[[0.4, 0.2, 0.4]]]))
    batch = ReadBatch(
        passage=None, question=None, forms=torch.tensor([[0, 1, 0]]), candidate=torch.tensor([[True, True, True]]),
        right=torch.tensor([[[0, 0]]]),
    )  # fmt: skip
    task = ReadWordNetwork(torch.nn.Identity(), WordPointer(over=False, score=Dot()))
    same(task.log_p(pointed.shares, batch), torch.tensor([log(0.8)]))
    shares, batch = to_arrays(pointed.shares), to_arrays(batch)
    same(torch.from_numpy(word_log_p(shares, batch)), torch.tensor([log(0.8)]))
    start, end, log_p = best_words(shares, batch, count=3)
    assert start.tolist()[0][:2] == [0, 1] and (end == start).all()
    same(torch.from_numpy(log_p), torch.tensor([[log(0.8), log(0.2), float("-inf")]]))  # there are but two words


def test_the_blank_and_padding_answer_nothing():
    shares = np.log(np.array([[[0.5, 0.3, 0.2]]], dtype=np.float32))
    batch = ReadBatch(None, None, np.array([[0, 1, 0]]), np.array([[False, True, False]]))
    start, _, log_p = best_words(shares, batch, count=2)
    assert start[0, 0] == 1
    same(torch.from_numpy(log_p), torch.tensor([[log(0.3), float("-inf")]]))


def test_over_and_sum_differ_as_the_papers_say():
    """Over: each word of the question looks by itself; the final state plays no part."""
    over = WordPointer(over=True, score=Dot())(PASSAGE, encoded([[log(2), 0.0]], [5.0, 5.0]), weights=True)
    same(over.shares.exp(), torch.tensor([[[0.4, 0.2, 0.4]]]))
    assert over.looks["columns"].shape == (1, 1, 1, 3) and over.looks["importance"].shape == (1, 1, 1, 1)


@pytest.mark.parametrize("longest", [1, 2, 3, 9])
def test_the_best_span_is_the_best_of_all(longest):
    torch.manual_seed(longest)
    shares, sizes = torch.randn(3, 2, 7).log_softmax(-1), (7, 4, 1)
    valid = torch.arange(7) < torch.tensor(sizes)[:, None]
    found = to_tensors(best_spans(shares.numpy(), valid.numpy(), longest=longest, count=4))
    for row, size in enumerate(sizes):
        every = {(i, j): shares[row, 0, i] + shares[row, 1, j] for i, j in product(range(size), repeat=2) if 0 <= j - i < longest}
        ranked = sorted(every, key=lambda span: -every[span])[:4]
        told = list(zip(found.start[row].tolist(), found.end[row].tolist(), strict=True))
        assert told[: len(ranked)] == ranked
        same(found.log_p[row, : len(ranked)], torch.stack([every[span] for span in ranked]))
        assert (found.log_p[row, len(ranked) :] == float("-inf")).all()


def test_several_right_answers_count_together():
    """p(0..1) + p(2..2); what is padded is no answer."""
    shares = torch.tensor([[[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]]]).log()
    batch = ReadBatch(None, None, torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 3, dtype=torch.bool))
    task = ReadSpanNetwork(torch.nn.Identity(), torch.nn.Identity())
    for right, p in (([[0, 1], [2, 2], [-1, -1]], 0.25 + 0.09375), ([[0, 1]], 0.25)):
        given = ReadBatch(None, None, batch.forms, batch.candidate, torch.tensor([right]))
        same(task.log_p(shares, given), torch.tensor([log(p)]))
        same(torch.from_numpy(spans_log_p(shares.numpy(), to_arrays(given))), torch.tensor([log(p)]))


def test_a_word_of_the_passage_looks_at_the_question():
    """relu(W x) with W = 1, b = 0: scores (log 3, 0), so three quarters of the first word and one of the second."""
    look = QuestionAlignment(Attention(1, 1, score=Dot()), 1)
    torch.nn.init.ones_(look.layer.weight)
    torch.nn.init.zeros_(look.layer.bias)
    seen, weights = look(
        torch.tensor([[[1.0]]]), torch.tensor([[[log(3)], [-8.0], [7.0]]]), torch.tensor([[True, True, False]]), weights=True
    )
    same(weights, torch.tensor([[[[0.75, 0.25, 0.0]]]]))
    same(seen, torch.tensor([[[0.75 * log(3) - 2.0]]]))


TEXT = "Die  Straße\tin\nZürich (Nr. 7) heißt Ǆ-Weg; 北京Œuvre  <s> "


@pytest.mark.parametrize("kind", ["char", "space", "word", "bpe(60)", "unigram(60)"])
@pytest.mark.parametrize("form", ["none", "nfc", "nfd"])
def test_tokens_are_found_where_they_stand(kind, form):
    """What they cover is the text, in order, white space aside, whatever was done to it before it was cut."""
    from regard.data.columns import Layout

    clean = Layout(unicode=form, lowercase=True).clean
    decomposed = clean(TEXT)
    tokenizer = Tokenizer.train(kind, [decomposed, TEXT.lower()])
    for text in (TEXT, Layout(unicode="nfd").clean(TEXT), "", " ", "e\u0301", "각 각"):
        spans = tokenizer.locate(text, clean)
        assert len(spans) == len(tokenizer.encode(clean(text))) - 1
        told = "".join(text[a:b] for a, b in dict.fromkeys(spans))  # letters that came of one character share it
        assert told.replace(" ", "") == "".join(text.split()) or form == "nfd"
        assert spans == sorted(spans) and all(0 <= a <= b <= len(text) for a, b in spans)
        if kind == "space":
            assert [text[a:b] for a, b in spans] == text.split()


def test_an_answer_covers_the_tokens_it_shares_a_character_with():
    spans = locate("ab cd", [(0, 2), (2, 5)], "ab cd", str)
    assert spans == [(0, 2), (3, 5)]
    assert covering(spans, 1, 4) == (0, 1) and covering(spans, 3, 4) == (1, 1) and covering(spans, 2, 3) is None


def test_stories_hold_their_answers_and_keep_names_for_validation():
    train, valid = moves(1, 200), moves(2, 200, held=True)
    for record in train + valid:
        for asked in record["qas"]:
            (answer,) = asked["answers"]
            assert record["context"][answer["answer_start"] :].startswith(answer["text"])
    seen = {word for record in train for word in record["context"].replace(".", "").split()}
    assert all(name not in seen for names in (PEOPLE, THINGS, PLACES) for name in names[4::5])
    assert any("Emily" in record["context"] for record in valid)
    for record in moves(1, 50, cloze=True):
        assert record["query"].count("XXXXX") == 1 and record["answer"] in " ".join(record["doc"]).replace(".", "").split()
    assert moves(1, 5) == moves(1, 5)
