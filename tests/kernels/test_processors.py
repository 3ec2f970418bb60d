"""Each class of processors has loops of its own: they say the same to the last digits, and each the same alone and in a batch."""

from __future__ import annotations

import pytest
import torch

from regard.core.optional import module

loops = module("core.loops")
pytestmark = pytest.mark.skipif(loops is None, reason="the loops were not built")


def told(processors: int | None, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """What the kernels say, of sizes that fill no vector, by the loops of a class."""
    scores, look, cells, prefix, loss, dropout = (
        module(f"{name}_loops")
        for name in (
            "attention.kernels.tanh", "attention.kernels.single", "networks.kernels.cells", "attention.kernels.prefix",
            "networks.kernels.loss", "networks.kernels.dropout",
        )
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(loops, "loops", loops.Loops(loops.loops.path, processors))
        loops._kernel.cache_clear()
        draw = torch.Generator().manual_seed(3)

        def drawn(*shape: int) -> torch.Tensor:
            return torch.randn(shape, generator=draw)

        query, keys, v, grad = drawn(2, 9, 37), drawn(2, 8, 37), drawn(1, 37), drawn(2, 9, 8)
        made = [scores.forward(query, keys, v), scores.forward(20 * query, keys, v), *scores.backward(query, keys, v, grad)]
        seen = torch.rand(2, 3, 1, 8, generator=draw) < 0.7
        heads = drawn(2, 3, 1, 21), drawn(2, 3, 8, 21)
        made += [look.of_inner(*heads, seen, drawn(2, 3, 8, 35)), look.of_tanh(*heads, drawn(3, 21), seen, drawn(2, 3, 8, 35))]
        made += [cells.gru(drawn(5, 57), drawn(5, 57), drawn(5, 19)), *cells.lstm(drawn(5, 76), drawn(5, 76), drawn(5, 19))]
        summary = torch.full((2,), -torch.inf), torch.zeros(2), torch.zeros(2, 33)
        made += prefix.prefix(*summary, drawn(2, 11), torch.rand(2, 11, generator=draw) < 0.8, drawn(2, 11, 33))
        words = torch.randint(0, 45, (7,), generator=draw)
        made += loss.shares(drawn(7, 45).to(dtype), drawn(45), words, 0.9)
        made.append(loss.log_softmax(drawn(7, 145)))
        made.append(dropout.apply_dropout(drawn(77).to(dtype), torch.arange(77, dtype=torch.uint8), 20, 1.25))
    loops._kernel.cache_clear()
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("processors", [2, 3])
def test_lesser_processors_say_the_same(processors, dtype, monkeypatch):
    if processors >= loops.loops.processors:
        pytest.skip("this processor is no better")
    for own, best in zip(told(processors, monkeypatch, dtype), told(None, monkeypatch, dtype), strict=True):
        torch.testing.assert_close(own, best, rtol=1e-2 if own.dtype == torch.bfloat16 else 2e-5, atol=2e-5)
