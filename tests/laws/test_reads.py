"""A score says what it depends on (`reads`, `sequential`), and depends on nothing else: other laws, and other code, go by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from regard.attention import Attention, AttentionHistory, Coverage
from regard.build import networks
from regard.config import AttentionSection, ModelSection
from regard.core.errors import ConfigError

pytestmark = pytest.mark.usefixtures("float64")
AT = torch.arange(5).expand(2, 5)


@pytest.mark.parametrize("heads", [1, 2])
def test_a_score_reads_what_it_says(score, heads):
    """Other queries, keys, places (all distances times 3) or another past change the scores just where they are read."""
    made = networks.make_attention(score=score, query_size=3 * heads, memory_size=3 * heads, heads=heads).score
    query, keys = torch.randn(2, heads, 1, 3), torch.randn(2, heads, 5, 3)
    past = AttentionHistory(*torch.rand(2, 2, heads, 5), torch.ones_like(AT))
    empty = Attention(3 * heads, 3 * heads, heads=heads).remember(torch.zeros(2, 5, 3 * heads))

    def scores(query=query, keys=keys, stretch=1, past=past):
        memory = replace(empty, keys=made.prepare(keys, stretch * AT), at=stretch * AT, past=past)
        told = made(query, memory, stretch * AT[:, 1:2])
        assert told.shape == (2, heads, 1, 5)
        return told

    others = {
        "query": scores(query=torch.randn_like(query)),
        "keys": scores(keys=torch.randn_like(keys)),
        "places": scores(stretch=3),
        "past": scores(past=AttentionHistory(*torch.rand(2, 2, heads, 5), torch.ones_like(AT))),
    }
    changed = {name for name, told in others.items() if not torch.equal(told, scores())}
    assert changed == made.reads | ({"past"} if made.sequential else set())


def test_gradients_by_differences(score):
    """Of every score with two heads, to queries, keys, what was taken, and its own parameters."""
    made = networks.make_attention(score=score, query_size=4, memory_size=4, heads=2).score
    places = torch.tensor([[0, 2, 3]])
    empty = Attention(4, 4, heads=2, score=Coverage(heads=2)).remember(torch.zeros(1, 3, 4), at=places)
    given = [torch.randn(1, 2, 1, 2), torch.randn(1, 2, 3, 2), torch.rand(1, 2, 3), torch.rand(1, 2, 3)]
    for x in given:
        x.requires_grad_()

    def scores(query, keys, last, total, *parameters):  # gradcheck moves the parameters in place
        memory = replace(empty, keys=made.prepare(keys, places), past=empty.past._replace(last=last, total=total))
        return made(query, memory, places[:, 1:2]) + 0 * sum(x.sum() for x in (query, keys, last, total, *parameters))

    assert torch.autograd.gradcheck(scores, [*given, *made.parameters()])


def test_a_sum_reads_what_its_terms_read():
    def reads(text: str) -> set[str]:
        return set(networks.make_attention(score=text, query_size=4, memory_size=4).score.reads)

    assert reads("alibi + key-only") == {"places", "keys"}
    assert reads("coverage + coverage") == set()
    assert reads("scaled + relative") == {"query", "keys", "places"}


@pytest.mark.parametrize("key", ["attention", "self_attention"])
@pytest.mark.parametrize("text", ["location-sensitive", "additive-coverage(3)", "scaled + coverage"])
def test_a_transformer_refuses_by_its_word_what_reads_the_past(key, text):
    word = text.rpartition(" ")[2].partition("(")[0]
    model = ModelSection(family="transformer", size=4, heads=2, feedforward=3, **{key: AttentionSection(score=text)})
    with pytest.raises(
        ConfigError, match=rf"looks? at once; received {word}, which looks step by step\. Use family: recurrent\."
    ):
        networks.transformer(model, 5, 5)
