"""The products that the laws run over: every word of the tables and some expressions of them, with heads, families and sources.

A score, scope or weighting that is added to the tables is under all laws from then on; nothing here names its class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd
from typing import Any

import pytest
import torch
from torch import Tensor

from regard.attention import Attention, Memory, Reading
from regard.attention.weighting import Choice
from regard.networks.coder import Written
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.transduce import Transduce
from regard.workshop import build, words
from regard.workshop.config import AttentionSection, ModelSection

B, K, Q, T, V = 3, 5, 4, 4, 7  # the third source has no real place at all
LENGTHS = (5, 3, 0)
MOST = 500  # decoders: a larger product is thinned evenly


def written(table: words.Table) -> list[str]:
    """Each word of a table, with 2 for each number that it must be given."""
    given = {word: [f"{a.name}={max(2, a.least)}" for a in known.arguments if a.required] for word, known in table.items()}
    return [f"{word}({', '.join(numbers)})" if numbers else word for word, numbers in given.items()]


SCORES = [*written(words.SCORES), "additive(3)", "scaled + additive(3)", "general + cosine"]
SCOPES = [*written(words.SCOPES), "causal & window(2)", "~window(1)", "window(1) | causal"]
WEIGHTINGS = written(words.WEIGHTINGS)
HEADS = {"bare": (1, False), "projected": (1, True), "two heads": (2, True)}
RECURRENT = {
    "bahdanau-rnn": {"decoder": "rnn", "encoder": "rnn"},
    "bahdanau-gru": {"decoder": "gru", "encoder": "gru", "decoder_layers": 2},
    "bahdanau-lstm": {"decoder": "lstm", "encoder": "lstm"},
    "feeding-gru": {"order": "luong", "decoder": "gru", "encoder": "lstm", "encoder_layers": 2},
    "feeding-lstm": {"order": "luong", "decoder": "lstm", "encoder": "gru", "decoder_layers": 2},
    "luong-lstm": {"order": "luong", "input_feeding": False, "decoder": "lstm", "encoder": "rnn"},
    "luong-rnn": {"order": "luong", "input_feeding": False, "decoder": "rnn", "encoder": "gru", "decoder_layers": 2},
}
TRANSFORMERS = {f"{n}-{p}": {"norm": n, "positions": p} for n, p in product(("pre", "post"), ("sinusoidal", "learned"))}
FIXED = {
    f"{c}-{u}": {"context": c, "context_use": u} for c, u in product(("last", "transform", "all"), ("state", "input", "both"))
}


def alike(score: str) -> bool:
    """Whether the score wants queries and keys of one width."""
    return any(words.SCORES[word.name].same_width for word in words.leaves(words.score(score)))


def thinned(sizes: Sequence[int], most: int) -> list[int]:
    """Which of a product's members stay: all, or every n-th, where n shares no factor with any size, so that no kind is left out."""
    count = 1
    for size in sizes:
        count *= size
    step = -(-count // most)
    while any(gcd(step, size) > 1 for size in sizes):
        step += 1
    return list(range(0, count, step))


@dataclass(frozen=True)
class Look:
    """An attention in use, and something to look at: widths 6 and 5 (or 6), the last source empty."""

    attention: Attention
    source: Tensor
    valid: Tensor
    query: Tensor
    at: Tensor

    def remember(self, source: Tensor | None = None, valid: Tensor | None = None) -> Memory:
        return self.attention.remember(self.source if source is None else source, self.valid if valid is None else valid)

    def read(self, memory: Memory, query: Tensor | None = None, at: Tensor | None = None) -> Reading:
        """All looks, with weights; of a sequential attention one after the other."""
        query, at = self.query if query is None else query, self.at if at is None else at
        if not self.attention.sequential:
            return self.attention(query, memory, at, weights=True)
        readings = []
        for q, a in zip(query.split(1, 1), at.split(1, 1), strict=True):
            readings.append(self.attention(q, memory, a, weights=True))
            memory = readings[-1].memory
        drawn = [r.choice for r in readings if r.choice is not None]
        choice = Choice(*(torch.cat(parts, 1) for parts in zip(*drawn, strict=True))) if drawn else None
        context, weights = torch.cat([r.context for r in readings], 1), torch.cat([r.weights for r in readings], 2)
        return Reading(context, memory, weights, choice)


@dataclass(frozen=True)
class Net:
    """A network in use, and something to read: words, some of them padding, the last source empty."""

    network: EncoderDecoder
    source: Tensor
    valid: Tensor
    words: Tensor

    def start(self, source: Tensor | None = None, valid: Tensor | None = None) -> Any:
        return self.network.decoder.start(
            self.network.encode(self.source if source is None else source, self.valid if valid is None else valid)
        )

    def write(self, words: Tensor | None = None, state: Any = None, *, weights: bool = False) -> tuple[Written, Any]:
        state = self.start() if state is None else state
        return self.network.write(self.words if words is None else words, state, weights=weights)


@pytest.fixture
def float64() -> Iterator[None]:
    """Double precision and a known seed, for one test."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def make_look(score: str, scope: str, weighting: str, heads: str, dropout: float = 0.0) -> Look:
    count, project = HEADS[heads]
    memory_size = 6 if alike(score) and not project else 5
    attention = build.make_attention(
        score=score, scope=scope, weighting=weighting, query_size=6, memory_size=memory_size, heads=count, project=project,
        bias=project, dropout=dropout,
    )  # fmt: skip
    valid = torch.arange(K) < torch.tensor(LENGTHS)[:, None]
    return Look(attention.eval(), torch.randn(B, K, memory_size), valid, torch.randn(B, Q, 6), torch.arange(Q).expand(B, Q))


def make_net(family: str, score: str, scope: str, weighting: str, heads: str) -> Net:
    count, project = HEADS[heads]
    look = AttentionSection(score=score, scope=scope, weighting=weighting, heads=count, project=project or None)
    if family in TRANSFORMERS:
        own = look.model_copy(update={"scope": "everywhere"}) if build.make_scope(scope, query_size=6).whole else look
        sizes = {"size": 6, "feedforward": 5, "max_positions": 16, "encoder_layers": 2, "decoder_layers": 2}
        keys = {"family": "transformer", **sizes, **TRANSFORMERS[family], "attention": look, "self_attention": own}
    else:
        keys = RECURRENT[family] | {"embedding": 5, "size": 6, "attention": look}
        if project or not alike(score):
            keys["encoder"] = f"bi{keys['encoder']}"
    return net(ModelSection(**keys))


def make_fixed(name: str) -> Net:
    cell = ("rnn", "gru", "lstm")[list(FIXED).index(name) % 3]
    sizes = {"embedding": 5, "size": 6, "encoder": f"bi{cell}", "decoder": cell, "decoder_layers": 2}
    return net(ModelSection(**FIXED[name], **sizes, attention="none"))


def net(model: ModelSection) -> Net:
    made = (build.transformer if model.family == "transformer" else build.recurrent)(model, V, V)
    valid = torch.arange(K) < torch.tensor(LENGTHS)[:, None]
    return Net(made.eval(), torch.randint(1, V, (B, K)) * valid, valid, torch.randint(1, V, (B, T)))


def at_once(**kinds: str) -> bool:
    return not build.make_attention(**kinds, query_size=6, memory_size=6).sequential


LOOKS = list(product(SCORES, SCOPES, WEIGHTINGS, HEADS))
_KINDS = [(*kinds, family) for kinds in product(SCORES, SCOPES, WEIGHTINGS) for family in (*RECURRENT, *TRANSFORMERS)]
_SIZES = [len(x) for x in (SCORES, SCOPES, WEIGHTINGS, [*RECURRENT, *TRANSFORMERS])]
# Heads take turns: each score, scope and weighting meets each number of heads in some families.
NETS = [
    (family, score, scope, weighting, list(HEADS)[(i + i // _SIZES[-1]) % len(HEADS)])
    for i in thinned(_SIZES, MOST)
    for score, scope, weighting, family in [_KINDS[i]]
    if family in RECURRENT or at_once(score=score, weighting=weighting)  # refused there, which a test of its own sees
]
NETS += [("fixed", name) for name in FIXED]


@pytest.fixture(params=written(words.SCORES))
def score(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=written(words.SCORES))
def other_score(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=written(words.SCOPES))
def scope(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=written(words.SCOPES))
def other_scope(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[score for score in written(words.SCORES) if at_once(score=score)])
def score_at_once(request: pytest.FixtureRequest) -> str:
    """A score that a Transformer takes."""
    return request.param


@pytest.fixture(params=[weighting for weighting in written(words.WEIGHTINGS) if at_once(weighting=weighting)])
def weighting_at_once(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=LOOKS, ids=lambda case: ", ".join(case))
def look(request: pytest.FixtureRequest, float64: None) -> Look:
    return make_look(*request.param)


@pytest.fixture(params=NETS, ids=lambda case: ", ".join(case))
def any_net(request: pytest.FixtureRequest, float64: None) -> Net:
    family, *kinds = request.param
    return make_fixed(*kinds) if family == "fixed" else make_net(family, *kinds)


FEW = [
    ("bahdanau-gru", "additive", "everywhere", "softmax", "bare"),
    ("bahdanau-lstm", "scaled", "window(1)", "sparsemax", "two heads"),
    ("feeding-lstm", "general", "causal", "hard", "projected"),
    ("luong-lstm", "dot", "everywhere", "softmax", "bare"),
    ("pre-sinusoidal", "scaled", "everywhere", "softmax", "two heads"),
    ("post-learned", "additive", "window(1)", "sparsemax", "two heads"),
    ("fixed", "all-both"),
]


@pytest.fixture(params=FEW, ids=lambda case: ", ".join(case))
def some_net(request: pytest.FixtureRequest, float64: None) -> Net:
    """One of each family, for laws that do not hang on the kinds; their logits far enough apart that no draw is a coin's toss."""
    family, *kinds = request.param
    made = make_fixed(*kinds) if family == "fixed" else make_net(family, *kinds)
    for head in made.network.head.parameters():
        head.data *= 3
    return made


@pytest.fixture
def task_of():
    """The task around a network, without label smoothing."""
    return lambda made, **keys: Transduce(made.network, **keys).eval()
