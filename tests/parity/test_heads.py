"""Law 6 for heads that sum over looks: every way of looking, gone through one by one, says the same."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from regard.attention import Softmax, Weights
from regard.attention.weighting import Weighting
from regard.build import networks
from regard.config import ModelSection
from regard.data.batching import Batch
from regard.networks.encoder_decoder import EncoderDecoder

SIZES = {"embedding": 5, "size": 4, "encoder": "bigru", "decoder": "gru", "dropout": 0.0}
FREE = {**SIZES, "order": "luong", "input_feeding": False}
V, K, T, B = 7, 3, 3, 4
LENGTHS = torch.tensor([3, 2, 1, 0])  # the last source is empty
SCOPES = ["everywhere", "window(1)", "window(0)", "causal"]
same = torch.testing.assert_close


class Told(Weighting):
    """Takes the places that it is told, one a look (K: nothing), and notes the scores' exponentials."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.scores = torch.zeros(T, dtype=torch.long), torch.zeros(())

    def forward(self, scores, mask, memory, at):
        self.scores = (scores.exp() * mask)[:, 0]
        taken = torch.nn.functional.one_hot(self.places, K + 1)[:, :K]
        return Weights(taken.expand_as(scores).to(scores))


def made(**keys) -> EncoderDecoder:
    """The same weights, whatever the head."""
    torch.manual_seed(3)
    network = networks.recurrent(ModelSection(**keys), V, V).eval()
    for x in network.parameters():
        x.data *= 2
    return network


def batch() -> Batch:
    random, valid = torch.Generator().manual_seed(5), torch.arange(K) < LENGTHS[:, None]
    source, target = (torch.randint(4, V, (B, n), generator=random) for n in (K, T))
    return Batch((), source * valid, valid, target, torch.ones_like(target, dtype=torch.bool))


def anywhere(scores, places):
    """softmax over what is in sight, at each step; nothing where nothing is."""
    found = 1.0
    for row, place in zip(scores, places, strict=True):
        found = found * ((row[place] / row.sum() if place < K else 0.0) if row.sum() > 0 else float(place == K))
    return found


def never_back(scores, places):
    """The same from the last place on."""
    found, last = 1.0, 0
    for row, place in zip(scores, places, strict=True):
        ahead = row[last:].sum()
        found = found * ((row[place] / ahead if last <= place < K else 0.0) if ahead > 0 else float(place == K))
        last = place
    return found


def ways(network: EncoderDecoder, of: Batch, rule) -> torch.Tensor:
    """The log-probability of each target, as the sum over all ways of looking of what a rule makes of the scores."""
    network.decoder.attention.weighting = told = Told()
    total: torch.Tensor | float = 0.0
    for places in product(range(K + 1), repeat=T):
        told.places = torch.tensor(places)
        p = forced(network, of).exp()
        total = total + torch.stack([p_row * rule(scores, places) for p_row, scores in zip(p, told.scores, strict=True)])
    return total.log()


def forced(network: EncoderDecoder, of: Batch) -> torch.Tensor:
    log_p, _ = network(of.words, network.start(network.encode(of.source, of.source_valid), of.source))
    return log_p.gather(-1, of.target[..., None])[..., 0].sum(1)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("score", ["general", "additive"])
@torch.no_grad()
def test_hard_monotonic_is_the_sum_over_all_alignments(score, scope):
    """To 1e-10: as it is trained, and step by step as it is used."""
    look, of = {"score": score, "scope": scope}, batch()
    want = ways(made(**FREE, attention=look), of, never_back)
    network = made(**FREE, attention=look, head="hard-monotonic")
    state = network.start(network.encode(of.source, of.source_valid), of.source)
    trained = -network.loss(of.words, of.target, of.target_valid, state)[1].view(B, T).sum(1)
    used = torch.zeros(B)
    for word, target in zip(of.words.unbind(1), of.target.unbind(1), strict=True):
        log_p, state = network.step(word, state)
        used += log_p.gather(1, target[:, None])[:, 0]
    for got in (trained, used):
        same(got, want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("scope", SCOPES)
@torch.no_grad()
def test_marginal_is_the_sum_over_all_looks(scope):
    """In Luong's order without feeding no state depends on a look, and the sum over all 4^3 ways is exact."""
    look, of = {"score": "general", "scope": scope}, batch()
    network = made(**FREE, attention=look | {"weighting": "marginal"})
    same(forced(network, of), ways(made(**FREE, attention=look), of, anywhere), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "keys", [{"attention": {"weighting": "marginal"}}, {"head": "hard-monotonic"}], ids=["marginal", "monotonic"]
)
def test_gradients_are_those_of_the_sum(keys):
    """Of scores, states and words: of all parameters."""
    of, rule = batch(), never_back if "head" in keys else anywhere
    look = {"score": "general", **keys.get("attention", {})}
    network, plain = made(**FREE, **keys | {"attention": look}), made(**FREE, attention="general")
    forced(network, of).sum().backward()
    ways(plain, of, rule).sum().backward()
    got = {name.replace("head.words.", "head."): x.grad for name, x in network.named_parameters()}
    for name, x in plain.named_parameters():
        same(got[name], x.grad, rtol=1e-8, atol=1e-10, msg=lambda told, name=name: f"{name}: {told}")


@torch.no_grad()
def test_bahdanau_and_feeding_sum_within_each_step():
    """The state is moved by the expected context; each word is the sum over places of what the state says with that place alone."""
    of = batch()
    for order in ("bahdanau", "luong"):
        network = made(**SIZES, order=order, attention={"score": "additive", "weighting": "marginal"})
        decoder, encoded = network.decoder, network.encode(of.source, of.source_valid)
        log_p, _ = network(of.words, network.start(encoded, of.source))
        queries: list[torch.Tensor] = []
        decoder.attention.weighting = Softmax()
        decoder.attention.register_forward_hook(lambda look, given, reading, kept=queries: kept.append(given[0]))
        written, _ = network.write(of.words, decoder.start(encoded), weights=True)
        for row, t in product(range(B), range(T)):
            weights, word = written.looks["decoder.0.cross"][row, 0, t], written.states[row, t, -5:]
            h = [(weights[k], encoded.states[row, k]) for k in range(LENGTHS[row])] or [(torch.tensor(1.0), torch.zeros(8))]
            if order == "bahdanau":
                read = [torch.cat([written.states[row, t, :4], c, word]) for _, c in h]
            else:
                read = [torch.tanh(decoder.join(torch.cat([c, queries[t][row, 0]]))) for _, c in h]
            p = sum(w * network.head.words.logits(x).softmax(-1) for (w, _), x in zip(h, read, strict=True))
            same(log_p[row, t].exp(), p)
