"""Laws 1 to 5 for heads, which may have a state of their own and read looks and source: what is said of each word, and the loss."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from regard.core.state import select, tree_map
from regard.data.batching import Batch
from regard.networks import loss

from .conftest import Net, make
from .spoken import HEADS

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
REAL = torch.arange(4) < torch.tensor([4, 2, 3])[:, None]


@pytest.fixture(params=HEADS)
def spoken(request: pytest.FixtureRequest, float64: None) -> Net:
    return make("head", request.param)


def said(net: Net, source=None, valid=None, words=None) -> torch.Tensor:
    return net.network(net.words if words is None else words, net.begin(source, valid))[0]


def batch(net: Net) -> Batch:
    return Batch((), net.source, net.valid, net.words, REAL)


@torch.no_grad()
def test_probabilities(spoken):
    """Of all words together 1, also where the source is empty; none is impossible."""
    log_p = said(spoken)
    same(log_p.exp().sum(-1), torch.ones(3, 4))
    assert log_p.isfinite().all()


@torch.no_grad()
def test_steps_and_select(spoken):
    """Any cutting of the words, any rows of a state, and an old state never changes."""
    network, words = spoken.network, spoken.words
    whole = said(spoken)
    for cutting in ([1, 1, 1, 1], [1, 3], [3, 1], [2, 2]):
        state, parts = spoken.begin(), []
        for part in words.split(cutting, 1):
            log_p, state = network(part, state)
            parts.append(log_p)
        same(torch.cat(parts, 1), whole)
    rows = torch.tensor([2, 0, 0, 1])
    same(network(words[rows], select(spoken.begin(), rows))[0], whole[rows])
    _, midway = network(words[:, :2], spoken.begin())
    before = tree_map(torch.clone, midway)
    same(network(words[rows, 2:], select(midway, rows))[0], whole[rows, 2:])
    network(words[:, :1], midway)
    tree_map(lambda a, b: same(a, b, rtol=0, atol=0), midway, before)


@torch.no_grad()
def test_padding_and_batch_are_invisible(spoken):
    """Other words at padding, more of it, other rows beside: the same words, the same looks."""
    network, whole, looks = spoken.network, said(spoken), spoken.network.looked(spoken.words, spoken.begin())
    noise = torch.where(spoken.valid, spoken.source, torch.randint_like(spoken.source, 1, 7))
    longer, valid = torch.cat([noise, torch.randint(1, 7, (3, 2))], 1), F.pad(spoken.valid, (0, 2))
    same(said(spoken, longer, valid), whole)
    for name, look in network.looked(spoken.words, spoken.begin(longer, valid)).items():
        same(look, F.pad(looks[name], (0, 2)) if "cross" in name else looks[name])
    for rows in ([2, 0, 1], [1], [0, 0, 1, 2, 1]):
        same(said(spoken, noise[rows], spoken.valid[rows], spoken.words[rows]), whole[rows])


@torch.no_grad()
def test_what_is_shown(spoken):
    """Never negative, nothing at padding, at most 1 in all for a head that aligns; shown step by step it is the same."""
    network, words = spoken.network, spoken.words
    whole = network.looked(words, spoken.begin())
    state, parts = spoken.begin(), []
    for word in words.split(1, 1):
        parts.append(network.looked(word, state))
        _, state = network(word, state)
    for name in (name for name in whole if "cross" in name):
        look = whole[name]
        same(torch.cat([part[name] for part in parts], 2), look)
        assert (look >= 0).all() and not (look * ~spoken.valid[:, None, None]).any()
        assert not network.head.mixes or (look.sum(-1) <= 1 + 1e-9).all()


def test_the_loss_is_what_is_said(spoken, task_of, monkeypatch):
    """Without smoothing the loss is the sum of the forced log-probabilities; with it, a share of the mean over all words; in
    chunks of a row it is the same, and so are its gradients."""
    with torch.no_grad():
        log_p, _ = spoken.network(batch(spoken).words, spoken.begin())
    cost = -log_p.gather(-1, spoken.words[..., None])[..., 0]
    for smoothing in (0.0, 0.1):
        task = task_of(spoken, label_smoothing=smoothing)
        told = task.loss(batch(spoken))
        same(told.nats, cost[REAL].sum())
        same(told.total, (1 - smoothing) * cost[REAL].sum() - smoothing * log_p.mean(-1)[REAL].sum())
        parameters = list(spoken.network.parameters())
        want = torch.autograd.grad(told.total, parameters, allow_unused=True)
        with monkeypatch.context() as patch:
            patch.setattr(loss, "CELLS", 1)
            again = task.loss(batch(spoken))
            same(again.total, told.total)
            for a, b in zip(torch.autograd.grad(again.total, parameters, allow_unused=True), want, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    same(a, b)


@pytest.mark.parametrize("name", [name for name in HEADS if "hard" not in name and "sparse" not in name])
def test_gradients_are_right(name, task_of):
    """Along a random direction, against the difference of the loss itself."""
    net = make("head", name)
    task, parameters = task_of(net, label_smoothing=0.1), list(net.network.parameters())
    total = task.loss(batch(net)).total
    way = [torch.randn_like(x) for x in parameters]
    grads = torch.autograd.grad(total, parameters, allow_unused=True)
    slope = sum((g * d).sum() for g, d in zip(grads, way, strict=True) if g is not None)

    def moved(step: float) -> torch.Tensor:
        with torch.no_grad():
            for x, d in zip(parameters, way, strict=True):
                x += step * d
            found = task.loss(batch(net)).total
            for x, d in zip(parameters, way, strict=True):
                x -= step * d
        return found

    same(slope, (moved(1e-5) - moved(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-6)
