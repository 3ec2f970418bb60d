"""Laws 3 and 4 for a look alone: all scores, scopes, weightings and heads, at sources one of which has nothing to look at."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from regard.attention import Attention, Memory
from regard.core.state import select, tree_map

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close


def in_sight(attention: Attention, memory: Memory, query: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """ "B H Q K": which places the scope and the padding leave."""
    mask = attention.scope(query, at, memory.at, memory.length[:, None].expand_as(at)).mask & memory.valid[:, None, None]
    return mask.expand(-1, attention.heads, -1, -1)


def test_weights(look):
    """Never negative, at most 1, zero out of sight; they sum to 1 where anything is in sight; the context is what they gather."""
    memory = look.remember()
    reading = look.read(memory)
    weights, sight = reading.weights, in_sight(look.attention, memory, look.query, look.at)
    assert (weights >= 0).all() and (weights <= 1 + 1e-12).all() and (weights[~sight] == 0).all()
    faded = look.attention.scope(look.query, look.at, memory.at, memory.length[:, None].expand_as(look.at)).fade is not None
    if look.attention.weighting.normal and not faded:
        same(weights.sum(-1), sight.any(-1).to(weights))
    gathered = (weights @ memory.values).transpose(1, 2).flatten(2)
    same(reading.context, look.attention.out(gathered))
    assert not (weights[2] != 0).any() and sight[:2].any(-1).sum() > 4
    if isinstance(look.attention.out, torch.nn.Identity):
        assert (reading.context[2] == 0).all()


def test_asking_for_weights_changes_nothing(look):
    memory = look.remember()
    count = 1 if look.attention.sequential else look.query.shape[1]
    plain = look.attention(look.query[:, :count], memory, look.at[:, :count])
    assert plain.weights is None
    same(plain.context, look.read(memory).context[:, :count], rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Anomaly Detection")  # it says that it is slow, which is why it is switched on here alone
def test_gradients(look):
    """Finite, in the backward pass too, and not all zero at what the score reads: they reach it by values or by choice."""
    # Small queries and states: a sparsemax that takes one place alone has, rightly, no gradient.
    source, query = ((0.1 * x).requires_grad_() for x in (look.source, look.query))
    look.attention.train()
    with torch.autograd.detect_anomaly(check_nan=True):
        for _ in range(3):  # what is drawn may be where a scope's own light does not fall
            reading = look.read(look.remember(source), query)
            gain = (reading.context * torch.randn_like(reading.context)).sum()
            if reading.choice is not None:
                assert reading.choice.log_prob.shape == reading.choice.entropy.shape == look.at.shape
                gain = gain + (reading.choice.log_prob + reading.choice.entropy).sum()
            gain.backward()
    reads = look.attention.score.reads
    unread = [side for side, read in (("query", "query"), ("key", "keys")) if read not in reads]
    for name, x in {"source": source, "query": query, **dict(look.attention.named_parameters())}.items():
        if name.partition(".")[0] in unread and (x.grad is None or not x.grad.any()):
            continue  # a score of other things: its projections serve nothing
        assert x.grad is not None and x.grad.isfinite().all(), name
        # Of the past alone: from an equal beginning all places stay equal, and nothing pulls at them.
        assert (x.grad != 0).any() or (not reads and name.startswith("score")), name
    assert (source.grad[~look.valid] == 0).all() and (query.grad is None or (query.grad[2] == 0).all())


def test_padding_and_batch_are_invisible(look):
    """Noise in invalid places, more of them, another order of rows, a row alone: the same context and weights."""
    whole = look.read(look.remember())
    noise = torch.where(look.valid[..., None], look.source, 100 * torch.randn_like(look.source))
    longer = torch.cat([noise, 100 * torch.randn_like(noise[:, :2])], 1)
    reading = look.read(look.remember(longer, F.pad(look.valid, (0, 2))))
    same(reading.context, whole.context)
    same(reading.weights, F.pad(whole.weights, (0, 2)))
    for rows in ([2, 0, 1], [1], [0, 0, 1, 2, 1]):
        alone = look.read(look.remember(noise[rows], look.valid[rows]), look.query[rows], look.at[rows])
        same(alone.context, whole.context[rows])
        same(alone.weights, whole.weights[rows])


def test_each_query_looks_for_itself(look):
    """Looks of many queries are the looks of each; `at` left out means the memory's own places where there are as many queries."""
    memory, whole = look.remember(), look.read(look.remember())
    state, parts = memory, []
    for q, at in zip(look.query.split(1, 1), look.at.split(1, 1), strict=True):
        parts.append(look.read(state, q, at))
        state = parts[-1].memory
    same(torch.cat([p.context for p in parts], 1), whole.context)
    same(torch.cat([p.weights for p in parts], 2), whole.weights)
    if not look.attention.sequential:
        query = torch.randn(3, 5, 6)
        places = 3 + 2 * torch.arange(5).expand(3, 5)  # some were dropped
        memory = look.attention.remember(look.source, look.valid, places)
        same(look.attention(query, memory).context, look.read(memory, query, places).context)
        fewer = query[:, :2]  # not one for one: 0, 1...
        same(look.attention(fewer, memory).context, look.read(memory, fewer, torch.arange(2).expand(3, 2)).context)


def test_a_memory_grows_place_by_place_and_never_changes(look):
    """remember(a ++ b) is remember(a) extended by remember(b); extending, looking and forgetting leave the old one as it was."""
    at = torch.arange(5).expand(3, 5)
    whole = look.attention.remember(look.source, look.valid, at)
    first, more = (look.attention.remember(look.source[:, s], look.valid[:, s], at[:, s]) for s in (slice(2), slice(2, None)))
    before = tree_map(torch.clone, first)
    heir, other = first.extend(more), first.extend(first)
    kept = tree_map(torch.clone, heir)
    tree_map(same, heir, whole)
    same(look.read(heir).context, look.read(look.remember()).context)
    look.read(other)
    left = heir.extend(more).latest(3)
    tree_map(same, left, more)
    assert heir.latest(9) is heir and heir.latest(0).valid.shape == (3, 0)
    rows = torch.tensor([1, 1, 0])
    same(look.read(select(heir, rows), look.query[rows]).context, look.read(heir).context[rows])
    for old, clone in ((first, before), (heir, kept)):
        tree_map(lambda a, b: same(a, b, rtol=0, atol=0), old, clone)


def test_dropout_is_applied_and_never_shown(look):
    """The weights that are shown are those before dropout; asking for them changes no draw; in use nothing is dropped."""
    memory, query, at = look.remember(), look.query[:, 3:], look.at[:, 3:]
    look.attention.train()

    def read(dropout: float, weights: bool):
        torch.manual_seed(1)
        look.attention.dropout = dropout
        return look.attention(query, memory, at, weights=weights)

    without, dropped = read(0.0, True), read(0.9, True)
    same(dropped.weights, without.weights, rtol=0, atol=0)
    same(read(0.9, False).context, dropped.context, rtol=0, atol=1e-12)
    assert not torch.allclose(dropped.context, without.context)
    look.attention.eval()
    same(read(0.9, True).context, read(0.0, True).context, rtol=0, atol=0)
