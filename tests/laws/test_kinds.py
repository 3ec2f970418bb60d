"""Law 4 for the kinds themselves: sums of scores, scopes combined, what a Transformer refuses; and that no kind is left out."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch

from regard import attention as catalogue
from regard.attention import Attention, Scope, Score, Weighting
from regard.attention.scope import And, Not, Or
from regard.attention.score import Sum
from regard.attention.weighting import Weights
from regard.build import networks
from regard.config import mechanisms
from regard.core.errors import ConfigError, DataError
from regard.networks.transformer import DecoderLayer, EncoderLayer, FeedForward, PreNorm

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
AT, PLACES = torch.arange(6).expand(2, 6), torch.tensor([[0, 1, 2, 3, 4], [2, 3, 5, 8, 13]])


def score_of(text: str, heads: int) -> Score:
    return networks.make_attention(score=text, query_size=4 * heads, memory_size=4 * heads, heads=heads).score


def see(text: str, *, ahead: float = 1) -> torch.Tensor:
    """The mask of a scope, always of the same weights, for queries at 0..5 and places of which some are missing; where nothing ahead
    is seen, the end is the query's own place."""
    scope = networks.make_scope(text, query_size=3)
    for x in scope.parameters():
        x.data = torch.linspace(-2, 3, x.numel()).view_as(x)
    query = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    length = torch.tensor([[5], [14]]).expand(2, 6)
    return scope(query, AT, PLACES, length if ahead > 0 else torch.minimum(length, AT + 1)).mask.expand(2, 1, 6, 5)


@pytest.mark.parametrize("heads", [1, 2])
def test_a_sum_of_scores_is_the_sum(score, other_score, heads):
    """score(a + b) = score(a) + score(b), each term with its own keys and parameters; also of sums, and on either side of one."""
    terms = [score_of(word, heads) for word in (score, other_score, "additive(3)")]
    count = 1 if any(t.sequential for t in terms) else 6
    query, source = torch.randn(2, heads, count, 4), torch.randn(2, heads, 5, 4)
    looked = Attention(4 * heads, 4 * heads, heads=heads, weighting=StepByStep()).remember(torch.randn(2, 5, 4 * heads))

    def scored(score: Score) -> torch.Tensor:
        made = score(query, replace(looked, keys=score.prepare(source, looked.at)), AT[:, :count])
        assert made.shape == (2, heads, count, 5)
        return made

    each = [scored(t) for t in terms]
    same(scored(terms[0] + terms[1]), each[0] + each[1])
    same(scored(terms[1] + terms[0]), each[0] + each[1])
    same(scored(terms[0] + terms[1] + terms[2]), sum(each))
    same(scored((terms[0] + terms[1]) + (terms[2] + terms[0])), sum(each) + each[0])
    same(scored(Sum(*terms)), sum(each))


def test_scopes_combine_as_sets(scope, other_scope):
    """& is what both see, | what either sees, ~ what it does not; a reach is never shorter than the sight."""
    a, b = scope, other_scope
    crisp = not any(networks.make_scope(text, query_size=3).fades for text in (a, b))  # a fade has no opposite
    ahead = min(networks.make_scope(text, query_size=3).reach[1] for text in (a, b))
    assert (see(f"{a} & {b}") == (see(a, ahead=ahead) & see(b, ahead=ahead))).all()
    assert (see(f"{a} | {b}") == (see(a) | see(b))).all()
    if crisp:
        assert (see(f"~({a} | {b})") == (~see(a) & ~see(b))).all() and (see(f"~{a} & {b}") == (~see(a) & see(b))).all()
    far = (PLACES[:, None] - AT[:, :, None])[:, None]
    for text in (a, f"{a} & {b}", f"{a} | {b}", *((f"~{a}", f"~{a} & {b}", f"~{a} | {b}") if crisp else ())):
        back, ahead = networks.make_scope(text, query_size=3).reach
        assert not (see(text) & ((far < -back) | (far > ahead))).any(), text


def test_scopes_go_by_true_positions(scope):
    """A place that stands at the same position is seen alike, whatever stands around it in the tensor."""
    order = torch.tensor([3, 0, 4, 1, 2])
    made = networks.make_scope(scope, query_size=3)
    query, length = torch.randn(2, 6, 3), torch.tensor([[5], [14]]).expand(2, 6)
    whole = made(query, AT, PLACES, length).mask.expand(2, 1, 6, 5)
    assert (made(query, AT, PLACES[:, order], length).mask.expand(2, 1, 6, 5) == whole[..., order]).all()
    assert (made(query[:, 2:4], AT[:, 2:4], PLACES, length[:, 2:4]).mask.expand(2, 1, 2, 5) == whole[:, :, 2:4]).all()


