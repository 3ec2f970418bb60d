"""The twins of a net: as it was trained and in use, on all roads (see `twins`)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.attention.memory import Memory
from regard.build import networks
from regard.config import ModelSection
from regard.core.arrays import to_arrays, to_tensors
from regard.core.errors import ConfigError
from regard.core.optional import without_loops
from regard.data.batching import Batch, collate
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.inference import prepacked
from regard.inference.array_writer import ArrayWriter
from regard.inference.prepare import in_use
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.writing import answer

from .memories import CONTEXTS, MEMORIES
from .products import attention as kind_of
from .products import kinds
from .spoken import HEADS
from .twin_looks import ROADS, Difference, Road, apart

V, EOS = 11, 2


def draw_model(by: random.Random) -> dict[str, Any]:
    """Any family, shape, and kinds of looks; now and then one of the nets that differ in memory, head or context."""
    chance = by.random()
    if chance < 0.25:
        return dict(by.choice(list({**MEMORIES, **HEADS}.values())))
    if chance < 0.3:
        return {"embedding": 5, "size": 6, "encoder": "bigru", "decoder": "gru", "attention": "none"} | by.choice(
            list(CONTEXTS.values())
        )
    of = kinds()
    score, scope = (
        by.choice(of.scores if by.random() < 0.7 else [s for s in of.scores if kind_of(s).sequential]),
        by.choice(of.scopes),
    )
    look: dict[str, Any] = {"score": score, "scope": scope, "weighting": by.choice(of.weightings), "heads": by.choice([1, 2])}
    if by.random() < 0.35:  # what nets in use take in one step
        look = {"score": by.choice(["additive", "dot", "general", "scaled"])}
    if by.random() < 0.3:
        family = by.choice(["transformer", "transformer", "aaren"])
        sizes = {
            "size": 16,
            "heads": 2,
            "feedforward": 12,
            "encoder_layers": by.choice([1, 2]),
            "decoder_layers": by.choice([1, 2]),
        }
        own = look if by.random() < 0.5 else {"score": "scaled"}
        more = {"norm": by.choice(["pre", "post"]), "positions": by.choice(["sinusoidal", "learned", "rotary", "none"])}
        return {
            "family": family,
            **sizes,
            **more,
            "activation": by.choice(["relu", "gelu"]),
            "attention": look,
            "self_attention": own,
        }
    cell = by.choice(list(networks.CELLS))
    encoder = by.choice(["", "bi"]) + by.choice(["rnn", "gru", "lstm", cell])
    look |= {"project": True} if by.random() < 0.3 else {}
    model = {"embedding": by.choice([5, 8]), "size": 8, "encoder": encoder, "decoder": cell, "attention": look}
    model |= {
        "order": by.choice(["bahdanau", "luong"]),
        "decoder_layers": by.choice([1, 1, 2]),
        "encoder_layers": by.choice([1, 1, 2]),
    }
    if model["order"] == "luong":
        model["input_feeding"] = by.choice([True, False])
    model |= {"past": by.choice(["general", look])} if by.random() < 0.15 else {}
    return model | ({"head": "copy"} if by.random() < 0.15 else {})


@dataclass(frozen=True)
class Net:
    """A net that was briefly trained, sources to read, and words to write."""

    name: str
    network: EncoderDecoder
    batch: Batch
    words: Tensor
    least: int  # numbers of a matrix from which it is laid out for use


def draw_net(by: random.Random, updates: int) -> Net:
    """Any net that can be built, after some updates on made-up pairs."""
    while True:
        try:
            return net_of(by, draw_model(by), updates)
        except ConfigError:
            continue


def net_of(by: random.Random, model: dict[str, Any], updates: int) -> Net:
    """A net of a model section.  Raises ConfigError where it cannot be built."""
    torch.manual_seed(by.randrange(2**31))
    made = networks.recurrent if model.get("family", "recurrent") == "recurrent" else networks.transformer
    task = Seq2SeqNetwork(made(ModelSection(**{"dropout": 0.0, "max_positions": 40, **model}), V, V)).train()
    lines = [[by.randint(4, V - 1) for _ in range(by.choice([1, 2, 3, 6, 9]))] for _ in range(4)]
    batch = to_tensors(collate([([*line, EOS], [*line[::-1], EOS]) for line in lines], range(len(lines))))
    adam = torch.optim.Adam(task.parameters(), 0.02)
    for _ in range(updates):
        adam.zero_grad()
        task.loss(batch).total.backward()
        torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
        adam.step()
    words = torch.tensor([[by.randint(4, V - 1) for _ in range(5)] for _ in lines])
    return Net(str(model), task.eval().network, batch, words, by.choice([1, prepacked.LEAST]))


class Said(NamedTuple):
    log_p: Tensor
    at: Tensor
    cells: Any
    memory: Any
    looks: Any = None


def say(net: Net, network: EncoderDecoder, *, weights: bool, at_once: bool) -> Said:
    encoded = network.encode(net.batch.source, net.batch.source_valid, weights=weights)
    state = network.start(encoded, net.batch.source)
    told, looks = [], []
    for words in [net.words] if at_once else net.words.split(1, 1):
        if weights:
            looks.append(network.looked(words, state))
        log_p, state = network(words, state)
        told.append(log_p)
    inner = state.decoder
    left = getattr(inner, "inner", inner)  # of a decoder that looks back at itself
    source = getattr(left, "source", None)
    kept = tuple(m.past for m in (source, getattr(inner, "own", None)) if isinstance(m, Memory))
    cross = [each[name] for each in looks for name in each if name.endswith("cross")]
    shown = (
        None if not cross else torch.cat(cross, 2) if len({c.shape[3] for c in cross}) == 1 and len(cross) == len(looks) else None
    )
    return Said(torch.cat(told, 1), inner.at, getattr(left, "cells", None), kept, shown)


@torch.no_grad()
def answers(net: Net, network: EncoderDecoder, attention: bool) -> Any:
    found = answer(ArrayWriter(network), to_arrays(net.batch), way=Beam(2), limits=Limits(ratio=1, extra=3), attention=attention)
    return tuple(
        (h.words, torch.tensor(h.score), {k: torch.from_numpy(w) for k, w in h.attention.items()} if attention else {})
        for row in found
        for h in row
    )


def differences_of_net(net: Net, roads: Sequence[Road] = ROADS) -> list[Difference]:
    """Each road against the plain one: the net as it was trained, no loops, gradients, step by step."""
    before, prepacked.LEAST = prepacked.LEAST, net.least
    try:
        return list(_differences_of_net(net, roads))
    finally:
        prepacked.LEAST = before


def _differences_of_net(net: Net, roads: Sequence[Road]) -> Iterator[Difference]:
    with without_loops():
        plain, best = say(net, net.network, weights=True, at_once=False), answers(net, net.network, True)
    bare = tuple((words, score, {}) for words, score, _ in best)
    for loops, used in product((True, False), (True, False)):
        name = f"{'loops' if loops else 'no loops'}, {'in use' if used else 'as trained'}"
        with nullcontext() if loops else without_loops():
            network = in_use(net.network, len(net.words)) if used else net.network
            yield from apart("answer", f"{name}, attention", answers(net, network, True), best)
            yield from apart("answer", f"{name}, no attention", answers(net, network, False), bare)
        for road in (r for r in roads if r.loops == loops):
            with road.taken():
                got = say(net, network, weights=road.weights, at_once=road.at_once)
            want = plain._replace(looks=got.looks if got.looks is None or plain.looks is None else plain.looks)
            yield from apart("net", f"{name}, {road}", got, want)


def nets(count: int, seed: object, updates: int = 12, roads: Sequence[Road] = ROADS) -> Iterator[tuple[str, list[Difference]]]:
    for number in range(count):
        net = draw_net(random.Random(f"net {seed} {number}"), updates)
        yield net.name, differences_of_net(net, roads)
