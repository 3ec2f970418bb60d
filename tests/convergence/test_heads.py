"""Law 10 for heads: strings of forty letters are copied after few updates, and soonest by the head that can copy."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from regard.build import networks
from regard.config import ModelSection
from regard.tasks.seq2seq import Seq2SeqNetwork

from .test_tiny import EOS, FIRST, Batch, collate, exact, to_tensors

LETTERS = 40
NET = {
    "embedding": 16,
    "size": 32,
    "encoder": "bigru",
    "decoder": "gru",
    "dropout": 0.0,
    "order": "luong",
    "input_feeding": False,
}
HEADS: dict[str, dict[str, Any]] = {
    "words": {"attention": "general"},
    "copy": {"attention": "general", "head": "copy"},
    "monotonic": {"attention": "general", "head": "hard-monotonic"},
    "marginal": {"attention": {"score": "general", "weighting": "marginal"}},
}


def batch(random: torch.Generator, number: int) -> Batch:
    lengths = torch.randint(1, 7, (number,), generator=random).tolist()
    lines = [[*torch.randint(FIRST, FIRST + LETTERS, (n,), generator=random).tolist(), EOS] for n in lengths]
    return to_tensors(collate([(line, line) for line in lines], range(number)))


def learn(head: str, updates: int, goal: float = 2.0) -> float:
    """Train on 32 fresh strings an update, and stop where the goal is reached; gives the share of 100 others that is right."""
    torch.manual_seed(1)
    net = Seq2SeqNetwork(networks.recurrent(ModelSection(**NET, **HEADS[head]), FIRST + LETTERS, FIRST + LETTERS))
    fresh, judged = torch.Generator().manual_seed(2), batch(torch.Generator().manual_seed(3), 100)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.0)
    for update in range(1, updates + 1):
        net.train()
        loss = net.loss(batch(fresh, 32))
        optimizer.zero_grad()
        (loss.total / loss.tokens).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if update % 50 == 0 and (right := exact(net.eval(), judged)) >= goal:
            return right
    return exact(net.eval(), judged)


def test_what_can_copy_learns_it_sooner():
    """After 50 updates nearly all is right, and without it next to nothing."""
    assert learn("copy", 50) >= 0.9 > 0.5 >= learn("words", 50)


@pytest.mark.parametrize("head", ["monotonic", "marginal"])
def test_looks_at_one_place_are_learnt(head):
    assert learn(head, 300, goal=0.95) >= 0.95
