"""Laws 3 and 4 for whole networks, from words to states, loss and gradients; law 8: order counts only where positions say so."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from regard.attention import Attention
from regard.attention.aaren import Aaren
from regard.data.batching import Batch
from regard.networks.self_attentive_decoder import SelfAttentiveDecoder

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
WRITTEN = (4, 2, 3)  # real words of each target


def batch(net, source=None, valid=None, words=None) -> Batch:
    source, valid = net.source if source is None else source, net.valid if valid is None else valid
    words = net.words if words is None else words
    return Batch((), source, valid, words, torch.arange(words.shape[1]) < torch.tensor(WRITTEN)[:, None])


def test_padding_and_batch_are_invisible(any_net, task_of):
    """Other words at padding, more of it, another order of rows, a row alone: the same states, looks and loss."""
    task = task_of(any_net)
    with torch.no_grad():
        whole, _ = any_net.write(weights=True)
        loss = task.loss(batch(any_net))
        noise = torch.where(any_net.valid, any_net.source, torch.randint_like(any_net.source, 1, 7))
        longer = torch.cat([noise, torch.randint(1, 7, (3, 2))], 1)
        written, _ = any_net.write(state=any_net.start(longer, F.pad(any_net.valid, (0, 2))), weights=True)
        same(written.states, whole.states)
        for name, look in whole.looks.items():
            same(written.looks[name], F.pad(look, (0, 2)) if "cross" in name else look)
        for rows in ([2, 0, 1], [1], [0, 0, 1, 2, 1]):
            state = any_net.start(noise[rows], any_net.valid[rows])
            written, _ = any_net.write(any_net.words[rows], state, weights=True)
            same(written.states, whole.states[rows])
            for name, look in whole.looks.items():
                same(written.looks[name], look[rows])
        unwritten = torch.where(batch(any_net).target_valid, any_net.words, torch.randint_like(any_net.words, 1, 7))
        again = task.loss(batch(any_net, longer, F.pad(any_net.valid, (0, 2)), F.pad(unwritten, (0, 1), value=5)))
        same(again.total, loss.total)
        same(again.nats, loss.nats)
        assert again.tokens == loss.tokens == sum(WRITTEN)


def test_gradients(any_net, task_of):
    """Finite in every parameter, an empty source among the batch, and nearly all are reached (a saturated look passes some by)."""
    task_of(any_net).train().loss(batch(any_net)).total.backward()
    unread = {id(x) for look in attentions(any_net.network).values() for x in unread_by(look) if x.grad is None}
    for layer in getattr(
        any_net.network.decoder, "layers", ()
    ):  # what is normed for a look that asks nothing serves nothing else
        unread |= {
            id(x) for x in layer.residuals[1].norm.parameters() if "query" not in layer.source.score.reads and x.grad is None
        }
    told = {name: x for name, x in any_net.network.named_parameters() if id(x) not in unread}
    for name, x in told.items():
        assert x.grad is not None and x.grad.isfinite().all(), name
    reached = [name for name, x in told.items() if (x.grad != 0).any()]
    assert len(reached) > 0.8 * len(told), reached


def unread_by(look: Attention) -> list[torch.Tensor]:
    """The projections of what its score does not read, such as queries where the keys alone count."""
    sides = ((look.query, "query"), (look.key, "keys"))
    return [x for linear, side in sides if side not in look.score.reads for x in linear.parameters()]


def test_weights_of_all_looks(any_net):
    """By name, "B H Q K": not negative, at most 1 in all, nothing at padding; asking changes no state.  The looks of word t are
    those of position t: just what their scope sees from there, and of the own past nothing ahead."""
    network = any_net.network
    with torch.no_grad():
        encoded = network.encode(any_net.source, any_net.valid, weights=True)
        written, _ = any_net.write(weights=True)
        same(network.encode(any_net.source, any_net.valid).states, encoded.states)
        same(any_net.write()[0].states, written.states)
    looks = {**encoded.looks, **written.looks}
    assert len(looks) == len(attentions(network))
    for name, attention in attentions(network).items():
        w = looks[name]
        assert (w >= 0).all() and ((w.sum(-1) if attention.weighting.normal else w) <= 1 + 1e-9).all(), name
        valid = (
            torch.ones(w.shape[0], w.shape[3], dtype=torch.bool)
            if name.startswith("decoder") and "self" in name
            else any_net.valid
        )
        at, places = (torch.arange(n).expand(len(w), n) for n in w.shape[2:])
        sight = (
            attention.scope(torch.zeros(len(w), w.shape[2], 6), at, places, valid.sum(1, keepdim=True).expand_as(at)).mask
            & valid[:, None, None]
        )
        if any(True for _ in attention.scope.parameters()):
            continue  # a scope that asks the queries where to look
        assert (w[~sight.expand_as(w)] == 0).all(), name
        if attention.weighting.softmax:
            assert (w[sight.expand_as(w)] > 0).all(), name


def attentions(network) -> dict[str, Attention]:
    """The attentions of a network by the names of their looks."""
    decoder, found = network.decoder, {}
    if isinstance(decoder, SelfAttentiveDecoder):
        decoder, found = decoder.decoder, {"decoder.0.self": decoder.attention}
    if not hasattr(decoder, "layers"):
        return found | ({"decoder.0.cross": decoder.attention} if hasattr(decoder, "attention") else {})
    found |= {f"encoder.{i}.self": layer.attention for i, layer in enumerate(network.encoder.layers)}
    for i, layer in enumerate(decoder.layers):
        found |= {f"decoder.{i}.self": layer.own, f"decoder.{i}.cross": layer.source}
    return {name: look.attention if isinstance(look, Aaren) else look for name, look in found.items()}


def test_later_words_change_nothing_before(any_net):
    with torch.no_grad():
        before, _ = any_net.write()
        words = torch.cat([any_net.words[:, :2], any_net.words[:, 2:] % 6 + 1], 1)
        assert (words[:, 2:] != any_net.words[:, 2:]).all()
        after, _ = any_net.write(words)
    same(after.states[:, :2], before.states[:, :2], rtol=0, atol=0)
    assert not torch.allclose(after.states[:, 2:], before.states[:, 2:])
