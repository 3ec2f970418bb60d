"""Scheduled sampling: how the share of own words grows, which words are read, and that only training sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.config import read_config
from regard.config.schema import TrainSection
from regard.core.errors import ConfigError
from regard.data.batching import Batch
from regard.tasks.scheduled_sampling import StepByStep, TwoPasses, draw_words, exponential, inverse_sigmoid, linear
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.training.trainer import Validation, fit

V, B, T = 9, 64, 6
SIZES = {"embedding": 6, "size": 8, "encoder": "gru", "decoder": "gru", "dropout": 0.0}


def test_decays():
    """Half way to 0.4: linear 0.2.  Exponential to 0.75: 1 - 0.25^0.5 = 0.5.  Inverse sigmoid: half of it, as it is even about its
    middle; at a quarter sigmoid(-ln 100 / 2) = 1 / 11, stretched from 1 / 101 ... 100 / 101 to 0 ... 1: 0.0827."""
    assert linear(0.5, 0.4) == pytest.approx(0.2)
    assert exponential(0.5, 0.75) == pytest.approx(0.5)
    assert inverse_sigmoid(0.5, 0.4) == pytest.approx(0.2)
    assert inverse_sigmoid(0.25, 1.0) == pytest.approx((1 / 11 - 1 / 101) / (99 / 101))
    for decay in (linear, exponential, inverse_sigmoid):
        assert (decay(0.0, 0.3), decay(1.0, 0.3)) == pytest.approx((0.0, 0.3))
        steps = [decay(i / 20, 0.3) for i in range(21)]
        assert steps == sorted(steps)


def test_draws():
    """Words 4 and 5 with 0.2 and 0.4 of what may be read: one third and two thirds of 20,000 draws, within 4 standard errors."""
    torch.manual_seed(0)
    log_p = torch.tensor([0.1, 0.1, 0.1, 0.1, 0.2, 0.4]).log().expand(20_000, 6)
    counts = torch.bincount(draw_words(log_p), minlength=6)
    assert counts[:4].tolist() == [0] * 4 and abs(int(counts[4]) - 20_000 / 3) < 4 * (20_000 * 2 / 9) ** 0.5


def sure(family: str = "recurrent"):
    """A network that is all but sure of each next word, so that draws can be foretold; and a batch."""
    torch.manual_seed(1)
    small = {
        "family": "transformer",
        "size": 8,
        "heads": 2,
        "feedforward": 8,
        "decoder_layers": 1,
        "encoder_layers": 1,
        "dropout": 0.0,
    }
    config = read_config({"model": SIZES if family == "recurrent" else small})
    task = build_seq2seq(config, source_words=V, target_words=V)
    task.network.head.linear.bias.data.zero_()
    task.network.head.linear.weight.data *= 1e3
    task.network.target.table.weight.data *= 3  # much depends on what was read
    source, target = torch.randint(4, V, (B, 5)), torch.randint(4, V, (B, T))
    return task.network, Batch((), source, torch.ones_like(source) > 0, target, torch.ones_like(target) > 0)


def likeliest(log_p: torch.Tensor) -> torch.Tensor:
    return log_p[..., 4:].argmax(-1) + 4


@pytest.mark.parametrize(("kind", "family"), [(StepByStep, "recurrent"), (TwoPasses, "transformer"), (TwoPasses, "recurrent")])
@torch.no_grad()
def test_own_words(kind, family):
    """About the share of the words are the network's own: what it says after what it read (step by step) or after the target's
    words (two passes); the start sign never is."""
    network, batch = sure(family)
    state, sampling = network.start(network.encode(batch.source, batch.source_valid), batch.source), kind(0.5)
    sampling.anneal(0.8)
    read = sampling(network, batch.words, state)
    say, _ = network(read if kind is StepByStep else batch.words, state)
    own = torch.cat([read[:, :1], likeliest(say)[:, :-1]], 1)
    assert ((read == batch.words) | (read == own)).all() and (read[:, 0] == 1).all()
    changeable = (own != batch.words)[:, 1:]
    share = float((read != batch.words)[:, 1:][changeable].float().mean())
    assert abs(share - 0.4) < 4 * (0.24 / int(changeable.sum())) ** 0.5
    other, _ = network(batch.words.where(batch.words < 4, (batch.words - 3) % 5 + 4), state)
    assert int(changeable.sum()) > B and (likeliest(other) != likeliest(say)).float().mean() > 0.3


def test_nothing_is_drawn_at_the_beginning_nor_in_use():
    """At 0 no random number is spent; the loss in use is that of the target's words; in training it is another."""
    network, batch = sure()
    for x in network.head.parameters():
        x.data /= 1e3
    plain, sampled = Seq2SeqNetwork(network), Seq2SeqNetwork(network, sampling=StepByStep(0.9))
    before = torch.get_rng_state()
    assert sampled.train().loss(batch).total == plain.train().loss(batch).total
    assert torch.equal(torch.get_rng_state(), before)
    sampled.sampling.anneal(1.0)
    assert sampled.sampling.share == pytest.approx(0.9)
    assert sampled.train().loss(batch).total != plain.train().loss(batch).total
    assert sampled.eval().loss(batch).total == plain.eval().loss(batch).total
    assert dict(sampled.named_parameters()).keys() == dict(plain.named_parameters()).keys()


