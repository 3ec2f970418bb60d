"""Twins: every road to one look, or to one step of a net, says the same and leaves the same memory behind.

    python -m tests.laws.twins --looks 2000 --nets 300

The roads: with compiled loops and as where numba is not installed; with weights asked for and without; with gradients, under
`no_grad` and in inference mode; step by step and at once; a net as it was trained and the net in use that is made of it.  A look's
twins must agree in context, weights, *what is left in the memory* and mixture; a net's in what it says, in its states, in the memories
of them, and in the answers of a search, with their scores and attention.

All other laws take float64 with gradients, which no loop for nets in use ever takes.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.attention import Attention
from regard.attention.memory import Memory
from regard.data.batches import Batch, collate
from regard.ground.errors import ConfigError
from regard.ground.optional import without_loops
from regard.networks import packed
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.in_use import in_use
from regard.tasks.transduce import Beam, Limits, Transduce, answer
from regard.workshop import build
from regard.workshop.config import ModelSection

from .memories import CONTEXTS, MEMORIES
from .products import Product, alike, kinds
from .products import attention as kind_of
from .products import scope as scope_of
from .spoken import HEADS

MOST = 2e-6  # by which twins may differ, of numbers up to 1; where some are larger, by as much of the largest
V, EOS = 11, 2
MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "with gradients": torch.enable_grad,
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
}


class Difference(NamedTuple):
    """Between two roads: of which thing, and how large (inf: another shape, or not there at all)."""

    what: str
    road: str
    by: float


def apart(what: str, road: str, got: Any, want: Any) -> Iterator[Difference]:
    """Where two states, or parts of them, differ.  Tensors of whole numbers, and words, must be the same."""
    if isinstance(want, Tensor) and isinstance(got, Tensor):
        if got.shape != want.shape:
            yield Difference(what, road, float("inf"))
        elif want.numel():
            far = (got.detach().double() - want.detach().double()).abs().nan_to_num(nan=float("inf")).max()
            size = want.detach().double().abs().nan_to_num(posinf=0.0).max().clamp(min=1)
            if not float(far / size) <= MOST:
                yield Difference(what, road, float(far / size))
    elif is_dataclass(want) and not isinstance(want, type):
        for x in fields(want):
            yield from apart(f"{what}.{x.name}", road, getattr(got, x.name, None), getattr(want, x.name))
    elif isinstance(want, dict) and isinstance(got, dict) and set(got) == set(want):
        for name in want:
            yield from apart(f"{what}[{name}]", road, got[name], want[name])
    elif isinstance(want, tuple) and isinstance(got, tuple) and len(got) == len(want):
        for i, pair in enumerate(zip(got, want, strict=True)):
            yield from apart(f"{what}.{getattr(want, '_fields', range(99))[i]}", road, *pair)
    elif isinstance(want, Tensor | dict | tuple) or got != want:
        yield Difference(what, road, float("inf"))


# --- looks


@dataclass(frozen=True)
class Look:
    """An attention, what it looks at, and who asks.  heads: as `make_attention` takes them."""

    name: str
    attention: Attention
    source: Tensor
    valid: Tensor
    query: Tensor
    at: Tensor | None


def draw_look(by: random.Random) -> Look:
    """Any kinds."""
    of = kinds()
    while True:
        score, scope, weighting = by.choice(of.scores), by.choice(of.scopes), by.choice(of.weightings)
        if not Product(score, scope, weighting, 1, "recurrent").refusals():
            return look_of(by, score, scope, weighting, *by.choice([(1, False), (1, True), (2, True), (4, True)]))


def look_of(by: random.Random, score: str, scope: str, weighting: str, heads: int, project: bool) -> Look:
    """Sizes small, or past those from which another road is taken (fused attention, tiles)."""
    B, K, Q = by.choice([1, 2, 3, 5]), by.choice([0, 1, 2, 5, 11, 17, 40]), by.choice([1, 2, 5, 9])
    # Where the light of a scope that fades falls is known to a 1e-7th of the length, and that shows where sources are long.
    if by.random() < 0.06 and not scope_of(scope).fades:
        K, Q = by.choice([(70, 66), (270, 3), (40, 270), (270, 270)])
    if "16" in score:  # of a table that holds so many places
        K = min(K, 16)
    torch.manual_seed(by.randrange(2**31))
    width = by.choice([8, 12, 24])
    memory_size = width if alike(score) and not project else by.choice([5, 8, 16])
    rotary = project and by.random() < 0.2 and width // heads % 2 == 0
    attention = build.make_attention(
        score=score, scope=scope, weighting=weighting, query_size=width, memory_size=memory_size, heads=heads, project=project,
        bias=project and by.random() < 0.5, groups=by.choice([1, heads]), rotary=rotary,
    )  # fmt: skip
    if attention.sequential:
        Q = min(Q, 9)
    with torch.no_grad():
        for x in attention.parameters():
            x.add_(0.1 * torch.randn_like(x))
    valid = torch.arange(K) < torch.tensor([by.randint(0, K) if b else K for b in range(B)])[:, None]
    at = None if Q == K and by.random() < 0.5 else torch.arange(Q).expand(B, Q) + by.choice([0, 0, 3])
    name = f"{score}, {scope}, {weighting}, {heads} heads{', projected' * project}, B {B}, Q {Q}, K {K}"
    return Look(name, attention.eval(), 0.5 * torch.randn(B, K, memory_size), valid, 0.5 * torch.randn(B, Q, width), at)


class Seen(NamedTuple):
    """What a look tells on one road; "memory": what is left of the past; of many queries one after the other."""

    context: Tensor
    memory: Any
    mixture: Any
    weights: Tensor | None = None


def see(look: Look, *, weights: bool, at_once: bool) -> Seen:
    memory: Memory = look.attention.remember(look.source, look.valid)
    Q = look.query.shape[1]
    at = torch.arange(Q).expand(len(look.query), Q) if look.at is None else look.at
    if at_once:
        told = [look.attention(look.query, memory, look.at, weights=weights)]
    else:
        told, now = [], memory
        for q, a in zip(look.query.split(1, 1), at.split(1, 1), strict=True):
            told.append(look.attention(q, now, a, weights=weights))
            now = told[-1].memory
    mixed = [r.mixture for r in told if r.mixture is not None]
    assert len(mixed) in (0, len(told))
    return Seen(
        torch.cat([r.context for r in told], 1),
        told[-1].memory,
        (mixed[0].context, torch.cat([m.share for m in mixed], 1)) if mixed else None,
        torch.cat([r.weights for r in told], 2) if weights else None,
    )


class Road(NamedTuple):
    """One way to the same."""

    loops: bool
    weights: bool
    mode: str
    at_once: bool

    def __str__(self) -> str:
        told = ("loops", self.loops), ("weights", self.weights)
        return ", ".join(
            [*(name if on else f"no {name}" for name, on in told), self.mode, "at once" if self.at_once else "steps"]
        )

    def taken(self) -> AbstractContextManager[Any]:
        """Within it this road is gone."""
        stack = ExitStack()
        stack.enter_context(nullcontext() if self.loops else without_loops())
        stack.enter_context(MODES[self.mode]())
        return stack


ROADS = tuple(Road(*each) for each in product((True, False), (True, False), MODES, (False, True)))
FEW = (
    Road(True, False, "no_grad", False),
    Road(True, True, "inference", False),
    Road(True, False, "inference", True),
    Road(False, False, "no_grad", False),
)


def differences_of_look(look: Look, roads: Sequence[Road] = ROADS) -> list[Difference]:
    """Each road against the plain one: no loops, gradients, weights, one query after the other."""
    made: list[Difference] = []
    with without_loops():
        plain = see(look, weights=True, at_once=False)
    for road in roads:
        if not (road.at_once and look.attention.sequential):
            with road.taken():
                got = see(look, weights=road.weights, at_once=road.at_once)
            made += apart("look", str(road), got, plain if road.weights else plain._replace(weights=None))
    return made


# --- nets


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
    cell = by.choice(list(build.CELLS))
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
    made = build.recurrent if model.get("family", "recurrent") == "recurrent" else build.transformer
    task = Transduce(made(ModelSection(**{"dropout": 0.0, "max_positions": 40, **model}), V, V)).train()
    lines = [[by.randint(4, V - 1) for _ in range(by.choice([1, 2, 3, 6, 9]))] for _ in range(4)]
    batch = collate([([*line, EOS], [*line[::-1], EOS]) for line in lines], range(len(lines)))
    adam = torch.optim.Adam(task.parameters(), 0.02)
    for _ in range(updates):
        adam.zero_grad()
        task.loss(batch).total.backward()
        torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
        adam.step()
    words = torch.tensor([[by.randint(4, V - 1) for _ in range(5)] for _ in lines])
    return Net(str(model), task.eval().network, batch, words, by.choice([1, packed.LEAST]))


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
    found = answer([network], net.batch, way=Beam(2), limits=Limits(ratio=1, extra=3), attention=attention)
    return tuple(
        (h.words, torch.tensor(h.score), {k: torch.from_numpy(w) for k, w in h.attention.items()} if attention else {})
        for row in found
        for h in row
    )


def differences_of_net(net: Net, roads: Sequence[Road] = ROADS) -> list[Difference]:
    """Each road against the plain one: the net as it was trained, no loops, gradients, step by step."""
    before, packed.LEAST = packed.LEAST, net.least
    try:
        return list(_differences_of_net(net, roads))
    finally:
        packed.LEAST = before


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


def looks(count: int, seed: object) -> Iterator[tuple[str, list[Difference]]]:
    for number in range(count):
        look = draw_look(random.Random(f"look {seed} {number}"))
        yield look.name, differences_of_look(look)


def nets(count: int, seed: object, updates: int = 12, roads: Sequence[Road] = ROADS) -> Iterator[tuple[str, list[Difference]]]:
    for number in range(count):
        net = draw_net(random.Random(f"net {seed} {number}"), updates)
        yield net.name, differences_of_net(net, roads)


def main() -> int:
    """Tries so many looks and nets; prints those whose roads part, and how many they are.  Exit status 1 where there are any."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--looks", type=int, default=2000, help="how many random looks")
    read.add_argument("--nets", type=int, default=300, help="how many random nets, briefly trained")
    read.add_argument("--seed", type=int, default=1)
    read.add_argument("--updates", type=int, default=12, help="of each net, before it is used")
    asked = read.parse_args()
    torch.set_num_threads(1)
    parted = 0
    for kind, every in (("looks", looks(asked.looks, asked.seed)), ("nets", nets(asked.nets, asked.seed, asked.updates))):
        wrong = tried = 0
        for name, found in every:
            tried, wrong = tried + 1, wrong + bool(found)
            for difference in found[:3]:
                print(f"{kind} {tried - 1}: {name}: {difference.what} by {difference.by:.1e} ({difference.road})", flush=True)
        print(f"{kind}: {tried:,} tried, {wrong:,} with differences above {MOST:g}", flush=True)
        parted += wrong
    return int(parted > 0)


if __name__ == "__main__":
    sys.exit(main())
