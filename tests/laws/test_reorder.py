"""Lines of a beam that change places within their sentences: what `reorder` leaves where it is, `select` would have put back the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from regard.config import Config
from regard.core.state import reorder, select, tree_map
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq_builder import build_seq2seq

NETS = {
    "transformer": {"family": "transformer", "heads": 2, "feedforward": 16},
    "aaren": {"family": "aaren", "heads": 2, "feedforward": 16},
    "bahdanau": {"decoder": "gru", "attention": "additive"},
    "coverage": {"decoder": "lstm", "attention": "additive + coverage"},
    "monotonic": {"decoder": "gru", "attention": {"score": "additive", "weighting": "monotonic"}},
    "past": {"decoder": "gru", "past": "general"},
    "copy": {"decoder": "gru", "head": "copy"},
    "hard monotonic": {
        "decoder": "gru",
        "order": "luong",
        "input_feeding": False,
        "attention": "general",
        "head": "hard-monotonic",
    },
    "no attention": {"decoder": "gru", "attention": "none"},
}


def leaves(state: Any) -> list[Tensor]:
    found: list[Tensor] = []
    tree_map(found.append, state)
    return found


@pytest.mark.parametrize("words", NETS.values(), ids=NETS)
def test_within_sentences_it_is_select(words):
    torch.manual_seed(0)
    config = Config.model_validate({"model": {"size": 8, "embedding": 6, "encoder_layers": 1, "decoder_layers": 1, **words}})
    net: EncoderDecoder = build_seq2seq(config, source_words=9, target_words=9, twins=list(range(9))).network.eval()
    source, W = torch.randint(4, 9, (2, 5)), 3
    with torch.no_grad():
        state = net.start(net.encode(source, torch.ones_like(source, dtype=torch.bool)), source)
        state = select(state, torch.arange(2).repeat_interleave(W))
        for _ in range(3):  # the lines of a sentence part
            _, state = net.step(torch.randint(4, 9, (2 * W,)), state)
    lines = torch.tensor([2, 0, 0, 4, 5, 4])
    moved, selected = reorder(state, lines), select(state, lines)
    assert all(a.equal(b) for a, b in zip(leaves(moved), leaves(selected), strict=True))
    word = torch.randint(4, 9, (2 * W,))
    with torch.no_grad():
        assert net.step(word, moved)[0].equal(net.step(word, selected)[0])


def test_what_is_common_is_not_copied():
    config = Config.model_validate({"model": {"size": 8, "embedding": 6, "decoder": "gru", "attention": "additive"}})
    net = build_seq2seq(config, source_words=9, target_words=9).network.eval()
    source = torch.randint(4, 9, (2, 5))
    state = net.start(net.encode(source, torch.ones_like(source, dtype=torch.bool)), source)
    assert reorder(state, torch.tensor([0, 1])).decoder.source.values is state.decoder.source.values