def test_what_is_no_share_is_refused():
    with pytest.raises(ConfigError, match="share of own words"):
        StepByStep(1.0)


def test_the_config_says_how():
    recurrent, transformer = {"model": SIZES}, {"model": {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8}}
    for keys, kind in ((recurrent, StepByStep), (transformer, TwoPasses)):
        train = {"scheduled_sampling": 0.25, "sampling_decay": "exponential"}
        made = build_seq2seq(read_config({**keys, "train": train}), source_words=V, target_words=V).sampling
        assert type(made) is kind
        made.anneal(0.5)
        assert made.share == pytest.approx(1 - 0.75**0.5)
        assert build_seq2seq(read_config(keys), source_words=V, target_words=V).sampling is None


class Killed(BaseException):
    """Stands for the end of the process."""


def session(folder: Path, *, resume: bool, last: int = 10**9) -> Seq2SeqNetwork:
    """Twelve updates with a growing share, or as many as there are before `last`."""
    config = read_config({"model": {**SIZES, "dropout": 0.2}, "train": {"scheduled_sampling": 0.8, "learning_rate": 0.01}})
    torch.manual_seed(7)
    task, source = build_seq2seq(config, source_words=V, target_words=V), torch.Generator().manual_seed(1)
    words, count, shares = torch.randint(4, V, (12, T), generator=source), 0, []

    class Order:
        def epoch(self, epoch: int) -> list[list[int]]:
            return [[i, i + 1, i + 2] for i in range(0, 12, 3)]

    def batch(rows: list[int]) -> Batch:
        nonlocal count
        count += 1
        if count > last:
            raise Killed
        shares.append(task.sampling.share)
        return Batch((), words[rows], words[rows] > 0, words[rows], words[rows] > 0)

    def validate() -> Validation:
        everything = Batch((), words, words > 0, words, words > 0)
        return Validation({"loss": task.loss(everything).nats.item() / words.numel()}, [])

    settings = TrainSection(
        epochs=3, learning_rate=0.01, metric="loss", checkpoint_every=1, validate_every=4, precision="float32"
    )
    fit(
        task, loss=task.loss, batch=batch, batches=Order(), validate=validate, settings=settings, folder=folder, fingerprint={},
        resume=resume, say=lambda line: None,
    )  # fmt: skip
    if last > 12 and not resume:
        assert shares == pytest.approx([0.8 * i / 12 for i in range(12)])
    return task


def test_a_run_that_breaks_off_goes_on_exactly(tmp_path):
    whole = session(tmp_path / "whole", resume=False)
    for last in (1, 6, 9):
        with pytest.raises(Killed):
            session(tmp_path / str(last), resume=False, last=last)
        again = session(tmp_path / str(last), resume=True)
        for a, b in zip(again.parameters(), whole.parameters(), strict=True):
            assert torch.equal(a, b)
