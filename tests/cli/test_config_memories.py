"""The words of memories in a config: what they build, and what is refused with its reason."""

from __future__ import annotations

import pytest
import torch

from regard.attention import Attention, Causal
from regard.config import read_config
from regard.core.errors import ConfigError
from regard.networks.aaren import AarenDecoderLayer, AarenEncoderLayer
from regard.networks.fixed_context import PooledContext
from regard.networks.recurrent import BahdanauDecoder, FixedDecoder, LuongDecoder
from regard.networks.self_attentive_decoder import SelfAttentiveDecoder
from regard.tasks.seq2seq_builder import build_seq2seq


def network(**model):
    torch.manual_seed(0)
    return build_seq2seq(read_config({"model": {"size": 12, "embedding": 7, **model}}), source_words=11, target_words=13).network


def transformer(**model):
    more = {"family": "transformer", "size": 12, "feedforward": 5} | model
    return build_seq2seq(read_config({"model": more}), source_words=11, target_words=13).network


def test_aaren():
    """The Transformer, a query a layer richer; what its decoder keeps of its own past does not grow."""
    net, twin = (transformer(family=f, encoder_layers=2, decoder_layers=3) for f in ("aaren", "transformer"))
    assert all(isinstance(x, AarenEncoderLayer) for x in net.encoder.layers)
    assert all(isinstance(x, AarenDecoderLayer) for x in net.decoder.layers)
    counts = [sum(p.numel() for p in n.parameters()) for n in (net, twin)]
    assert counts[0] - counts[1] == (2 + 3) * 12
    valid = torch.ones(1, 3, dtype=torch.bool)
    start = net.decoder.start(net.encode(torch.ones(1, 3, dtype=torch.long), valid))
    kept = [sum(t.numel() for t in own) for n in (1, 40) for own in net.write(torch.ones(1, n, dtype=torch.long), start)[1].own]
    assert set(kept) == {4 + 4 + 12}


def test_an_aaren_encoder_reads_from_left_to_right():
    net, valid = transformer(family="aaren", dropout=0.0), torch.ones(1, 4, dtype=torch.bool)
    one, other = (net.encode(torch.tensor([[5, 6, 7, last]]), valid).states[0] for last in (8, 9))
    torch.testing.assert_close(one[:3], other[:3], rtol=0, atol=0)
    assert not torch.allclose(one[3], other[3])


def test_past():
    net = network(past={"score": "general", "memory": "key-value-predict"})
    decoder = net.decoder
    assert isinstance(decoder, SelfAttentiveDecoder) and isinstance(decoder.decoder, BahdanauDecoder)
    assert decoder.parts == 3 and decoder.attention.score.w.shape == (1, 4, 4) and decoder.join.weight.shape == (12, 8)
    valid = torch.ones(1, 3, dtype=torch.bool)
    words, start = torch.ones(1, 4, dtype=torch.long), decoder.start(net.encode(torch.ones(1, 3, dtype=torch.long), valid))
    look = net.write(words, start, weights=True)[0].looks["decoder.0.self"][0, 0]
    assert ((look > 0) == torch.ones(4, 4).tril(-1).bool()).all()  # earlier states alone
    assert isinstance(network(past="general", order="luong").decoder.decoder, LuongDecoder)
    assert isinstance(network(past="general", attention="none").decoder.decoder, FixedDecoder)
    assert network().decoder.__class__ is BahdanauDecoder


def test_past_says_additive_where_it_names_no_score():
    config = read_config({"model": {"past": {"memory": "key-value"}}})
    assert config.model.past.score == "additive"
    assert read_config({"model": {"past": "none"}}).model.past is None
    assert "  past: none\n" in read_config({}).to_yaml()


@pytest.mark.parametrize(("encoder", "keys"), [("lstm", 6), ("bigru", 12)])
def test_key_value(encoder, keys):
    """Half of each direction is the key, the other half the value."""
    look = network(encoder=encoder, attention={"score": "general", "memory": "key-value"}).decoder.attention
    assert look.score.w.shape == (1, 12, keys) and look.context_size == keys
    both = 2 if encoder == "bigru" else 1
    states = torch.arange(12.0 * both).expand(1, 1, -1)
    half = torch.cat([torch.arange(12.0 * d, 12 * d + 6) for d in range(both)])
    assert look.key(states)[0, 0].tolist() == half.tolist()
    assert look.value(states)[0, 0].tolist() == (half + 6).tolist()


@pytest.mark.parametrize(("context", "width"), [("pooled", 24), ("structured", 5 * 24)])
def test_contexts(context, width):
    more = {"hops": 5} if context == "structured" else {}
    decoder = network(attention="none", context=context, context_use="input", **more).decoder
    assert isinstance(decoder.context, PooledContext) and decoder.size == 12 + width
    assert decoder.stack.cells[0].input_size == 7 + width


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            {"family": "aaren", "self_attention": {"scope": "window(2)"}},
            "model.self_attention.scope: expected everywhere or causal",
        ),
        ({"family": "aaren", "self_attention": {"weighting": "sparsemax"}}, "model.self_attention.weighting: expected softmax"),
        ({"family": "aaren", "self_attention": {"dropout": 0.1}}, "model.self_attention.dropout: expected 0 with family aaren"),
        ({"family": "aaren", "past": "general"}, "model.past: expected only with family recurrent; received general"),
        ({"family": "aaren", "attention": "none"}, "model.attention: expected a score"),
        ({"family": "aaren", "hops": 3}, "model.hops: expected only with family recurrent"),
        ({"norm": "post"}, "model.norm: expected only with family transformer or aaren"),
        ({"hops": 3}, "model.hops: expected context: structured"),
        ({"hops": 3, "attention": "none", "context": "pooled"}, "model.hops: expected context: structured"),
        ({"context": "pooled"}, "model.context: expected attention: none"),
        ({"attention": {"memory": "key-value-predict"}}, "model.attention.memory: expected plain or key-value"),
        ({"size": 7, "attention": {"memory": "key-value"}}, "model.attention.memory: expected a model.size that parts into 2"),
        ({"size": 8, "past": {"memory": "key-value-predict"}}, "model.past.memory: expected a model.size that parts into 3"),
        (
            {"size": 12, "past": {"memory": "key-value", "heads": 4}},
            r"model.past.heads: expected a divisor of a part of model.size \(12 / 2\); received 4",
        ),
        (
            {"encoder": "lstm", "attention": {"score": "dot", "memory": "key-value", "project": False}},
            "received lstm, whose keys are 128 wide.*an encoder in both directions",
        ),
        ({"past": "dott"}, "Did you mean 'dot'"),
    ],
)
def test_what_is_refused(model, told):
    with pytest.raises(ConfigError, match=told):
        read_config({"model": model})


@pytest.mark.parametrize("score", ["scaled + alibi", "location(2000)"])
def test_an_aaren_has_no_place(score):
    with pytest.raises(ConfigError, match="a score of queries and keys alone"):
        transformer(family="aaren", self_attention=score)


def test_a_query_is_made_where_it_is_asked():
    net = transformer(family="aaren", self_attention={"score": "key-only", "heads": 1})
    own = net.decoder.layers[0].own
    assert own.query is None and isinstance(own.attention, Attention) and isinstance(own.attention.scope, Causal)
