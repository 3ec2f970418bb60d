"""The great product: scores x scopes x weightings x heads x families, each built from a config, and every law on it.

What cannot be built is refused when it is built, as a ConfigError that says why, and only for the reasons that `Product.refusals`
knows: nothing is silently ignored, and nothing fails later.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from regard.attention import Attention, PrecomputedForm, Score, Weighting, Weights
from regard.attention.weighting import masked_softmax
from regard.build import networks
from regard.config import Config, read_config
from regard.core.errors import ConfigError
from regard.core.state import select
from regard.data.batching import Batch
from regard.networks.transformer import DecoderLayer, FeedForward, PreNorm
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.training.checkpoint import fill, weights

from .products import COUNTS, FAMILIES, Product, kinds, pairwise, sample, size

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
V = 7
VALID = torch.arange(5) < torch.tensor([5, 3, 0])[:, None]  # the third source has no real place at all
TARGET = torch.arange(3) < torch.tensor([3, 2, 3])[:, None]
SHAPES = {
    "recurrent": [
        {"encoder": "gru", "decoder": "gru"},
        {"encoder": "lstm", "decoder": "lstm", "order": "luong"},
        {"encoder": "rnn", "decoder": "gru", "order": "luong", "input_feeding": False},
    ],
    "transformer": [{"norm": "pre", "positions": "sinusoidal"}, {"norm": "post", "positions": "learned"}],
}


def config(choice: Product, shape: dict[str, Any]) -> Config:
    look = {"score": choice.score, "scope": choice.scope, "weighting": choice.weighting, "heads": choice.heads}
    data = {"max_source_length": 8, "max_target_length": 8}
    if choice.family == "transformer":
        sizes = {"size": 6, "feedforward": 5, "max_positions": 9, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0}
        model = {"family": "transformer", **sizes, **shape, "attention": look, "self_attention": look}
    else:
        look |= {"project": True} if choice.project else {}
        encoder = f"{'bi' * choice.unequal}{shape['encoder']}"
        model = {"embedding": 5, "size": 6, "dropout": 0.0, **shape, "encoder": encoder, "attention": look}
        model |= {"past": look} if choice.past else {}
    return read_config({"data": data, "model": model})


def made(of: Config, seed: int) -> Seq2SeqNetwork:
    torch.manual_seed(seed)
    return build_seq2seq(of, source_words=V, target_words=V).eval()


def test_products(products):
    failed = [f"{p}: {told}" for i, p in enumerate(products.products) if (told := trial(p, i))]
    assert not failed, f"{len(failed)} of {len(products.products)} products:\n" + "\n".join(failed)


def trial(choice: Product, number: int) -> str:
    """What is wrong with a product, or nothing: it is refused for a reason that is allowed, or keeps every law."""
    must: list[str] = []
    try:
        must = choice.refusals()
        shape = SHAPES[choice.family][number % len(SHAPES[choice.family])]
        of = config(choice, shape)
        task, again = made(of, seed=1), made(of, seed=2)
    except ConfigError as error:
        return "" if any(re.search(reason, str(error)) for reason in must) else f"refused, {error}"
    except Exception as error:  # whatever it is, it is no answer to a config
        return f"{type(error).__name__} when built, {error}"
    if must:
        return f"not refused, though it must be: {must}"
    try:
        Trial(task).run(again)
    except Exception as error:
        return f"{type(error).__name__}, {str(error).strip()}"
    return ""


class Trial:
    """A net in use, what it reads and what it writes: three sources, the last one empty, and three words of each target."""

    def __init__(self, task: Seq2SeqNetwork) -> None:
        random = torch.Generator().manual_seed(3)
        self.task, self.network = task, task.network
        self.source, self.other = (torch.randint(1, V, (3, 5), generator=random) for _ in range(2))
        self.words = torch.randint(1, V, (3, 3), generator=random)
        self.source = self.source * VALID

    def run(self, again: Seq2SeqNetwork) -> None:
        with torch.no_grad():
            encoded = self.network.encode(self.source, VALID, weights=True)
            start = self.network.start(encoded, self.source)
            whole, _ = self.network(self.words, start)
            self.weights(encoded.looks | self.network.looked(self.words, start))
            self.steps_and_select(start, whole)
            noise = torch.cat([torch.where(VALID, self.source, self.other), self.other[:, :2]], 1)
            same(self.says(noise, F.pad(VALID, (0, 2))), whole, msg=lambda told: f"padding is seen: {told}")
        self.gradients()
        with torch.no_grad():
            stored = safetensors.torch.save({k: v.contiguous() for k, v in weights(self.task.eval()).items()})
            fill(again, safetensors.torch.load(stored), Path("model.safetensors"))
            loaded = Trial(again).says(self.source, VALID)
            same(loaded, whole, rtol=0, atol=0, msg=lambda told: f"saved and loaded: {told}")

    def says(self, source: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """The log-probabilities of all words, after each of the words that are written."""
        return self.network(self.words, self.network.start(self.network.encode(source, valid), source))[0]

    def steps_and_select(self, start: Any, whole: torch.Tensor) -> None:
        rows = torch.tensor([2, 0, 0, 1])
        first, midway = self.network(self.words[:, :1], start)
        second, state = self.network(self.words[:, 1:2], midway)
        third, _ = self.network(self.words[:, 2:], state)
        same(torch.cat([first, second, third], 1), whole, msg=lambda told: f"steps are not the whole: {told}")
        chosen, _ = self.network(self.words[rows, 1:], select(midway, rows))
        same(chosen, whole[rows, 1:], msg=lambda told: f"select: {told}")

    def weights(self, looks: dict[str, torch.Tensor]) -> None:
        """Never negative, nothing at padding or ahead; all together at most 1 where the weighting is normal."""
        normal = all(m.normal for m in self.network.modules() if isinstance(m, Weighting))
        assert len(looks) == sum(isinstance(m, Attention) for m in self.network.modules()), "a look is not shown"
        for name, w in looks.items():
            own = name.startswith("decoder") and name.endswith("self")
            real = torch.ones(3, 3).tril().bool() if own else VALID[:, None, None]
            assert w.isfinite().all() and (w >= 0).all(), f"weights of {name}: {w.min()}"
            assert not (w * ~real).any(), f"{name} looks at padding, or ahead"
            assert not normal or (w.sum(-1) <= 1 + 1e-9).all(), f"weights of {name}: {w.sum(-1).max()} in all"

    def gradients(self) -> None:
        """Finite; most parameters are reached (some scores read one side alone, and a look that has nothing in sight reaches nothing)."""
        batch = Batch((), self.source, VALID, self.words, TARGET)
        self.task.train().loss(batch).total.backward()
        told = [(name, x.grad) for name, x in self.network.named_parameters()]
        wrong = [name for name, g in told if g is not None and not g.isfinite().all()]
        assert not wrong, f"a gradient is not finite: {wrong}"
        assert sum(g is not None and bool(g.any()) for _, g in told) > len(told) / 2, "hardly any gradient"


class Own(Score):
    """A score that keeps all laws, for others to break one."""

    def form(self, query, memory, at):
        return PrecomputedForm(
            -(memory.at[:, None] - at[:, :, None])[:, None].to(query).square().expand(-1, query.shape[1], -1, -1)
        )


class SeesPadding(Own):
    def form(self, query, memory, at):
        return PrecomputedForm(super().form(query, memory, at).bias * memory.keys.shape[2])


class SeesOthers(Own):
    def form(self, query, memory, at):
        return PrecomputedForm(super().form(query, memory, at).bias * query.mean())


class HasNoGradient(Own):
    def form(self, query, memory, at):
        return PrecomputedForm(super().form(query, memory, at).bias + (0 * memory.keys).sum(-1)[:, :, None].sqrt())


class Fails(Own):
    def form(self, query, memory, at):
        return PrecomputedForm(super().form(query, memory, at).bias[:, :, :, :3])


class Refuses(Own):
    def __init__(self) -> None:
        raise ConfigError("I am not in the mood.")


class Forgets(Own):
    def __init__(self) -> None:
        super().__init__()
        self.w = torch.rand(())

    def form(self, query, memory, at):
        return PrecomputedForm(super().form(query, memory, at).bias * self.w)


class TakesTwice(Weighting):
    def forward(self, scores, mask, memory, at):
        return Weights(2 * masked_softmax(scores, mask))


class TakesAll(Weighting):
    normal = False

    def forward(self, scores, mask, memory, at):
        return Weights(torch.sigmoid(scores))


PLANTED = {
    Own: "",
    SeesPadding: "padding is seen|steps are not the whole",
    SeesOthers: "steps are not the whole|select",
    HasNoGradient: "a gradient is not finite",
    Fails: "RuntimeError",
    Refuses: "refused, I am not in the mood",
    Forgets: "saved and loaded",
    TakesTwice: "weights of .* in all",
    TakesAll: "looks at padding|padding is seen|steps are not the whole",
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", PLANTED, ids=lambda kind: kind.__name__)
def test_the_law_sees(family, kind):
    """Planted: a score that keeps every law, and kinds that break one each."""
    words = {
        "score": "general",
        "weighting": "softmax",
        "score" if issubclass(kind, Score) else "weighting": f"{__name__}:{kind.__name__}",
    }
    told = trial(Product(**words, scope="everywhere", heads=2, family=family), 0)
    assert re.search(PLANTED[kind], told) if PLANTED[kind] else not told, told


def test_the_law_sees_what_is_not_refused(monkeypatch):
    choice = Product("dot", "everywhere", "marginal", 1, "transformer")
    assert not trial(choice, 0)
    monkeypatch.setattr(Product, "refusals", lambda self: ["of another reason"])
    assert trial(choice, 0).startswith("refused, ") and "marginal only in a recurrent" in trial(choice, 0)
    assert trial(replace(choice, weighting="softmax"), 0).startswith("not refused")


def test_what_must_know_the_end_of_its_memory(scope):
    """Refused for a memory that grows, unless `causal` stands beside it: then it ends at each query's own place."""

    def layer(text: str) -> DecoderLayer:
        looks = (networks.make_attention(scope=text, query_size=4, memory_size=4, project=True) for _ in range(2))
        return DecoderLayer(*looks, FeedForward(4, 3, torch.nn.ReLU()), (PreNorm(4),) * 3)

    layer(f"causal & {scope}")
    if networks.make_scope(scope, query_size=4).whole:
        with pytest.raises(ConfigError, match="expected a scope that never looks ahead; received one that must know the end"):
            layer(scope)


def test_every_kind_meets_every_other():
    of = kinds()
    rows = pairwise(of.scores, of.scopes, of.weightings)
    for a, b in combinations(range(3), 2):
        met = {(row[a], row[b]) for row in rows}
        factors = (of.scores, of.scopes, of.weightings)
        assert met == set(product(factors[a], factors[b]))
    assert len(rows) < 1.3 * max(len({(r[a], r[b]) for r in rows}) for a, b in combinations(range(3), 2))


def test_the_sample_is_fixed_and_large():
    """At least 2,000 products, or all that there are; with every kind in every family."""
    of = kinds()
    assert len(sample(of)) >= min(2000, size(of)) and sample(of) == sample.__wrapped__(of)
    for kind in (*of.scores, *of.scopes, *of.weightings):
        tried = [p for p in sample(of) if kind in (p.score, p.scope, p.weighting)]
        assert {(p.family, p.heads) for p in tried} == set(product(FAMILIES, COUNTS)), kind
