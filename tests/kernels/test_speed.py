"""A fast path that is no longer fast is a fault: fast against plain in one run, far from the edge, so that a busy machine passes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch

from regard.attention import Aaren, Attention, Causal, Window, kernels
from regard.attention import attention as floor
from regard.attention.kernels import tanh, tanh_loops, tanh_torch
from regard.attention.score import AdditiveForm
from regard.config import Config
from regard.inference.prepare import in_use
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq_builder import build_seq2seq


def ratio(slow: Callable[[], object], fast: Callable[[], object], turns: int = 3) -> float:
    """How many times faster, by the processor's time; in turns, the best of each."""
    taken: dict[str, list[float]] = {"slow": [], "fast": []}
    for turn in range(turns + 1):
        for name, call in (("slow", slow), ("fast", fast)):
            began = time.process_time()
            call()
            taken[name] += [time.process_time() - began] if turn else []  # the first is for warming up
    return min(taken["slow"]) / min(taken["fast"])


@pytest.mark.parametrize(("loops", "least"), [(tanh_loops, 10.0), (tanh_torch, 2.0)], ids=["compiled", "tiled"])
def test_additive_attention(loops, least, monkeypatch):
    """Scores of 96 queries and keys, forward and backward."""
    monkeypatch.setattr(tanh, "_loops", lambda device: loops)
    given = [torch.randn(4, 1, 96, 256), torch.randn(4, 1, 96, 256), torch.randn(1, 256)]

    def both(made: Callable[..., torch.Tensor]) -> None:
        leaves = [t.clone().requires_grad_() for t in given]
        made(*leaves).sum().backward()

    assert ratio(lambda: both(lambda *x: AdditiveForm(*x).scores()), lambda: both(tanh.tanh_scores)) > least


def test_windows(monkeypatch):
    """A window of 64 among 2,048 places."""
    look, source = Attention(64, 64, scope=Window(32), heads=2), torch.randn(1, 2048, 64)

    def both() -> None:
        leaf = source.clone().requires_grad_()
        look(leaf, look.remember(leaf)).context.sum().backward()

    def whole() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(floor, "LONG", 10**9)
            both()

    assert ratio(whole, both) > 2.5


def test_prefixes(monkeypatch):
    """Aaren's compiled scan against its blocks of torch."""
    look, source = Aaren(Attention(64, 64, scope=Causal()), 64), torch.randn(2, 2048, 64)

    def both() -> None:
        leaf = source.clone().requires_grad_()
        look(leaf, look.start(leaf)).context.sum().backward()

    def blocks() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "prefix", lambda *_: None)
            both()

    assert ratio(blocks, both) > 1.3


def test_a_sentence_is_written_faster_in_use():
    """25 steps of a Transformer for one sentence, against the plain decoder."""
    sizes = {"family": "transformer", "encoder_layers": 1, "decoder_layers": 3, "size": 256, "heads": 4, "feedforward": 1024}
    config = Config.model_validate({"model": {**sizes, "dropout": 0.0, "tie": "output"}})
    net = build_seq2seq(config, source_words=50, target_words=2000).network.eval()
    used, source = in_use(net, 1), torch.arange(4, 12)[None]

    @torch.no_grad()
    def written(by: EncoderDecoder) -> None:
        state = by.start(by.encode(source, source > 0), source)
        for word in range(4, 29):
            _, state = by.step(torch.tensor([word]), state)

    assert ratio(lambda: written(net), lambda: written(used)) > 1.5
