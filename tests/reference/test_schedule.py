"""Learning rates, clipping and precision against numbers that a person can check."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from regard.config.schema import TrainSection
from regard.core.errors import ConfigError
from regard.training import optimizer as optimizers
from regard.training.optimizer import LARGE, arithmetic, exactly, make_optimizer, resolve_precision, step
from regard.training.progress import Arithmetic
from regard.training.schedule import Constant, InverseSqrt, LinearDecay, Plateau, ScheduleState
from regard.training.stopping import better, few, make_schedule, total_updates

START = ScheduleState()


@pytest.mark.parametrize("schedule", [Constant(0.8, 4), InverseSqrt(0.8, 4), LinearDecay(0.8, 4, 9), Plateau(0.8, 4)])
def test_the_rise_is_linear_and_ends_at_the_peak(schedule):
    assert [schedule.rate(s, START) for s in (1, 2, 3, 4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_constant_stays():
    assert [Constant(0.8, 4).rate(s, START) for s in (4, 5, 1000)] == [0.8, 0.8, 0.8]
    assert Constant(0.8).rate(1, START) == 0.8


def test_inverse_sqrt_halves_when_the_steps_are_four_times_as_many():
    assert [InverseSqrt(0.8, 4).rate(s, START) for s in (4, 16, 64)] == pytest.approx([0.8, 0.4, 0.2])
    assert [InverseSqrt(0.8).rate(s, START) for s in (1, 4, 100)] == pytest.approx([0.8, 0.4, 0.08])


def test_inverse_sqrt_is_vaswanis():
    width, warmup = 512, 4000  # d^-0.5 min(step^-0.5, step warmup^-1.5): equation 3
    ours = InverseSqrt(width**-0.5 * warmup**-0.5, warmup)
    for number in (1, 100, 3999, 4000, 4001, 100_000):
        assert ours.rate(number, START) == pytest.approx(width**-0.5 * min(number**-0.5, number * warmup**-1.5))


def test_linear_falls_in_equal_steps_to_the_end():
    assert [LinearDecay(0.8, 2, 5).rate(s, START) for s in (1, 2, 3, 4, 5)] == pytest.approx([0.4, 0.8, 0.6, 0.4, 0.2])
    assert [LinearDecay(0.8, 0, 4).rate(s, START) for s in (1, 2, 3, 4)] == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert [LinearDecay(0.8, 4, 3).rate(s, START) for s in (1, 2, 3)] == pytest.approx([0.2, 0.4, 0.6])  # ends in the rise
    assert LinearDecay(0.8, 1, 1).rate(1, START) == 0.8
    assert [LinearDecay(0.8, 2, 3).rate(s, START) for s in (3, 4, 9)] == pytest.approx(
        [0.4, 0.4, 0.4]
    )  # longer than was foreseen


def test_linear_falls_to_0_in_the_last_fifth_of_the_time_wherever_the_updates_are():
    for schedule in (LinearDecay(0.8, 0, 1000), LinearDecay(0.8, 500, 1000)):  # the latter still rises
        for number in (10, 100, 800):
            before = schedule.rate(number, START)
            assert [schedule.rate(number, START, gone) for gone in (0.3, 0.79)] == [before, before]  # to the last bit
            assert [schedule.rate(number, START, gone) for gone in (0.85, 0.9, 1.0)] == pytest.approx(
                [before * share for share in (0.75, 0.5, 0.0)]
            )


@pytest.mark.parametrize("schedule", [Constant(0.8, 4), InverseSqrt(0.8, 4), Plateau(0.8, 4)])
def test_the_time_changes_no_rate_that_does_not_fall_to_the_end(schedule):
    assert all(schedule.rate(n, START, 0.9) == schedule.rate(n, START) for n in (1, 3, 50))


def test_plateau_cuts_after_so_many_validations_without_a_gain():
    schedule, standing, rates = Plateau(0.8, 0, factor=0.5, patience=2), START, []
    for gained in (True, False, True, False, False, False, False, True, False):
        standing = schedule.judged(standing, gained)
        rates.append(schedule.rate(9, standing))
    assert rates == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2]


@pytest.mark.parametrize(
    ("word", "kind"), [("constant", Constant), ("inverse-sqrt", InverseSqrt), ("linear", LinearDecay), ("plateau", Plateau)]
)
def test_each_word_of_the_config_makes_its_schedule(word, kind):
    made = make_schedule(TrainSection(schedule=word, learning_rate=0.3, warmup=7, plateau_factor=0.1, plateau_patience=5), 40)
    assert type(made) is kind and (made.peak, made.warmup) == (0.3, 7)
    assert not isinstance(made, Plateau) or (made.factor, made.patience) == (0.1, 5)
    assert not isinstance(made, LinearDecay) or made.updates == 40


def test_better():
    assert better(0.6, 0.5, lower=False) and not better(0.5, 0.5, lower=False) and not better(0.4, 0.5, lower=False)
    assert better(0.4, 0.5, lower=True) and not better(0.5, 0.5, lower=True) and not better(0.6, 0.5, lower=True)
    assert not better(math.nan, 0.5, lower=False) and not better(math.nan, None, lower=True) and better(0.1, None, lower=False)


class _Epochs:
    def epoch(self, epoch: int) -> list[list[int]]:
        return [[0]] * 7


def test_updates_of_a_run():
    assert total_updates(_Epochs(), TrainSection(epochs=3, accumulate=2)) == 12  # 2 + 2 + 2 + 1 batches, three times
    assert total_updates(_Epochs(), TrainSection(epochs=3, accumulate=2, updates=5)) == 5
    assert total_updates(_Epochs(), TrainSection(epochs=3, accumulate=2, updates=50)) == 12


def test_few_updates_are_told_with_what_to_do():
    told = few(90, TrainSection(batch_tokens=2000), cut=True)
    assert told.startswith("note: 90 updates in all are few") and "train.batch_tokens=300, or" in told
    assert few(7, TrainSection(batch_tokens=50), cut=True).endswith("Try more train.epochs.")
    assert few(7, TrainSection(), cut=False).endswith("Try more train.epochs.")
    assert few(299, TrainSection(), cut=True)
    assert not few(300, TrainSection(), cut=True) and not few(5, TrainSection(updates=5), cut=True)


def one_weight(**settings) -> tuple[nn.Linear, torch.optim.AdamW]:
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(1.0), net.bias.fill_(1.0)
    return net, make_optimizer(net, TrainSection(learning_rate=0.1, **settings))


@pytest.mark.parametrize(("clip", "seen"), [(0.0, (3.0, 4.0)), (10.0, (3.0, 4.0)), (1.0, (0.6, 0.8)), (2.5, (1.5, 2.0))])
def test_gradients_are_means_and_their_norm_is_clipped(clip, seen):
    net, optimizer = one_weight()
    net.weight.grad, net.bias.grad = torch.tensor([[30.0]]), torch.tensor([40.0])  # sums over ten tokens: means 3 and 4, norm 5
    assert step(optimizer, rate=0.1, tokens=10, clip=clip)
    assert (net.weight.grad.item(), net.bias.grad.item()) == pytest.approx(seen, rel=1e-5)
    moments = [optimizer.state[p]["exp_avg"].item() for p in (net.weight, net.bias)]
    assert moments == pytest.approx([0.1 * g for g in seen], rel=1e-5)


def test_the_first_update_of_adam_is_the_rate():
    net, optimizer = one_weight()
    net.weight.grad, net.bias.grad = torch.tensor([[30.0]]), torch.tensor([-40.0])
    step(optimizer, rate=0.25, tokens=10, clip=1.0)
    assert (net.weight.item(), net.bias.item()) == pytest.approx((0.75, 1.25))


def test_only_matrices_decay():
    net, optimizer = one_weight(weight_decay=0.5)
    net.weight.grad, net.bias.grad = torch.zeros(1, 1), torch.zeros(1)
    step(optimizer, rate=0.1, tokens=1, clip=1.0)
    assert (net.weight.item(), net.bias.item()) == pytest.approx((0.95, 1.0))  # w (1 - rate decay)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_moves_nothing(bad):
    net, optimizer = one_weight()
    net.weight.grad, net.bias.grad = torch.tensor([[bad]]), torch.tensor([4.0])
    assert not step(optimizer, rate=0.1, tokens=10, clip=1.0)
    assert (net.weight.item(), net.bias.item()) == (1.0, 1.0) and not optimizer.state


def test_precision(monkeypatch):
    small, large = nn.Linear(1, 1), nn.Linear(LARGE // 100, 100)
    assert resolve_precision("float32", large) == torch.float32 and resolve_precision("bfloat16", small) == torch.bfloat16
    assert resolve_precision("auto", small) == torch.float32  # on any CPU
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for has, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        assert resolve_precision("auto", large) == dtype


def test_an_lstm_in_bfloat16_is_refused_where_the_processor_has_none(monkeypatch):
    reader, other = nn.Sequential(nn.LSTM(2, LARGE // 10_000)), nn.GRU(2, 3)
    auto, low = TrainSection(threads=1), TrainSection(threads=1, precision="bfloat16")
    monkeypatch.setattr(optimizers, "_runs_lstm", lambda: True)
    assert arithmetic(low, reader, Arithmetic())[0].precision == "bfloat16"
    monkeypatch.setattr(optimizers, "_runs_lstm", lambda: False)
    monkeypatch.setattr(optimizers, "LARGE", 0)
    assert arithmetic(auto, reader, Arithmetic())[0].precision == "float32"
    assert arithmetic(low, other, Arithmetic())[0].precision == "bfloat16"
    with pytest.raises(ConfigError, match=r"train.precision: expected a processor with AVX-512 .* Write train.precision=float32"):
        arithmetic(low, reader, Arithmetic())
    with pytest.raises(ConfigError, match=r"as the run began. Go on where there is one"):
        arithmetic(auto, reader, Arithmetic(1, "bfloat16", "AVX512"))


@pytest.mark.parametrize("most", ["AVX2", "AVX512_CORE"])
def test_what_a_processor_takes_is_tried(most):
    """oneDNN told to make do with less: what is said is what its LSTM does."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("the processor has no AVX-512, so there is nothing to leave alone")
    code = """
import torch
from regard.training.optimizer import _runs_lstm
seed = torch.get_rng_state()
said = _runs_lstm()
assert torch.equal(seed, torch.get_rng_state())
with torch.autocast("cpu", torch.bfloat16):
    try:
        torch.nn.LSTM(5, 7)(torch.zeros(3, 2, 5))
    except RuntimeError:
        print(said, False)
    else:
        print(said, True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "ONEDNN_MAX_CPU_ISA": most}
    )
    assert done.stdout.split() in (["False"] * 2, ["True"] * 2), done.stdout + done.stderr[-1000:]
    assert most != "AVX512_CORE" or done.stdout.split() == ["True"] * 2


def test_exactly_gives_back_what_it_found():
    before = torch.get_num_threads()
    with exactly(before + 1):
        assert torch.get_num_threads() == before + 1 and torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before and not torch.are_deterministic_algorithms_enabled()