class StepByStep(Weighting):
    """A weighting that reads the past: what no Transformer can take."""

    sequential = True

    def forward(self, scores, mask, memory, at):
        return Weights(torch.softmax(scores - memory.past.total, -1) * mask)


class AllAtOnce(Scope):
    """A scope that must know where the memory ends."""

    whole = True

    def forward(self, query, at, k_at, length):
        return catalogue.Causal()(query, at, k_at, length)


def test_a_transformer_refuses_what_it_cannot_look_with():
    net, residual = FeedForward(4, 3, torch.nn.ReLU()), PreNorm(4)
    fine, past = Attention(4, 4, scope=catalogue.Causal()), Attention(4, 4, weighting=StepByStep())
    with pytest.raises(ConfigError, match=r"StepByStep.*family: recurrent"):
        EncoderLayer(past, net, (residual, residual))
    for own, source in ((past, fine), (fine, past)):
        with pytest.raises(ConfigError, match="StepByStep"):
            DecoderLayer(own, source, net, (residual,) * 3)
    for scope in (catalogue.Everywhere(), catalogue.Window(1), AllAtOnce(), AllAtOnce() & catalogue.Window(1)):
        with pytest.raises(ConfigError, match="never looks ahead"):
            DecoderLayer(Attention(4, 4, scope=scope), fine, net, (residual,) * 3)


def test_a_sequential_look_goes_one_by_one_and_carries_its_past():
    look, query = Attention(4, 4, weighting=StepByStep()), torch.randn(2, 3, 4)
    memory = look.remember(torch.randn(2, 5, 4))
    with pytest.raises(ConfigError, match="one query at a time"):
        look(query, memory, AT[:, :3])
    first = look(query[:, :1], memory, AT[:, :1], weights=True)
    second = look(query[:, 1:2], first.memory, AT[:, 1:2], weights=True)
    assert memory.past is not None and not memory.past.total.any()
    same(second.memory.past.last, second.weights[:, :, 0])
    same(second.memory.past.total, (first.weights + second.weights)[:, :, 0])


@pytest.mark.parametrize(
    ("kind", "table"), [(Score, mechanisms.SCORES), (Scope, mechanisms.SCOPES), (Weighting, mechanisms.WEIGHTINGS)]
)
def test_every_kind_has_its_word(kind, table):
    """A class without a word would be under no law."""
    made = {x for x in vars(catalogue).values() if inspect.isclass(x) and issubclass(x, kind)}
    named = {getattr(catalogue, known.names) for known in table.values()}
    assert made - {kind, And, Or, Not, Sum} == named


@pytest.mark.parametrize(
    ("table", "traits"),
    [(mechanisms.SCORES, ("same_width", "sequential")), (mechanisms.WEIGHTINGS, ("sequential", "draws", "mixes"))],
)
def test_a_table_says_of_a_word_what_its_class_says(table, traits):
    """The config judges by the table, which loads no class."""
    for word, known in table.items():
        made_by = getattr(catalogue, known.names)
        assert {t: getattr(known, t) for t in traits} == {t: getattr(made_by, t) for t in traits}, word
    assert all(any(getattr(known, t) for known in table.values()) for t in traits)


@pytest.mark.parametrize("word", mechanisms.WEIGHTINGS)
def test_a_weighting_that_draws_tells_its_draw(word):
    weighting, memory = networks.make_weighting(word).train(), Attention(4, 4).remember(torch.randn(2, 5, 4))
    if not weighting.sequential:
        made = weighting(torch.randn(2, 1, 3, 5), torch.ones(2, 1, 3, 5).bool(), memory, AT[:, :3])
        assert weighting.draws == (made.choice is not None)


@pytest.mark.parametrize("word", mechanisms.SCORES)
def test_a_score_says_how_far_it_reaches(word):
    """`longest` names the number beyond which there is no score, and only where there is such an end."""
    known = mechanisms.SCORES[word]
    given = {a.name: 6 for a in known.arguments if a.required or a.name == known.longest}
    made = networks.make_attention(
        score=str(mechanisms.Word(word, (), tuple(given.items()))), query_size=4, memory_size=4, project=True
    )
    memory = made.remember(torch.randn(1, 7, 4))
    if known.longest:
        with pytest.raises(DataError, match="at most 6 places"):
            made(torch.randn(1, 1, 4), memory)
    else:
        made(torch.randn(1, 1, 4), memory)
