"""The products that the laws run over: every word of the tables and some expressions of them, with heads, families and sources.

A score, scope or weighting that is added to the tables is under all laws from then on, and so is one of yours:
`pytest tests/laws --score my.module:Class -k Class` (also --scope, --weighting, --cell; each again for more).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import gcd, prod
from typing import Any

import pytest
import torch
from torch import Tensor

from regard.attention import Attention, AttentionOutput, Memory, Score
from regard.attention.weighting import SampledLogProb
from regard.build import networks
from regard.config import AttentionSection, ModelSection
from regard.core.errors import ConfigError
from regard.networks.base import DecoderOutput
from regard.networks.encoder_decoder import EncoderDecoder, Writing
from regard.tasks.seq2seq import Seq2SeqNetwork

from .memories import CONTEXTS as FIXED
from .memories import MEMORIES
from .products import SEED, Kinds, Product, alike, batches, cells, kinds, pairwise, sample, size
from .spoken import HEADS as SPOKEN

B, K, Q, T, V = 3, 5, 4, 4, 7  # the third source has no real place at all
LENGTHS = (5, 3, 0)
DECODERS = 300  # a larger product is thinned evenly

HEADS = {"bare": (1, False), "projected": (1, True), "two heads": (2, True)}
RECURRENT = {
    "bahdanau-rnn": {"decoder": "rnn", "encoder": "rnn"},
    "bahdanau-gru": {"decoder": "gru", "encoder": "gru", "decoder_layers": 2},
    "bahdanau-lstm": {"decoder": "lstm", "encoder": "lstm"},
    "feeding-gru": {"order": "luong", "decoder": "gru", "encoder": "lstm", "encoder_layers": 2},
    "feeding-lstm": {"order": "luong", "decoder": "lstm", "encoder": "gru", "decoder_layers": 2},
    "luong-lstm": {"order": "luong", "input_feeding": False, "decoder": "lstm", "encoder": "rnn"},
    "luong-rnn": {"order": "luong", "input_feeding": False, "decoder": "rnn", "encoder": "gru", "decoder_layers": 2},
    "bahdanau-peephole": {"decoder": "lstm-peephole", "encoder": "lstm-peephole", "decoder_layers": 2},
    "feeding-reset": {"order": "luong", "decoder": "gru-reset-before", "encoder": "lstm-peephole-full", "encoder_layers": 2},
    "luong-full": {"order": "luong", "input_feeding": False, "decoder": "lstm-peephole-full", "encoder": "gru-reset-before"},
}
TRANSFORMERS = {f"{n}-{p}": {"norm": n, "positions": p} for n, p in product(("pre", "post"), ("sinusoidal", "learned"))}


def thinned(sizes: Sequence[int], most: int) -> list[int]:
    """Which of a product's members stay: all, or every n-th, where n shares no factor with any size, so that no kind is left out."""
    step = -(-prod(sizes) // most)
    while gcd(step, prod(sizes)) > 1:
        step += 1
    return list(range(0, prod(sizes), step))


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

    def read(self, memory: Memory, query: Tensor | None = None, at: Tensor | None = None) -> AttentionOutput:
        """All looks, with weights; of a sequential attention one after the other."""
        query, at = self.query if query is None else query, self.at if at is None else at
        if not self.attention.sequential:
            return self.attention(query, memory, at, weights=True)
        readings = []
        for q, a in zip(query.split(1, 1), at.split(1, 1), strict=True):
            readings.append(self.attention(q, memory, a, weights=True))
            memory = readings[-1].memory
        drawn = [r.choice for r in readings if r.choice is not None]
        choice = SampledLogProb(*(torch.cat(parts, 1) for parts in zip(*drawn, strict=True))) if drawn else None
        context, weights = torch.cat([r.context for r in readings], 1), torch.cat([r.weights for r in readings], 2)
        return AttentionOutput(context, memory, weights, choice)


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

    def begin(self, source: Tensor | None = None, valid: Tensor | None = None) -> Writing:
        """The state of decoder and head."""
        source, valid = self.source if source is None else source, self.valid if valid is None else valid
        return self.network.start(self.network.encode(source, valid), source)

    def write(self, words: Tensor | None = None, state: Any = None, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
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
    attention = networks.make_attention(
        score=score, scope=scope, weighting=weighting, query_size=6, memory_size=memory_size, heads=count, project=project,
        bias=project, dropout=dropout,
    )  # fmt: skip
    valid = torch.arange(K) < torch.tensor(LENGTHS)[:, None]
    return Look(attention.eval(), torch.randn(B, K, memory_size), valid, torch.randn(B, Q, 6), torch.arange(Q).expand(B, Q))


def make_net(family: str, score: str, scope: str, weighting: str, heads: str) -> Net:
    count, project = HEADS[heads]
    look = AttentionSection(score=score, scope=scope, weighting=weighting, heads=count, project=project or None)
    if family in TRANSFORMERS:
        sizes = {"size": 6, "feedforward": 5, "max_positions": 16, "encoder_layers": 2, "decoder_layers": 2}
        keys = {"family": "transformer", **sizes, **TRANSFORMERS[family], "attention": look, "self_attention": look}
    else:
        keys = RECURRENT[family] | {"embedding": 5, "size": 6, "attention": look}
        if project or not alike(score):
            keys["encoder"] = f"bi{keys['encoder']}"
    return net(ModelSection(**keys))


def make_fixed(name: str) -> Net:
    cell = list(networks.CELLS)[list(FIXED).index(name) % len(networks.CELLS)]
    sizes = {"embedding": 5, "size": 6, "encoder": f"bi{cell}", "decoder": cell, "decoder_layers": 2}
    return net(ModelSection(**FIXED[name], **sizes, attention="none"))


def make(family: str, *kinds: str) -> Net:
    """A net by its name: of MEMORIES, of SPOKEN, of FIXED, or of a family with its kinds."""
    if family in ("memory", "head"):
        return net(ModelSection(**{"memory": MEMORIES, "head": SPOKEN}[family][kinds[0]]))
    return make_fixed(*kinds) if family == "fixed" else make_net(family, *kinds)


def net(model: ModelSection) -> Net:
    made = (networks.recurrent if model.family == "recurrent" else networks.transformer)(model, V, V)
    valid = torch.arange(K) < torch.tensor(LENGTHS)[:, None]
    return Net(made.eval(), torch.randint(1, V, (B, K)) * valid, valid, torch.randint(1, V, (B, T)))


def chosen(config: pytest.Config) -> Kinds:
    """The kinds of this session: those of the tables, and those that the command line names."""
    try:
        cells(config.getoption("--cell"))
        return kinds(*(tuple(config.getoption(f"--{noun}")) for noun in ("score", "scope", "weighting")))
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_configure(config: pytest.Config) -> None:
    """A word that cannot be read ends the session before it begins."""
    chosen(config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    of = chosen(config)
    terminalreporter.write_line(
        f"laws: {len(sample(of)):,} of {size(of):,} products of kinds (seed {SEED}), {len(looks(of)):,} looks in which each kind "
        f"meets each, {len(nets(of)):,} nets"
    )


@cache
def looks(of: Kinds) -> list[tuple[str, ...]]:
    """Each score meets each scope and each weighting, and all of them each number of heads."""
    return pairwise(of.scores, [s for s in of.scopes if not refused(scope=s)], of.weightings, list(HEADS))


@cache
def nets(of: Kinds) -> list[tuple[str, ...]]:
    """Kinds in every family, thinned evenly.  Heads take turns: each kind meets each number of heads in some families."""
    families = [*RECURRENT, *TRANSFORMERS]
    every = list(product(of.scores, of.scopes, of.weightings, families))
    made = [
        (family, score, scope, weighting, list(HEADS)[(i + i // len(families)) % len(HEADS)])
        for i in thinned([len(x) for x in (of.scores, of.scopes, of.weightings, families)], DECODERS)
        for score, scope, weighting, family in [every[i]]
        if not refused(score, scope, weighting, family in TRANSFORMERS)
    ]
    named = {"fixed": FIXED, "memory": MEMORIES, "head": SPOKEN}
    return made + [(family, name) for family, names in named.items() for name in names]


def refused(score: str = "scaled", scope: str = "everywhere", weighting: str = "softmax", transformer: bool = False) -> bool:
    """What test_products sees to: the laws of this page are for what can be built."""
    return bool(Product(score, scope, weighting, 2, "transformer" if transformer else "recurrent").refusals())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    of = chosen(metafunc.config)
    single = of.words
    params: dict[str, Callable[[], Sequence[Any]]] = {
        "cell": lambda: cells(metafunc.config.getoption("--cell")),
        "score": lambda: single["score"],
        "other_score": lambda: single["score"],
        "scope": lambda: single["scope"],
        "other_scope": lambda: single["scope"],
        "score_at_once": lambda: [s for s in single["score"] if not refused(score=s, transformer=True)],
        "weighting_at_once": lambda: [w for w in single["weighting"] if not refused(weighting=w, transformer=True)],
        "score_without_places": lambda: [s for s in params["score_at_once"]() if "places" not in score_of(s).reads],
        "weighting_without_places": lambda: [w for w in params["weighting_at_once"]() if not networks.make_weighting(w).places],
        "look": lambda: looks(of),
        "any_net": lambda: nets(of),
        "products": lambda: batches(of),
    }
    for name in (n for n in params if n in metafunc.fixturenames):  # in one order in every process
        cases = params[name]()
        metafunc.parametrize(name, cases, indirect=True, ids=[", ".join(c) if isinstance(c, tuple) else str(c) for c in cases])


def score_of(word: str) -> Score:
    return networks.make_attention(score=word, query_size=6, memory_size=6).score


@pytest.fixture
def score(request: pytest.FixtureRequest) -> str:
    return request.param


other_score = score_at_once = scope = other_scope = weighting_at_once = products = score
score_without_places = weighting_without_places = score


@pytest.fixture
def look(request: pytest.FixtureRequest, float64: None) -> Look:
    return make_look(*request.param)


@pytest.fixture
def any_net(request: pytest.FixtureRequest, float64: None) -> Net:
    return make(*request.param)


FEW = [
    ("bahdanau-gru", "additive", "everywhere", "softmax", "bare"),
    ("bahdanau-lstm", "scaled", "window(1)", "sparsemax", "two heads"),
    ("feeding-lstm", "general", "causal", "hard", "projected"),
    ("luong-lstm", "dot", "everywhere", "softmax", "bare"),
    ("pre-sinusoidal", "scaled", "everywhere", "softmax", "two heads"),
    ("post-learned", "additive", "window(1)", "sparsemax", "two heads"),
    ("fixed", "all-both"),
    ("memory", "aaren-pre"),
    ("memory", "recall-window"),
    ("memory", "recall-predict"),
    ("head", "copy"),
    ("head", "copy, transformer"),
    ("head", "marginal"),
    ("head", "monotonic"),
    ("head", "monotonic, window"),
]


@pytest.fixture(params=FEW, ids=lambda case: ", ".join(case))
def some_net(request: pytest.FixtureRequest, float64: None) -> Net:
    """One of each family, for laws that do not depend on the kinds; their logits far enough apart that no draw is a coin's toss."""
    made = make(*request.param)
    for head in made.network.head.parameters():
        head.data *= 3
    return made


@pytest.fixture
def task_of():
    """The task around a network, without label smoothing."""
    return lambda made, **keys: Seq2SeqNetwork(made.network, **keys).eval()
