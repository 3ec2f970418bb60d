"""Roads to one and the same, where two of them part, and the twins of a look (see `twins`)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.attention import Attention
from regard.attention.memory import Memory
from regard.build import networks
from regard.core.optional import without_loops

from .products import Product, alike, kinds
from .products import scope as scope_of

MOST = 2e-6  # by which twins may differ, of numbers up to 1; where some are larger, by as much of the largest
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
    if scope_of(scope).fades:
        K = min(K, 17)
    if "16" in score:  # of a table that holds so many places
        K = min(K, 16)
    torch.manual_seed(by.randrange(2**31))
    width = by.choice([8, 12, 24])
    memory_size = width if alike(score) and not project else by.choice([5, 8, 16])
    rotary = project and by.random() < 0.2 and width // heads % 2 == 0
    attention = networks.make_attention(
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


def looks(count: int, seed: object) -> Iterator[tuple[str, list[Difference]]]:
    for number in range(count):
        look = draw_look(random.Random(f"look {seed} {number}"))
        yield look.name, differences_of_look(look)
