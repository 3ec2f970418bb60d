"""Law 7: local scopes.  With W s = 0 the predicted place is the middle; D = 1 fades a neighbour's weight to e^-2 of itself."""

from __future__ import annotations

from math import atanh, exp, log

import pytest
import torch

from regard.attention import Attention, Causal, Dot, Everywhere, LocalM, LocalP, Window
from regard.build.networks import make_scope
from regard.core.errors import ConfigError
from regard.networks.transformer import DecoderLayer, FeedForward, PreNorm


def look(scope, query=(0.0,), *, places=4, padding=0, at=(0,)) -> list[list[float]]:
    """The weights of equal scores, for queries of width 1."""
    attention = Attention(1, 1, score=Dot(), scope=scope)
    valid = torch.arange(places + padding)[None] < places
    memory = attention.remember(torch.zeros(1, places + padding, 1), valid)
    asked = torch.tensor(query)[None, :, None].expand(1, len(at), 1)
    return attention(asked, memory, torch.tensor([at]), weights=True).weights[0, 0].tolist()


def local_p(D: float, v: float = 1.0) -> LocalP:
    scope = LocalP(1, D)
    with torch.no_grad():
        scope.w.fill_(1.0)
        scope.v.fill_(v)
    return scope


def test_local_m_is_a_window_around_the_same_place():
    assert look(LocalM(1), at=(0, 2)) == [[0.5, 0.5, 0, 0], pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])]
    assert look(LocalM(2), at=(9,)) == [[0.0] * 4]  # the target is longer than the source: nothing there


def test_the_middle_of_four():
    """S = 4, sigmoid(0) = 1/2: p = 2.  Places 1, 2, 3 share; the outer two, one away with sigma 1/2, keep exp(-1 / (2/4)) = e^-2."""
    assert look(local_p(1)) == [pytest.approx([0, exp(-2) / 3, 1 / 3, exp(-2) / 3])]


def test_where_the_query_says():
    """tanh(W s) = 1/2 and v = 2 ln 3: sigmoid(ln 3) = 3/4, of 4 places: p = 3.  D = 2.5, sigma 1.25: place 2 keeps e^-0.32
    (1 / 2 / 1.5625), place 1 e^-1.28."""
    got = look(local_p(2.5, v=2 * log(3)), query=(atanh(0.5),))
    assert got == [pytest.approx([0, exp(-1.28) / 3, exp(-0.32) / 3, 1 / 3])]


def test_the_length_is_that_of_real_places():
    assert look(local_p(1), padding=3)[0][:4] == pytest.approx(look(local_p(1))[0])


def test_a_fraction_of_a_place():
    """S = 3: p = 1.5.  D = 1/2 just holds places 1 and 2, on its rim (e^-2 again); D = 0.4 holds none and reads zeros."""
    assert look(local_p(0.5), places=3) == [pytest.approx([0, exp(-2) / 2, exp(-2) / 2])]
    assert look(local_p(0.4), places=3) == [[0.0] * 3]


def test_with_causal_the_end_is_the_query():
    """Query 3 of 6: S = 4, p = 2, where without causal it would be 3; query 0: S = 1, p = 1/2, place 0 half a place away (e^-1/2).
    Whatever keeps from looking ahead does as well, on whichever side of & it stands."""
    want = [pytest.approx([exp(-1 / 2), 0, 0, 0, 0, 0]), pytest.approx([0, exp(-2) / 3, 1 / 3, exp(-2) / 3, 0, 0])]
    behind = (
        Causal() & local_p(1), local_p(1) & Causal(), Window(5, 0) & local_p(1), local_p(1) & Everywhere() & Causal(),
        Causal() & (Everywhere() & local_p(1)), (Causal() & local_p(1)) | (local_p(1) & Causal()),
    )  # fmt: skip
    for scope in behind:
        assert look(scope, places=6, at=(0, 3)) == want, scope
    assert look(local_p(1), places=6)[0][3] == pytest.approx(1 / 3)
    assert look(local_p(1) & Window(5, 1), places=6, at=(3,))[0][3] == pytest.approx(1 / 3)  # looks one ahead: S = 6


class Knows(Everywhere):
    """A scope that must know the end and does not fade."""

    whole = True


@pytest.mark.parametrize(
    ("scope", "whole"),
    [
        ("local-p(2)", True),
        ("causal & local-p(2)", False),
        ("local-p(2) & window(1, 0)", False),
        ("local-p(2) & window(0, 1)", True),
        ("local-p(2) | causal", True),
        ("causal & (local-p(2) | window(1))", False),
        ("(causal & local-p(2)) | window(1)", False),
        ("(causal & local-p(2)) | local-p(2)", True),
        (Causal() & Knows(), False),
        (~Knows(), True),
        (~(Knows() | Window(1)), True),
        (~(Knows() & Causal()), False),
        (Causal() & ~Knows(), False),
    ],
)
def test_what_must_know_the_end(scope, whole):
    assert (make_scope(scope, query_size=3) if isinstance(scope, str) else scope).whole is whole


@pytest.mark.parametrize("text", ["~local-p(2)", "~(causal & local-p(2))", "causal & ~(window(1) | local-p(2))"])
def test_a_fade_has_no_opposite(text):
    with pytest.raises(ConfigError, match="a scope that does not fade; received one that does"):
        make_scope(text, query_size=3)


def test_ones_own_past_only_with_causal():
    def layer(scope):
        attention = Attention(4, 4)
        return DecoderLayer(Attention(4, 4, scope=scope), attention, FeedForward(4, 3, torch.nn.ReLU()), (PreNorm(4),) * 3)

    for scope in (LocalP(4, 2), LocalP(4, 2) & Window(1)):
        with pytest.raises(ConfigError, match="one that must know the end"):
            layer(scope)
    layer(Causal() & LocalP(4, 2))


@pytest.mark.parametrize(
    "text", ["local-p(0)", "local-p(-1)", "local-p", "local-m(0)", "local-m(1.5)", "dilated(0)", "prefix(0)", "global(0)"]
)
def test_words_that_make_no_sense(text):
    with pytest.raises(ConfigError, match=text.split("(")[0]):
        make_scope(text, query_size=3)


def test_constructors_refuse_as_words_do():
    for made in (lambda: LocalM(0), lambda: LocalP(3, 0), lambda: LocalP(3, float("nan"))):
        with pytest.raises(ConfigError, match=r"local-[mp]: expected a D"):
            made()


def test_parameters_are_those_of_the_equation():
    """W is d x d, v is d."""
    assert sum(x.numel() for x in LocalP(5, 2).parameters()) == 30


def test_gradients_go_through_the_fade():
    """By differences, within the window; far outside they are zero, and finite."""
    scope = LocalP(3, 2.5).double()
    at, length = torch.arange(2)[None], torch.full((1, 2), 7)
    query = torch.randn(1, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def light(query, w, v):
        scope.w, scope.v = w, v
        mask, fade = scope(query, at, torch.arange(7)[None], length)
        return fade * mask

    w, v = scope.w.detach().requires_grad_(), scope.v.detach().requires_grad_()
    del scope.w, scope.v
    assert torch.autograd.gradcheck(light, (query, w, v))
    assert all(g.abs().max() > 1e-3 for g in torch.autograd.grad(light(query, w, v).sum(), (query, w, v)))
    far = scope(1e4 * query, at, 10**6 + torch.arange(7)[None], length)
    assert not far.mask.any() and (far.fade > 0).all()
    assert all(g.isfinite().all() for g in torch.autograd.grad(far.fade.sum(), (query, w, v)))
