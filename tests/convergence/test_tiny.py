"""Law 10: each family learns, from nothing, to copy and to reverse short strings of eight letters that it has not been shown.

Each task is a fresh stream of random strings from a fixed seed; what is measured is the share of 200 other strings answered exactly.
"""

from __future__ import annotations

import pytest
import torch

from regard.build import networks
from regard.config import AttentionSection, ModelSection
from regard.core.arrays import to_arrays, to_tensors
from regard.data.batching import Batch, collate
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.inference.array_writer import ArrayWriter
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.writing import answer

FIRST, LETTERS, EOS = 4, 8, 2
RECURRENT = {"embedding": 16, "size": 48, "dropout": 0.0}
TRANSFORMER = {"size": 32, "heads": 2, "feedforward": 64, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.0}
GRU, LSTM = {"encoder": "bigru", "decoder": "gru"}, {"encoder": "bilstm", "decoder": "lstm"}
FAMILIES = {
    "bahdanau": {**RECURRENT, **GRU, "attention": "additive"},
    "luong": {**RECURRENT, **LSTM, "attention": "general", "order": "luong", "input_feeding": False},
    "transformer": {**TRANSFORMER, "family": "transformer"},
    "aaren": {**TRANSFORMER, "family": "aaren"},
    "fixed": {**RECURRENT, **GRU, "attention": "none"},
    "hard": {**RECURRENT, **GRU, "attention": AttentionSection(score="additive", weighting="hard")},
}
TURN = {"copy": lambda x: x, "reverse": lambda x: x[::-1]}


def strings(generator: torch.Generator, number: int, longest: int) -> list[list[int]]:
    lengths = torch.randint(1, longest + 1, (number,), generator=generator).tolist()
    return [torch.randint(FIRST, FIRST + LETTERS, (n,), generator=generator).tolist() for n in lengths]


def batch(sources: list[list[int]], task: str) -> Batch:
    return to_tensors(collate([([*s, EOS], [*TURN[task](s), EOS]) for s in sources], range(len(sources))))


def exact(task: Seq2SeqNetwork, of: Batch) -> float:
    told = answer(ArrayWriter(task.network), to_arrays(of), way=Beam(1), limits=Limits(), attention=False)
    right = [h[0].words == tuple(t[v].tolist()) for h, t, v in zip(told, of.target, of.target_valid, strict=True)]
    return sum(right) / len(right)


def learn(family: str, task: str, *, longest: int, updates: int, rate: float, goal: float) -> float:
    """Train on 64 fresh strings an update, and stop where the goal is reached; gives the share that is right."""
    torch.manual_seed(1)
    model = ModelSection(**FAMILIES[family])
    net = Seq2SeqNetwork(
        (networks.recurrent if model.family == "recurrent" else networks.transformer)(model, FIRST + LETTERS, FIRST + LETTERS)
    )
    fresh, other = torch.Generator().manual_seed(2), torch.Generator().manual_seed(3)
    judged = batch(strings(other, 200, longest), task)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.0)
    for update in range(1, updates + 1):
        net.train()
        loss = net.loss(batch(strings(fresh, 64, longest), task))
        optimizer.zero_grad()
        (loss.total / loss.tokens).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if update % 50 == 0 and (right := exact(net.eval(), judged)) >= goal:
            return right
    return exact(net.eval(), judged)


@pytest.mark.parametrize("task", TURN)
@pytest.mark.parametrize(("family", "rate"), [("bahdanau", 5e-3), ("luong", 5e-3), ("transformer", 3e-3), ("aaren", 3e-3)])
def test_copy_and_reverse(family, rate, task):
    assert learn(family, task, longest=6, updates=1200, rate=rate, goal=0.97) >= 0.97


def test_a_fixed_context_copies_very_short_strings():
    assert learn("fixed", "copy", longest=3, updates=1200, rate=5e-3, goal=0.95) >= 0.95


def test_hard_attention_learns_from_draws():
    """Far better than chance, which is below 1 in 100 at these lengths."""
    assert learn("hard", "copy", longest=6, updates=1200, rate=5e-3, goal=0.9) >= 0.9
