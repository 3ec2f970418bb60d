"""A graph of a net says what the net says: at other sizes than those that it was recorded at, played by numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from regard.config import read_config
from regard.core.state import tree_map
from regard.export.trace import Unexportable, trace
from regard.networks.encoder_decoder import EncoderDecoder
from regard.runtime.graph import from_json, to_json
from regard.runtime.player import NAMES, Player
from regard.tasks.seq2seq_builder import build_seq2seq

RECURRENT = {"embedding": 6, "size": 8, "dropout": 0.0}
TRANSFORMER = {"family": "transformer", "size": 8, "feedforward": 10, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0}
NETS: dict[str, dict[str, Any]] = {
    "additive": {**RECURRENT},
    "luong": {**RECURRENT, "order": "luong", "encoder": "bigru", "decoder": "gru", "attention": {"score": "cosine", "heads": 2}},
    "peephole": {**RECURRENT, "encoder": "bilstm-peephole", "encoder_layers": 2, "decoder": "gru-reset-before"},
    "history": {**RECURRENT, "attention": {"score": "location-sensitive(8)", "scope": "local-p(3)", "weighting": "entmax"}},
    "monotonic": {**RECURRENT, "attention": {"weighting": "monotonic-soft"}},
    "marginal": {**RECURRENT, "attention": {"weighting": "marginal"}},
    "hard-monotonic": {**RECURRENT, "order": "luong", "input_feeding": False, "head": "hard-monotonic"},
    "past": {**RECURRENT, "past": {"score": "additive"}},
    "fixed": {**RECURRENT, "attention": "none", "context": "structured"},
    "transformer": {**TRANSFORMER},
    "windows": {**TRANSFORMER, "norm": "post", "positions": "rotary", 
                "self_attention": {"scope": "window(back=3)", "weighting": "sparsemax"}},
    "aaren": {**TRANSFORMER, "family": "aaren"},
}  # fmt: skip
SIZES = ((11, 13, 5), (17, 19, 9), (23, 31, 26), (13, 23, 7), (19, 29, 1), (29, 37, 2))  # batch, places, words before


class Functions:
    """What a net does as functions of tensors by name; the form of its state is seen when it is made."""

    def __init__(self, net: EncoderDecoder) -> None:
        self.net, self.state = net, None
        self.random = torch.Generator().manual_seed(1)

    def source(self, rows: int, places: int) -> dict[str, Tensor]:
        valid = torch.arange(places) < torch.randint(0, places + 1, (rows, 1), generator=self.random)
        valid[0] = True
        return {"source": torch.randint(4, 20, (rows, places), generator=self.random) * valid, "valid": valid}

    def words(self, rows: int) -> Tensor:
        return torch.randint(4, 20, (rows,), generator=self.random)

    def start(self, source: Tensor, valid: Tensor) -> dict[str, Tensor]:
        encoded = self.net.encode(source, valid, weights=True)
        self.state = self.net.start(encoded, source)
        return {**encoded.looks, **_flat(self.state)}

    def step(self, words: Tensor, **state: Tensor) -> dict[str, Tensor]:
        each = iter(state.values())
        begun = tree_map(lambda _: next(each), self.state)
        written, _ = self.net.write(words[:, None], begun.decoder, weights=True)
        log_p, left = self.net(words[:, None], begun)
        self.state = left
        return {"log_p": log_p[:, 0], **self.net.head.shown(written, words[:, None], begun.head), **_flat(left)}


def _flat(state: Any) -> dict[str, Tensor]:
    leaves: list[Tensor] = []
    tree_map(leaves.append, state)
    return {f"state.{i}": leaf for i, leaf in enumerate(leaves)}


def _states(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in told if name.startswith("state.")}


def _graphs(net: EncoderDecoder) -> tuple[Player, Player]:
    of, starts, steps = Functions(net), [], []
    for rows, places, before in SIZES:
        starts.append(of.source(rows, places))
        state = _states(of.start(**starts[-1]))
        for _ in range(before):
            state = _states(of.step(of.words(rows), **state))
        steps.append({"words": of.words(rows), **state})
    names = {id(t): name for name, t in net.named_parameters()}
    made = []
    for function, examples in ((of.start, starts), (of.step, steps)):
        graph = trace(function, examples, names, weights := {})
        made.append(Player(from_json(json.loads(json.dumps(to_json(graph))), NAMES, "a graph"), weights))
    return made[0], made[1]


def _agree(told: Mapping[str, np.ndarray], right: Mapping[str, Tensor]) -> None:
    assert set(told) == set(right)
    for name, tensor in right.items():
        assert told[name].dtype == tensor.numpy().dtype and told[name].shape == tuple(tensor.shape), name
        np.testing.assert_allclose(told[name], tensor.numpy(), atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", NETS)
def test_a_graph_says_what_its_net_says(name):
    torch.manual_seed(3)
    data = {"max_source_length": 40, "max_target_length": 40}
    net = build_seq2seq(read_config({"data": data, "model": NETS[name]}), source_words=20, target_words=20).eval().network
    with torch.no_grad():
        start, step = _graphs(net)
        for rows, places in ((1, 1), (3, 2), (5, 17)):
            of = Functions(net)
            given = of.source(rows, places)
            right = of.start(**given)
            told = start(**{name: tensor.numpy() for name, tensor in given.items()})
            _agree(told, right)
            for _ in range(8):
                words = of.words(rows)
                right = of.step(words, **_states(right))
                told = step(words=words.numpy(), **_states(told))
                _agree(told, right)


def test_what_depends_on_numbers_is_refused():
    def looking(x: Tensor) -> dict[str, Tensor]:
        return {"y": x + 1 if x.square().sum() > 0 else x * 2}  # the same of all examples

    def branch(x: Tensor) -> dict[str, Tensor]:
        return {"y": x * 2 if len(x) == 5 else x + 1}

    def overwritten(x: Tensor) -> dict[str, Tensor]:
        y = x.clone()
        y[:, 0] = 0
        return {"y": y}

    def counted(x: Tensor) -> dict[str, Tensor]:
        return {"y": x.new_zeros({3: 8, 5: 2, 7: 11}[len(x)])}

    examples = [{"x": torch.ones(3, 5)}, {"x": -torch.ones(5, 7)}, {"x": torch.ones(7, 11)}]
    for function, reason in (
        (looking, "looks in Python at numbers that depend"),
        (branch, "does add at one size and mul at another"),
        (overwritten, "written over"),
        (counted, "does not tell"),
    ):
        with pytest.raises(Unexportable, match=reason):
            trace(function, examples, {}, {})
