"""Law 7: scores, looks and their parameters, against numbers that a person can check."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt, tanh

import pytest
import torch

from regard.attention import (
    Additive,
    AdditiveForm,
    Attention,
    Concat,
    Cosine,
    Dot,
    DotForm,
    General,
    KeyOnly,
    PrecomputedForm,
    ScaledDot,
    Score,
    SelfAttentive,
)
from regard.build.networks import make_attention
from regard.core.errors import ConfigError

QUERY, KEYS = [1.0, 2.0], [[3.0, -1.0], [0.0, 4.0]]


def scores(score: Score, query=QUERY, keys=KEYS) -> list[float]:
    """One query, one head."""
    query, keys = torch.tensor(query)[None, None, None], torch.tensor(keys)[None, None]
    at = torch.arange(keys.shape[2])[None]
    memory = Attention(2, 2).remember(torch.zeros(1, keys.shape[2], 2))
    return score(query, replace(memory, keys=score.prepare(keys, at)), at[:, :1]).flatten().tolist()


def put(parameter: torch.Tensor, *values) -> None:
    """Values for each head."""
    parameter.data.copy_(torch.tensor(values))


def test_dot():
    """1*3 + 2*(-1) = 1 and 1*0 + 2*4 = 8."""
    assert scores(Dot()) == pytest.approx([1, 8])


def test_scaled():
    """The same over sqrt 2."""
    assert scores(ScaledDot()) == pytest.approx([1 / sqrt(2), 8 / sqrt(2)])


def test_cosine():
    """|q| = sqrt 5, |h| = sqrt 10 and 4: 1 / sqrt 50 = 0.1414 and 2 / sqrt 5 = 0.8944.  Lengths do not count."""
    assert scores(Cosine()) == pytest.approx([1 / sqrt(50), 2 / sqrt(5)])
    assert scores(Cosine(), [10.0, 20.0], [[0.3, -0.1], [0.0, 0.4]]) == pytest.approx([1 / sqrt(50), 2 / sqrt(5)])
    assert scores(Cosine(), [0.0, 0.0]) == [0, 0]


def test_general():
    """q W = (1, 2) [[1, 0, 2], [0, 1, -1]] = (1, 2, 0), times (1, 1, 1) = 3 and times (0, -1, 5) = -2."""
    score = General(2, 3)
    put(score.w, [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]])
    assert scores(score, keys=[[1.0, 1.0, 1.0], [0.0, -1.0, 5.0]]) == pytest.approx([3, -2])


def test_additive():
    """W2 q = (1*1 + 2*(-1), 2) = (-1, 2); W1 h = (h1 - h2, h3) = (1, 0) and (0.5, -2); v = (2, -1):
    2 tanh 0 - tanh 2 = -0.964 and 2 tanh(-0.5) - tanh 0 = -0.924."""
    score = Additive(2, 3, 2)
    put(score.w1, [[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    put(score.w2, [[1.0, -1.0], [0.0, 1.0]])
    put(score.v, [2.0, -1.0])
    want = [-tanh(2), 2 * tanh(-0.5)]
    assert scores(score, keys=[[3.0, 2.0, 0.0], [1.0, 0.5, -2.0]]) == pytest.approx(want, abs=1e-6)


def test_concat():
    """W [q; h] with q = (1, 2), h = (3, 2, 0) and (1, 0.5, -2): rows (1, -1, | 1, -1, 0) and (0, 1, | 0, 0, 1) give (0, 2) and
    (-0.5, 0); v = (2, -1): -tanh 2 and 2 tanh(-0.5)."""
    score = Concat(2, 3, 2)
    put(score.w, [[1.0, -1.0, 1.0, -1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 1.0]])
    put(score.v, [2.0, -1.0])
    want = [-tanh(2), 2 * tanh(-0.5)]
    assert scores(score, keys=[[3.0, 2.0, 0.0], [1.0, 0.5, -2.0]]) == pytest.approx(want, abs=1e-6)


def test_cosine_with_a_temperature():
    """1 / sqrt 50 and 2 / sqrt 5, over 0.1 at the beginning; over 2 where its log has come to ln 2.  Never 0 or below."""
    score = Cosine(0.1)
    assert scores(score) == pytest.approx([10 / sqrt(50), 20 / sqrt(5)])
    assert sum(p.numel() for p in score.parameters()) == 1 and not [*Cosine().parameters()]
    score.log_temperature.data.fill_(log(2))
    assert scores(score) == pytest.approx([0.5 / sqrt(50), 1 / sqrt(5)])
    made = make_attention(score="cosine(temperature)", query_size=2, memory_size=2, heads=2).score
    put(made.log_temperature, *(log(t) for t in (0.1, 4.0)))
    query, keys, at = torch.ones(1, 2, 1, 1), torch.full((1, 2, 1, 1), 7.0), torch.zeros(1, 1, dtype=torch.long)
    memory = replace(Attention(2, 2).remember(torch.zeros(1, 1, 2)), keys=made.prepare(keys, at))
    assert made(query, memory, at).flatten().tolist() == pytest.approx([10, 0.25])
    for wrong in (0, -1.0):
        with pytest.raises(ConfigError, match="a temperature above 0"):
            Cosine(wrong)


def test_key_only():
    """w . h + b = 0.5*3 - 1 + 0.25 = 0.75 and 4 + 0.25, whoever asks."""
    score = KeyOnly(2)
    put(score.w, [[0.5, 1.0]])
    put(score.b, 0.25)
    assert scores(score) == scores(score, [9.0, -9.0]) == pytest.approx([tanh(0.75), tanh(4.25)])


def test_self_attentive():
    """W h = (h1 + h2, h2) = (2, -1) and (4, 4); v = (3, -1): 3 tanh 2 + tanh 1 and 2 tanh 4, whoever asks."""
    score = SelfAttentive(2, 2)
    put(score.w, [[1.0, 1.0], [0.0, 1.0]])
    put(score.v, [[3.0, -1.0]])
    assert scores(score) == scores(score, [9.0, -9.0]) == pytest.approx([3 * tanh(2) + tanh(1), 2 * tanh(4)])


def test_a_sum():
    """dot + scaled: (1, 8) times 1 + 1 / sqrt 2; dot + dot + cosine: (2 + 0.1414, 16 + 0.8944)."""
    assert scores(Dot() + ScaledDot()) == pytest.approx([1 + 1 / sqrt(2), 8 + 8 / sqrt(2)])
    assert scores(Dot() + Dot() + Cosine()) == pytest.approx([2 + 1 / sqrt(50), 16 + 2 / sqrt(5)])


def test_each_head_has_its_own_weights():
    """Head 1 multiplies by 2, head 2 by -3: general of q = 5 and h = 7 is 70 and -105."""
    score = General(1, 1, heads=2)
    put(score.w, [[2.0]], [[-3.0]])
    query, keys, at = torch.full((1, 2, 1, 1), 5.0), torch.full((1, 2, 1, 1), 7.0), torch.zeros(1, 1, dtype=torch.long)
    memory = replace(Attention(2, 2).remember(torch.zeros(1, 1, 2)), keys=score.prepare(keys, at))
    assert score(query, memory, at).flatten().tolist() == [70, -105]
    score = Additive(1, 1, 1, heads=2)
    put(score.w1, [[2.0]], [[0.0]])
    put(score.w2, [[0.0]], [[0.1]])
    put(score.v, [1.0], [10.0])
    memory = replace(memory, keys=score.prepare(keys / 7, at))
    assert score(query, memory, at).flatten().tolist() == pytest.approx([tanh(2), 10 * tanh(0.5)])


def test_forms():
    """Given says its numbers, Inner q.k + bias, Tanh v.tanh(q + k) + bias."""
    q, k, bias = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, -1.0]]]]), torch.tensor([[[[0.5]]]])
    assert PrecomputedForm(bias).scores().item() == 0.5
    assert DotForm(q, k).scores().item() == 1 and DotForm(q, k, bias).scores().item() == 1.5
    v = torch.tensor([[1.0, -2.0]])
    assert AdditiveForm(q, k, v).scores().item() == pytest.approx(tanh(4) - 2 * tanh(1), abs=1e-6)
    assert AdditiveForm(q, k, v, bias).scores().item() == pytest.approx(tanh(4) - 2 * tanh(1) + 0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "form"),
    [
        ("dot", "general", DotForm),
        ("additive", "dot", PrecomputedForm),
        ("additive", "additive", PrecomputedForm),
        ("dot", "cosine", DotForm),
    ],
)
def test_a_sum_keeps_the_form_that_kernels_take(a, b, form):
    made = make_attention(score=f"{a} + {b}", query_size=2, memory_size=2)
    memory, at = made.remember(torch.randn(1, 3, 2)), torch.zeros(1, 1, dtype=torch.long)
    assert type(made.score.form(torch.randn(1, 1, 1, 2), memory, at)) is form


def test_biases_of_both_terms_are_kept():
    """Inner + Given + Inner with biases 1, 10 and 100: 111 beside the products."""

    class Biased(Score):
        def __init__(self, bias: float, bare: bool) -> None:
            super().__init__()
            self.bias, self.bare = bias, bare

        def form(self, query, memory, at):
            bias = torch.full((1, 1, query.shape[2], memory.keys.shape[2]), self.bias)
            return PrecomputedForm(bias) if self.bare else DotForm(query, memory.keys, bias)

    for order in ((False, True, False), (True, False, False), (False, False, True), (True, True, False)):
        terms = [Biased(10.0**i, bare) for i, bare in enumerate(order)]
        products = order.count(False)
        assert scores(terms[0] + terms[1] + terms[2]) == pytest.approx([111 + products * 1, 111 + products * 8])
    additive = Additive(2, 2, 1)
    plain = torch.tensor(scores(additive))
    assert scores(additive + Biased(10.0, True)) == pytest.approx((plain + 10).tolist())
    assert scores(Biased(10.0, False) + additive) == pytest.approx((plain + torch.tensor([11.0, 18.0])).tolist())


def test_a_whole_look():
    """q = (1, 0) at places (0, 4) and (ln 3, 0): scores 0 and ln 3, weights 1/4 and 3/4, context (0.75 ln 3, 1)."""
    look, at = Attention(2, 2, score=Dot()), torch.zeros(1, 1, dtype=torch.long)
    reading = look(torch.tensor([[[1.0, 0.0]]]), look.remember(torch.tensor([[[0.0, 4.0], [log(3), 0.0]]])), at, weights=True)
    assert reading.weights.flatten().tolist() == pytest.approx([0.25, 0.75])
    assert reading.context.flatten().tolist() == pytest.approx([0.75 * log(3), 1.0])


def test_values_split_from_keys():
    """The same weights, gathering 100 and 200 instead: 25 + 150."""
    look, at = Attention(2, 2, score=Dot()), torch.zeros(1, 1, dtype=torch.long)
    memory = look.remember(torch.tensor([[[0.0, 4.0], [log(3), 0.0]]]), values=torch.tensor([[[100.0], [200.0]]]))
    assert look(torch.tensor([[[1.0, 0.0]]]), memory, at).context.item() == pytest.approx(175)


def test_two_heads_by_hand():
    """Projections that change nothing but an output that doubles; head 1 has column 1, head 2 column 2.  q = (1, 1), places (0, 0)
    and (ln 3, -ln 3): head 1 weighs 1/4, 3/4, head 2 weighs 3/4, 1/4; context 2 * (0.75 ln 3, -0.25 ln 3)."""
    look, at = Attention(2, 2, heads=2), torch.zeros(1, 1, dtype=torch.long)
    for linear, factor in ((look.query, 1), (look.key, 1), (look.value, 1), (look.out, 2)):
        put(linear.weight, [factor, 0.0], [0.0, factor])
    memory = look.remember(torch.tensor([[[0.0, 0.0], [log(3), -log(3)]]]))
    reading = look(torch.tensor([[[1.0, 1.0]]]), memory, at, weights=True)
    assert reading.weights.flatten().tolist() == pytest.approx([0.25, 0.75, 0.75, 0.25])
    assert reading.context.flatten().tolist() == pytest.approx([1.5 * log(3), -0.5 * log(3)])


@pytest.mark.parametrize(
    ("score", "keys", "count"),
    [
        ("dot", {"memory_size": 8}, 0),
        ("scaled", {"memory_size": 8}, 0),
        ("cosine", {"memory_size": 8}, 0),
        ("general", {}, 8 * 6),
        ("additive(5)", {}, 5 * (8 + 6 + 1)),
        ("additive", {}, 8 * (8 + 6 + 1)),
        ("dot + general", {"memory_size": 8}, 8 * 8),
        ("scaled", {"project": True}, 8 * 8 + 8 * 6 + 8 * 6 + 8 * 8),
        ("scaled", {"project": True, "out": False}, 8 * 8 + 8 * 6 + 8 * 6),
        ("scaled", {"heads": 4, "bias": True}, 8 * 8 + 8 * 6 + 8 * 6 + 8 * 8 + 4 * 8),
        ("cosine(temperature)", {"memory_size": 8}, 1),
        ("concat(5)", {}, 5 * (8 + 6) + 5),
        ("location(7)", {}, 7 * 8),
        ("key-only", {}, 6 + 1),
        ("self-attentive(5)", {}, 5 * 6 + 5),
        ("location-sensitive(3, 5, 7)", {}, 7 * (8 + 6) + 7 + 7 + 3 * 5 + 7 * 3),
        ("additive-coverage(5)", {}, 5 * (8 + 6) + 5 + 5 + 5),
        ("coverage", {}, 1),
        ("alibi", {}, 0),
        ("relative(3)", {}, 7 * 8),
        ("t5(8, 20)", {}, 8),
        ("t5-causal(8, 20)", {}, 8),
        ("general", {"heads": 4}, 4 * 2 * 2 + 8 * (8 + 6 + 6 + 8)),
        ("additive(5)", {"heads": 4}, 4 * 5 * (2 + 2 + 1) + 8 * (8 + 6 + 6 + 8)),
        ("t5(8, 20)", {"heads": 4}, 4 * 8 + 8 * (8 + 6 + 6 + 8)),
        ("relative(3)", {"heads": 4}, 7 * 2 + 8 * (8 + 6 + 6 + 8)),
        ("scaled", {"heads": 4, "groups": 2}, 8 * 8 + 4 * 6 + 4 * 6 + 8 * 8),
    ],
)
def test_parameters_are_the_papers(score, keys, count):
    """d_q = 8, d_k = 6, but where one width is asked for."""
    made = make_attention(**{"score": score, "query_size": 8, "memory_size": 6, **keys})
    assert sum(p.numel() for p in made.parameters()) == count
