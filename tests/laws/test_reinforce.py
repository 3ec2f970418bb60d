"""Law 4 for draws: the gradient of hard attention is, in the mean of many draws, the gradient of what is expected."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from regard.attention import Attention, General, Hard, Sampled, SampledLogProb, Softmax, Weighting, Weights
from regard.build import networks
from regard.config import AttentionSection, ModelSection
from regard.data.batching import Batch
from regard.networks.base import EncoderOutput
from regard.tasks.seq2seq import Seq2SeqNetwork

pytestmark = pytest.mark.usefixtures("float64")
CHUNKS, DRAWS = 100, 100_000  # estimates, each the mean of DRAWS / CHUNKS draws


def agree(told: torch.Tensor, want: torch.Tensor) -> None:
    """told: "CHUNKS ...", independent estimates.  The standard errors of their mean are at most 2 % of the gradient's norm, and every
    component of it is within 4.5 of them of `want`."""
    error = told.std(0) / CHUNKS**0.5
    assert (error <= 0.02 * want.norm()).all(), f"too few draws to say anything: {error} for {want}"
    assert ((told.mean(0) - want).abs() <= 4.5 * error).all(), f"{told.mean(0)}, not {want}, with errors {error}"


@pytest.mark.parametrize("weighting", [Hard, Sampled])
def test_one_look(weighting, n=DRAWS // CHUNKS):
    """Dot scores through W, reward r_s for taking place s: REINFORCE on the draw is the gradient of sum_s p_s r_s."""
    look, query, reward = (
        Attention(2, 2, score=General(2, 2), weighting=weighting()),
        torch.randn(1, 1, 2),
        torch.tensor([1.0, -2.0, 0.5]),
    )
    source, at = torch.randn(1, 3, 2), torch.zeros(1, 1, dtype=torch.long)
    soft = Attention(2, 2, score=look.score, weighting=Softmax())
    p = soft(query, soft.remember(source), at, weights=True).weights[0, 0, 0]
    (want,) = torch.autograd.grad(p @ reward, look.score.w, retain_graph=True)
    (bend,) = torch.autograd.grad(-(p * p.log()).sum(), look.score.w)
    look.train()
    told = []
    for _ in range(CHUNKS):
        memory = look.remember(source.expand(n, 3, 2))
        reading = look(query.expand(n, 1, 2), memory, at.expand(n, 1), weights=True)
        assert ((reading.weights == 0) | (reading.weights == 1)).all()
        gain = ((reading.weights[:, 0, 0] @ reward) * reading.choice.log_prob[:, 0]).mean()
        told.append(torch.autograd.grad(gain, look.score.w, retain_graph=True)[0])
        (drawn,) = torch.autograd.grad(reading.choice.entropy.mean(), look.score.w)
        torch.testing.assert_close(drawn, bend)
    agree(torch.stack(told), want)


class Told(Weighting):
    """Takes the places that it is told, one a look, and says how likely they were: to go through all draws one by one."""

    def __init__(self, places) -> None:
        super().__init__()
        self.places, self.log_p = iter(places), torch.zeros(())

    def forward(self, scores, mask, memory, at):
        log_p = scores.masked_fill(~mask, -1e30).log_softmax(-1)
        taken = torch.nn.functional.one_hot(torch.tensor(next(self.places)), scores.shape[-1]).expand_as(scores).to(scores)
        self.log_p = self.log_p + (log_p * taken).sum()
        return Weights(taken)


@pytest.mark.parametrize("draws", [1, 4])
@pytest.mark.parametrize(
    "order", [{"order": "bahdanau"}, {"order": "luong"}, {"order": "luong", "input_feeding": False}], ids=str
)
def test_the_loss_of_a_task(order, draws, n=DRAWS // CHUNKS):
    """A target of two words and an end, a source of three: the mean gradient of the loss over draws is that of the expected
    log-probability over all 27 ways of looking; the baseline, whatever it is, changes nothing in the mean.  Written four times, each is
    judged by the others: the moving average, however far off, is of no account, and as little noise takes a quarter of the rows."""
    n //= draws
    look = AttentionSection(score="general", weighting="hard")
    model = ModelSection(embedding=4, size=3, encoder="rnn", decoder="rnn", attention=look, dropout=0.0, **order)
    task = Seq2SeqNetwork(networks.recurrent(model, 7, 7), entropy=0.0, draws=draws)
    network, w = task.network, task.network.decoder.attention.score.w
    for x in network.parameters():
        x.data *= 2
    source, target = torch.tensor([[4, 5, 6]]), torch.tensor([[4, 6, 2]])
    yes = torch.ones(1, 3, dtype=torch.bool)

    expected = torch.zeros(())
    for places in product(range(3), repeat=3):
        network.decoder.attention.weighting = stub = Told(places if order.get("input_feeding", True) else [places])
        nats = task.eval().loss(Batch((), source, yes, target, yes)).total
        expected = expected + stub.log_p.exp() * nats
    (want,) = torch.autograd.grad(expected, w)

    network.decoder.attention.weighting = Hard()
    task.train()
    batch = Batch((), *(x.expand(n, 3) for x in (source, yes, target, yes)))
    told = []
    for baseline in -expected.detach() / 3 + torch.linspace(-0.3, 0.3, CHUNKS):  # near the mean there is less noise
        task.baseline.fill_(float(baseline) if draws == 1 else 1e3)
        told.append(torch.autograd.grad(task.loss(batch).total / n, w)[0])
    agree(torch.stack(told), want)


def test_padding_of_the_source_draws_nothing():
    """What was drawn there has no say in any loss, and no entropy."""
    look = AttentionSection(weighting="hard", heads=2)
    keys = {"family": "transformer", "size": 4, "feedforward": 3, "encoder_layers": 2, "decoder_layers": 1, "dropout": 0.0}
    network = networks.transformer(ModelSection(**keys, attention=look, self_attention=look), 7, 7).train()
    valid = torch.arange(5) < torch.tensor([5, 3, 0])[:, None]
    encoded = network.encode(torch.randint(1, 7, (3, 5)), valid)
    for told in encoded.choice:
        assert (told[~valid] == 0).all() and (told[valid] != 0).all()


@pytest.mark.parametrize(
    ("real", "baseline", "decoder", "encoder", "entropy"),
    [
        ([True, True, True], 0.0, [7.0, 6.0, 4.0], 7.0, [-0.5, -0.5, -0.5]),
        ([True, True, False], 0.0, [3.0, 2.0, 0.0], 3.0, [-0.5, -0.5, 0.0]),
        ([True, True, True], -1.0, [4.0, 4.0, 3.0], 4.0, [-0.5, -0.5, -0.5]),
        ([True, True, False], -1.0, [1.0, 1.0, 0.0], 1.0, [-0.5, -0.5, 0.0]),
    ],
)
def test_draws_of_encoder_and_decoder_keep_their_own_rewards(real, baseline, decoder, encoder, entropy):
    """A draw of the decoder is rewarded by what comes from it on, a draw of the encoder by everything, also where source and
    target have one length.  With log p = -1, -2, -4 the first word's draw gets -7, the second -6; each draw of the encoder -7.
    A baseline of -1 a token takes 3, 2, 1 off.  A third word that is padding draws nothing.  The loss is to fall: signs turn."""
    told = {k: SampledLogProb(*(torch.zeros(1, 3, requires_grad=True) for _ in "pe")) for k in ("encoder", "decoder")}
    task = Seq2SeqNetwork(Scripted(told), entropy=0.5).eval()
    task.baseline.fill_(baseline)
    words, real = torch.ones(1, 3, dtype=torch.long), torch.tensor([real])
    task.loss(Batch((), words, torch.ones_like(real), words, real)).total.backward()
    assert task.baseline == baseline  # it moves in training only
    assert [x.grad.tolist() for x in told["decoder"]] == [[decoder], [entropy]]
    assert [x.grad.tolist() for x in told["encoder"]] == [[[encoder] * 3], [[-0.5] * 3]]


class Scripted(torch.nn.Module):
    """A network of which only the draws are real; each word that counts costs 1, 2 and 4 nats."""

    def __init__(self, told) -> None:
        super().__init__()
        self.told = told

    def encode(self, source, valid):
        return EncoderOutput(torch.zeros(1, 3, 2), valid, torch.zeros(1, 2), self.told["encoder"])

    def start(self, encoded, words):
        return None

    def loss(self, words, targets, real, state, *, smoothing, penalty=None):
        nats = torch.tensor([1.0, 2.0, 4.0])[: int(real.sum())]
        return nats.sum(), nats, self.told["decoder"]
