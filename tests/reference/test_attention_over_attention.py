"""Law 7: attention over attention, against numbers that a person can check; padding and empty texts do no harm."""

from __future__ import annotations

from math import log

import pytest
import torch

from regard.attention import AttentionOverAttention, General
from regard.attention.score import Score
from regard.core.errors import ConfigError

same = torch.testing.assert_close
# M, document x question: (log 3, 0) and (0, 0).  The third place and the third word are padding.
DOCUMENT = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
QUESTION = torch.tensor([[[log(3), 0.0], [0.0, 0.0], [7.0, -7.0]]])
REAL = torch.tensor([[True, True, False]])


def close(got: torch.Tensor, want) -> None:
    same(got, torch.tensor(want), atol=1e-6, rtol=0)


def test_by_hand():
    """Columns: the first word takes (3/4, 1/4) of the document, the second (1/2, 1/2).  Rows: the first place takes (3/4, 1/4) of the
    question, the second (1/2, 1/2); their mean over the two real places is (5/8, 3/8).  So s = 5/8 (3/4, 1/4) + 3/8 (1/2, 1/2)."""
    told = AttentionOverAttention()(DOCUMENT, QUESTION, REAL, REAL)
    close(told.columns, [[[3 / 4, 1 / 4, 0], [1 / 2, 1 / 2, 0], [0, 0, 0]]])
    close(told.importance, [[5 / 8, 3 / 8, 0]])
    close(told.share, [[21 / 32, 11 / 32, 0]])


def test_summed_by_word():
    """A word that stands twice has both places; of the candidates alone, nothing is renormalised."""
    told = AttentionOverAttention()(DOCUMENT, QUESTION, REAL, REAL)
    close(told.by_word(torch.tensor([[3, 1, 3]]), 5), [[0, 11 / 32, 0, 21 / 32, 0]])
    close(told.by_word(torch.tensor([[3, 3, 0]]), 5), [[0.0, 0, 0, 1, 0]])
    candidates = torch.tensor([[True, False, False, True, True]])
    close(told.by_word(torch.tensor([[3, 1, 0]]), 5, candidates=candidates), [[0, 0, 0, 21 / 32, 0]])


def test_a_question_of_one_word_is_the_attention_sum_reader():
    """Kadlec et al. 2016: softmax of the dot products, summed by word."""
    torch.manual_seed(0)
    document, question, words = torch.randn(2, 11, 5), torch.randn(2, 1, 5), torch.randint(0, 7, (2, 11))
    told, p = AttentionOverAttention()(document, question), torch.softmax((document @ question.mT)[..., 0], -1)
    same(told.share, p)
    want = torch.stack([p.where(words == word, 0.0).sum(1) for word in range(7)], 1)
    same(told.by_word(words, 7), want)


def test_the_papers_own_lines():
    """M(i, j), softmax of each column, mean of the softmaxes of all rows, their product; also for a score between unequal widths."""
    torch.manual_seed(0)
    document, question, score = torch.randn(2, 7, 3), torch.randn(2, 5, 4), General(4, 3)
    m = torch.einsum("bkd,qd,bjq->bkj", document, score.w[0], question)
    told = AttentionOverAttention(score=score)(document, question)
    same(told.share, (torch.softmax(m, 1) @ torch.softmax(m, 2).mean(1)[..., None])[..., 0])


def test_padding_is_invisible_and_empty_texts_read_zeros():
    torch.manual_seed(0)
    document, question = (torch.randn(4, n, 5, dtype=torch.float64, requires_grad=True) for n in (7, 3))
    valid, asked = torch.arange(7) < torch.tensor([[7], [4], [0], [5]]), torch.arange(3) < torch.tensor([[3], [2], [3], [0]])
    reader = AttentionOverAttention()
    whole = reader(document, question, valid, asked)
    same(whole.share.sum(1), torch.tensor([1.0, 1, 0, 0], dtype=torch.float64))
    assert (whole.share[~valid] == 0).all() and (whole.importance[~asked] == 0).all() and (whole.columns[~asked] == 0).all()
    same(reader(document[1:2, :4], question[1:2, :2]).share, whole.share[1:2, :4])
    noise = reader(document.where(valid[..., None], 50.0), question.where(asked[..., None], -50.0), valid, asked)
    same(noise.share, whole.share)
    whole.share.square().sum().backward()
    for x, real in ((document, valid), (question, asked)):
        assert x.grad.isfinite().all() and x.grad[:2].any() and not x.grad[~real].any() and not x.grad[2:].any()


def test_gradients():
    torch.manual_seed(0)
    document, question = (torch.randn(2, n, 3, dtype=torch.float64, requires_grad=True) for n in (5, 3))
    valid, asked = torch.arange(5) < torch.tensor([[5], [2]]), torch.arange(3) < torch.tensor([[2], [3]])
    assert torch.autograd.gradcheck(lambda d, q: AttentionOverAttention()(d, q, valid, asked).share, (document, question))


class Past(Score):
    sequential = True

    def form(self, query, memory, at):
        raise NotImplementedError


def test_a_score_that_goes_step_by_step_is_refused():
    with pytest.raises(ConfigError, match="looks at once; received Past"):
        AttentionOverAttention(score=Past())
