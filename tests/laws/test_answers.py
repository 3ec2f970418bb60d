"""Law 3 at the door of the task: what a batch of sentences is answered, with scores and looks, whoever else is in the batch."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch

from regard.core.arrays import to_tensors
from regard.core.state import select
from regard.data.batching import Batch, collate
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam, Sample
from regard.inference.array_writer import ArrayWriter
from regard.tasks.writing import answer, as_one

BOS, EOS = 1, 2
SOURCES = [[4, 5, 6, 2], [5, 2], [6, 6, 4, 5, 4, 5, 2], [4, 2], [5, 4, 4, 2], [6, 5, 2], [4, 4, 4, 4, 4, 2]]
LIMITS = Limits(least=1, ratio=0.5, extra=3)
WAYS = [Beam(1), Beam(3, n_best=2, length_penalty=1.0), Sample(n_best=3, seed=4, temperature=1.5, top_k=4, top_p=0.9)]


def sources(numbers) -> Batch:
    return collate([(SOURCES[i], None) for i in numbers], numbers)


def answers(network, numbers, way, **more):
    return answer(ArrayWriter(network), sources(numbers), way=way, limits=LIMITS, **{"attention": True, **more})


def together(*networks):
    return as_one([ArrayWriter(network) for network in networks])


def alike(got, want, tolerance: float = 1e-5) -> None:
    """The same words; scores to 1e-5 x max(1, |score|), attention to 1e-5."""
    assert [h.words for h in got] == [h.words for h in want] and len(got) >= 1
    for a, b in zip(got, want, strict=True):
        assert abs(a.score - b.score) <= tolerance * max(1, abs(b.score))
        assert set(a.attention) == set(b.attention)
        for name in a.attention:
            assert a.attention[name].shape == b.attention[name].shape
            np.testing.assert_allclose(a.attention[name], b.attention[name], atol=tolerance, rtol=0)


@pytest.mark.parametrize("way", WAYS, ids=["greedy", "beam", "draws"])
def test_batch_size_and_order_change_no_answer(some_net, way):
    """In float32, the default of prediction: sizes 1, 3, 7, backwards and shuffled."""
    network, every = some_net.network.float(), list(range(len(SOURCES)))
    whole = answers(network, every, way)
    for batches in ([[i] for i in every], [[0, 1, 2], [3, 4, 5], [6]], [every[::-1]], [[4, 0], [6, 2, 5, 1, 3]]):
        for numbers in batches:
            for number, got in zip(numbers, answers(network, numbers, way), strict=True):
                alike(got, whole[number])
    for got, want in zip(answers(network, every, way, attention=False), whole, strict=True):
        assert [(h.words, h.score, h.attention) for h in got] == [(h.words, h.score, {}) for h in want]


@torch.no_grad()
def by_hand(network, source, words) -> tuple[float, dict[str, torch.Tensor]]:
    """A hypothesis written again, alone and a word at a time: its summed log-probability, and its looks side by side."""
    encoded = network.encode(source, torch.ones_like(source, dtype=torch.bool), weights=True)
    state, total, looks = network.start(encoded, source), 0.0, {}
    for t, (word, following) in enumerate(zip((BOS, *words), words, strict=False)):
        shown = network.looked(torch.tensor([[word]]), state)
        log_p, state = network.step(torch.tensor([word]), state)
        total += float(log_p[0, following])
        for name, look in shown.items():
            seen = look[0]
            if name.endswith("self"):  # its places end here, and the first ones may be forgotten
                seen = look.new_zeros(look.shape[1], 1, len(words))
                seen[..., t + 1 - look.shape[-1] : t + 1] = look[0]
                if t:  # an Aaren shows the places of this call alone; those behind them share what is left as they did
                    seen += looks[name][-1] * (1 - look[0].sum(-1, keepdim=True))
            looks.setdefault(name, []).append(seen)
    return total, {name: look[0] for name, look in encoded.looks.items()} | {k: torch.cat(v, 1) for k, v in looks.items()}


@pytest.mark.parametrize("way", WAYS, ids=["greedy", "beam", "draws"])
def test_attention_is_what_was_looked_at_step_by_step(some_net, way):
    """And the score is the forced score, end sign included; lengths stay within their limits."""
    for source, found in zip(SOURCES, answers(some_net.network, range(len(SOURCES)), way), strict=True):
        for hypothesis in found:
            total, looks = by_hand(some_net.network, torch.tensor([source]), hypothesis.words)
            assert hypothesis.score == pytest.approx(total)
            assert LIMITS.least <= len(hypothesis.words) - 1 <= int(len(source) * LIMITS.ratio) + LIMITS.extra
            assert hypothesis.words[-1] == EOS and set(hypothesis.attention) == set(looks)
            for name, look in looks.items():
                rows = len(source) if name.startswith("encoder") else len(hypothesis.words)
                columns = len(hypothesis.words) if name.endswith("self") and name.startswith("decoder") else len(source)
                assert hypothesis.attention[name].shape == (look.shape[0], rows, columns), name
                np.testing.assert_allclose(hypothesis.attention[name], look.numpy(), atol=1e-6, rtol=0)


@torch.no_grad()
def test_an_ensemble_averages_probabilities(some_net):
    """Twice the same network is that network; of two, the score of a string is that of the mean of their probabilities."""
    first, batch = some_net.network, sources([0, 1, 2])
    second = type(first)(first.source, first.encoder, first.target, first.decoder, deepcopy(first.head)).eval()
    for x in second.head.parameters():
        x.copy_(torch.randn_like(x))
    one, twice = (answer(together(*n), batch, way=Beam(3), limits=LIMITS, attention=False) for n in ([first], [first, first]))
    for got, want in zip(twice, one, strict=True):
        alike(got, want)
    for row, (best, *_) in enumerate(answer(together(first, second), batch, way=Beam(3), limits=LIMITS, attention=True)):
        p = sum(forced(network, to_tensors(batch), row, best.words).exp() for network in (first, second)) / 2
        assert best.score == pytest.approx(float(p.log().sum()))


def forced(network, batch: Batch, row: int, words) -> torch.Tensor:
    """The log-probability of each of the words that a row was answered."""
    start = select(network.start(network.encode(batch.source, batch.source_valid), batch.source), torch.tensor([row]))
    log_p, _ = network(torch.tensor([[BOS, *words[:-1]]]), start)
    return log_p[0, range(len(words)), words]
