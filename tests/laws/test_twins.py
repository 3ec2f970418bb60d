"""Laws of twins: whatever road a look or a net takes, it says the same and leaves the same memory (see `twins`, which tries many more)."""

from __future__ import annotations

import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from regard.attention import Attention
from regard.attention.tiling import TileOutput as Told
from regard.build import networks
from regard.config import mechanisms
from regard.core.optional import module, without_loops
from regard.inference.prepare import in_use
from tests.laws import twin_looks, twin_nets

from .products import written

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = 4


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("part", range(PARTS))
def test_looks_in_which_each_kind_meets_each(part, request):
    """Scores, scopes, weightings and heads: context, weights and memory, on the roads that a net in use takes."""
    from .conftest import chosen, looks  # the kinds of this session

    failed = []
    for score, scope, weighting, heads in looks(chosen(request.config))[part::PARTS]:
        look = twin_looks.look_of(
            random.Random(score + scope), score, scope, weighting, 1 + (heads == "two heads"), heads != "bare"
        )
        failed += [f"{look.name}: {told}" for told in twin_looks.differences_of_look(look, twin_looks.FEW)]
    assert not failed, failed[:5]


@pytest.mark.parametrize("part", range(2))
def test_random_looks(part):
    """All roads, all sizes."""
    failed = [(name, found[0]) for name, found in twin_looks.looks(15, f"part {part}") if found]
    assert not failed, failed[:5]


@pytest.mark.parametrize("part", range(2))
def test_random_nets(part):
    """Briefly trained."""
    failed = [(name, found[0]) for name, found in twin_nets.nets(4, f"part {part}", roads=twin_looks.FEW) if found]
    assert not failed, failed[:5]


@pytest.mark.parametrize("sensing", ["location-sensitive", "additive-coverage", "scaled + coverage"])
@pytest.mark.parametrize("order", ["bahdanau", "luong"])
def test_what_remembers_its_looks_in_use(sensing, order):
    """A net in use that senses what it looked at before; its answers, and attention as it is shown."""
    model = {"embedding": 5, "size": 8, "encoder": "bigru", "decoder": "gru", "order": order, "attention": sensing}
    assert not twin_nets.differences_of_net(twin_nets.net_of(random.Random(sensing), model, updates=12), twin_looks.FEW)


@pytest.mark.parametrize("order", ["bahdanau", "luong"])
@pytest.mark.parametrize("heads", [1, 2])
def test_a_wide_net_that_mixes_places(order, heads):
    """Its large matrices are laid out for use, and cut where the plain ones are."""
    look = {"score": "general", "weighting": "marginal", "heads": heads}
    model = {"embedding": 8, "size": 200, "encoder": "bigru", "decoder": "lstm", "order": order, "attention": look}
    assert not twin_nets.differences_of_net(twin_nets.net_of(random.Random(order), model, updates=1), twin_looks.FEW)


def test_the_law_sees_a_fast_road_that_returns_less(monkeypatch):
    """Planted: in use, without weights, a look hands over its context alone; then one that is a little off."""
    plain = Attention._look
    look = twin_looks.look_of(random.Random(6), "additive-coverage", "everywhere", "softmax", 1, False)

    def bare(self, asked, memory, weights):
        told = plain(self, asked, memory, True)
        return told if weights or torch.is_grad_enabled() else Told(told.context)

    assert not twin_looks.differences_of_look(look)
    monkeypatch.setattr(Attention, "_look", bare)
    assert {d.what.split(".")[1] for d in twin_looks.differences_of_look(look)} >= {"context", "memory"}
    monkeypatch.setattr(
        Attention, "_look", lambda *given: (t := plain(*given))._replace(context=t.context * (1 + 1e-4 * (not given[3])))
    )
    assert {d.what for d in twin_looks.differences_of_look(look)} == {"look.context"}


@pytest.mark.parametrize("kind", written(mechanisms.WEIGHTINGS))
def test_a_memory_without_places_tells_all_that_any_look_does(kind):
    """As one place that nobody sees: mixture, draws and weights are there."""
    for training in (False, True):
        attention = networks.make_attention(score="general", weighting=kind, query_size=4, memory_size=3).train(training)
        query, source = torch.randn(2, 1, 4), torch.randn(2, 1, 3)
        none, unseen = attention.remember(source[:, :0]), attention.remember(source, torch.zeros(2, 1, dtype=torch.bool))
        got, want = (attention(query, memory, torch.zeros(2, 1, dtype=torch.long), weights=True) for memory in (none, unseen))
        torch.testing.assert_close(got.context, want.context)
        assert got.weights.shape == (2, 1, 1, 0) and (got.choice is None) == (want.choice is None)
        assert got.choice is None or got.choice.log_prob.tolist() == want.choice.log_prob.tolist() == [[0], [0]]
        assert (got.mixture is None) == (want.mixture is None)
        assert got.mixture is None or got.mixture.share.tolist() == [[[1.0]], [[1.0]]]


def test_gradients_reach_through_a_net_in_use():
    """Its loops make none: where they are asked for, it goes the plain way."""
    for family in ("transformer", "recurrent"):
        model = {"family": family, "size": 16, "heads": 2, "feedforward": 8, "embedding": 5, "encoder": "bigru", "decoder": "gru"}
        net = twin_nets.net_of(random.Random(1), model, updates=0)
        network = in_use(net.network, 4)
        log_p, _ = network(
            net.words[:, :1], network.start(network.encode(net.batch.source, net.batch.source_valid), net.batch.source)
        )
        assert torch.autograd.grad(log_p.sum(), net.network.target.parameters())[0].any()


def test_as_if_nothing_were_compiled():
    """`without_loops` is what a process does that has no compiled loops, bit for bit."""
    block = (
        "import ctypes, sys, torch; ctypes.CDLL = lambda path: open('none-such'); "
        "from tests.laws.test_twins import told; print(told())"
    )
    alone = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    with without_loops():
        assert told() == alone.stdout.strip()
    assert module("attention.kernels.single_loops") is None or told() != alone.stdout.strip()


def told() -> str:
    """The bits of what some nets say, on the road of use."""
    torch.set_num_threads(1)
    road, every = twin_looks.Road(True, False, "no_grad", False), []
    for score in ("additive", "general"):
        net = twin_nets.net_of(
            random.Random(3), {"embedding": 5, "size": 33, "encoder": "bigru", "decoder": "gru", "attention": score}, 1
        )
        with road.taken():
            every.append(twin_nets.say(net, in_use(net.network, 4), weights=road.weights, at_once=False).log_p)
    return sha256(torch.cat(every).numpy().tobytes()).hexdigest()
