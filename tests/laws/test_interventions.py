"""Interventions over the product of kinds: weights stay what they are, rows that are not meant keep every bit, the batch stays invisible.

`REGARD_INTERVENTIONS=300 pytest tests/laws/test_interventions.py` tries so many products of the sample (and as many more as are refused).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence

import pytest
import torch
import torch.nn.functional as F

from regard.attention import Aaren, Attention, Memory
from regard.attention.interventions import Erase, Intervention, LookEdit, Permute, Pin, Replace, Uniform
from regard.attention.ranked import EraseLeast, EraseMost, EraseRandom, KeepMost
from regard.core.errors import ArgumentError, ConfigError
from regard.core.state import select
from regard.inference.intervene import carry_out, plan
from regard.networks.marginal_heads import HardMonotonicHead

from .conftest import Look, Net
from .products import Product, kinds, sample
from .test_products import SHAPES, VALID, Trial, config, made

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
MOST = int(os.environ.get("REGARD_INTERVENTIONS", "24"))
SEED = 22


def named(names: Sequence[str]) -> dict[str, tuple[str, object]]:
    return {name: (name, lambda rows: slice(0, rows)) for name in names}


def interventions(name: str, own: torch.Tensor) -> Iterator[Intervention]:
    yield Erase(name, source=1)
    yield Erase(name, source=[0, 2], target=1)
    yield Erase(name, head=0)
    yield Pin(name, source=[0], weight=0.75)
    yield Uniform(name, target=1)
    yield Permute(name, seed=3)
    yield EraseMost(name, share=0.5)
    yield EraseLeast(name, head=0)
    yield EraseRandom(name, target=1)
    yield KeepMost(name, share=0.2)
    yield Replace(name, weights=own[0].numpy())


def intervene(network, interventions, shown):
    """A network with interventions, and what they are on each look."""
    made, edits = carry_out(network, plan(network, interventions, shown))
    return made, list(edits.values())


class Touched(Trial):
    """The same net, source and words, with one intervention on one look."""

    def __init__(self, plain: Trial, one: Intervention) -> None:
        self.task, self.source, self.other, self.words = plain.task, plain.source, plain.other, plain.words
        self.network = intervene(plain.network, [one], named)[0]

    def looks(self) -> tuple[torch.Tensor, dict[str, torch.Tensor], object]:
        encoded = self.network.encode(self.source, VALID, weights=True)
        start = self.network.start(encoded, self.source)
        return self.network(self.words, start)[0], encoded.looks | self.network.looked(self.words, start), start


def trial(choice: Product, number: int) -> bool:
    """Every law for every look and kind of intervention of a product; False where it cannot be built."""
    try:
        plain = Trial(made(config(choice, SHAPES[choice.family][number % len(SHAPES[choice.family])]), seed=1))
    except ConfigError:
        return False
    with torch.no_grad():
        before, shown, _ = Touched.looks(plain)
        parts = plain.network.attentions()
        assert set(parts) == set(shown), "a look cannot be named"
        for name in shown:
            for one in interventions(name, shown[name]):
                keeps_laws(plain, one, before, shown, normal=parts[name].weighting.normal)
        again, _, _ = Touched.looks(plain)
        same(again, before, rtol=0, atol=0, msg="the net itself was changed")
    return True


def keeps_laws(plain: Trial, one: Intervention, before: torch.Tensor, shown: dict[str, torch.Tensor], *, normal: bool) -> None:
    touched = Touched(plain, one)
    whole, looks, start = touched.looks()
    after, was = looks[one.look], shown[one.look]
    assert after.isfinite().all() and (after >= 0).all() and whole.isfinite().all(), one
    own = one.look.startswith("decoder") and one.look.endswith("self")
    real = torch.ones(3, 3).tril().bool() if own else VALID[:, None, None]
    assert not (after * ~real).any(), f"{one}: weight at padding, or ahead"
    assert not normal or (after.sum(-1) <= 1 + 1e-9).all(), f"{one}: rows sum to {after.sum(-1).max()}"
    touched.steps_and_select(start, whole)
    noise = torch.cat([torch.where(VALID, touched.source, touched.other), touched.other[:, :2]], 1)
    same(touched.says(noise, F.pad(VALID, (0, 2))), whole, msg=lambda told: f"{one}: padding is seen: {told}")
    if isinstance(one, Erase):
        places = slice(None) if one.source is None else one.source
        rows = slice(None) if one.target is None else one.target
        heads = slice(None) if one.head is None else one.head
        assert not after[:, heads, rows][..., places].any(), f"{one}: something is taken there"
    if isinstance(one, Replace):  # of the first row of the batch they are its own
        same(whole[0], before[0], rtol=0, atol=0, msg=lambda told: f"the model's own weights change what it says: {told}")
    if one.target is not None and one.look.startswith("decoder"):
        same(whole[:, :1], before[:, :1], rtol=0, atol=0, msg=lambda told: f"{one}: an earlier step is changed: {told}")
    if one.target is not None and one.look == "encoder.0.self":
        rest = [i for i in range(was.shape[2]) if i != one.target]
        same(after[:, :, rest], was[:, :, rest], rtol=0, atol=0)


@pytest.mark.parametrize("part", range(4))
def test_products(part):
    """Of the fixed sample, drawn evenly; a product that cannot be built does not count."""
    every = list(sample(kinds()))
    random.Random(SEED).shuffle(every)
    tried = 0
    for number, choice in enumerate(every[part::4]):
        if tried >= MOST / 4:
            break
        try:
            tried += trial(choice, number)
        except Exception as error:
            raise AssertionError(f"{choice}: {error}") from error
    assert tried >= min(MOST // 4, 1)


def test_a_changed_row_reads_what_its_weights_say(look: Look):
    """The context of a row that is changed is its weights times the values, whatever made them."""
    some = look.read(look.remember(), look.query[:, :1], look.at[:, :1])
    attention: Attention = look.attention
    edit = LookEdit([(Pin("x", source=1, weight=0.5), lambda rows: slice(0, rows))])
    attention.edit = edit
    memory = look.remember()
    got = look.read(memory, look.query[:, :1], look.at[:, :1])
    assert got.weights is not None and some.weights is not None
    pinned = got.weights[..., 1]
    moved = (got.weights != some.weights).any(-1)
    want = attention._merge(got.weights @ memory.values)
    rows = moved.any(1)
    same(got.context[rows], want[rows])
    same(got.context[~rows], some.context[~rows], rtol=0, atol=0)
    others = got.weights.sum(-1) - pinned
    assert ((pinned - 0.5).abs()[moved & (others > 0)] < 1e-9).all()


def test_an_aaren_with_changed_weights_goes_step_by_step(some_net: Net):
    """Of every kind of decoder: one call on all words equals a call on each, under a net's own past too."""
    with torch.no_grad():
        for name, part in some_net.network.attentions().items():
            for one in (Erase(name, source=1), Permute(name), Uniform(name, target=2), Pin(name, source=0, weight=0.4)):
                network = intervene(some_net.network, [one], named)[0]
                state = network.start(network.encode(some_net.source, some_net.valid), some_net.source)
                whole, _ = network(some_net.words, state)
                made_of, rows = [], torch.arange(len(some_net.words))
                for word in some_net.words.split(1, 1):
                    log_p, state = network(word, select(state, rows))
                    made_of.append(log_p)
                same(torch.cat(made_of, 1), whole, msg=lambda told, one=one, part=part: f"{one} {type(part).__name__}: {told}")


@torch.no_grad()
@pytest.mark.parametrize("queries", [1, 80])
def test_rows_that_are_not_meant_keep_the_bits_of_a_kernel(queries):
    """Where a kernel makes the context without weights, it goes on to make that of rows that stay as they are."""
    attention = Attention(16, 16, heads=2).float().eval()
    memory = attention.remember(torch.randn(1, 80, 16, dtype=torch.float32))
    query, at = torch.randn(1, queries, 16, dtype=torch.float32), torch.arange(queries)[None]
    before = attention(query, memory, at)
    attention.edit = LookEdit([(Erase("x", source=[0, 1, 2], target=3), lambda rows: slice(0, rows))])
    after = attention(query, memory, at)
    rest = [i for i in range(queries) if i != 3]
    same(after.context[:, rest], before.context[:, rest], rtol=0, atol=0)
    assert queries < 4 or (after.context[:, 3] != before.context[:, 3]).any()


def test_an_erased_place_is_not_read():
    """What lies there does not matter, and the rest shares its weight in proportion; hand value."""
    attention = Attention(2, 2).eval()
    attention.edit = LookEdit([(Erase("x", source=0), lambda rows: slice(0, rows))])
    source = torch.tensor([[[9.0, 9.0], [1.0, 0.0], [0.0, 1.0]]])
    memory = attention.remember(torch.zeros_like(source), values=source)  # all scores are 0: a third each
    got = attention(torch.zeros(1, 1, 2), memory, weights=True)
    same(got.weights[0, 0, 0], torch.tensor([0.0, 0.5, 0.5]))
    same(got.context[0, 0], torch.tensor([0.5, 0.5]))
    attention.edit = LookEdit([(Erase("x", source=[0, 1, 2]), lambda rows: slice(0, rows))])
    got = attention(torch.zeros(1, 1, 2), memory, weights=True)
    assert not got.weights.any() and not got.context.any()


def test_hand_values_of_the_others():
    rows = {"uniform": [1 / 3] * 3, "pin": [0.1, 0.8, 0.1], "pinned among itself": [0.5, 0.5, 0.0]}
    ones = [Uniform("x"), Pin("x", source=1, weight=0.8), Pin("x", source=[0, 1])]
    attention, memory = Attention(1, 1).eval(), None
    memory = Memory(torch.zeros(1, 1, 3, 1), torch.ones(1, 1, 3, 1), torch.ones(1, 3).bool(), torch.arange(3)[None])
    for one, want in zip(ones, rows.values(), strict=True):
        attention.edit = LookEdit([(one, lambda rows: slice(0, rows))])
        same(attention(torch.zeros(1, 1, 1), memory, weights=True).weights[0, 0, 0], torch.tensor(want))


def test_a_permutation_keeps_the_weights_of_a_row(some_net: Net):
    for name in some_net.network.attentions():
        network = intervene(some_net.network, [Permute(name, seed=5)], named)[0]
        with torch.no_grad():
            before, after = (looks(net, some_net)[name] for net in (some_net.network, network))
        first = after[:, :, 0] if name.startswith("decoder") else after  # later steps have another state
        if not any(isinstance(m, HardMonotonicHead) for m in network.modules()):
            same(first.sort(-1)[0], before.sort(-1)[0][:, :, 0] if name.startswith("decoder") else before.sort(-1)[0])


def looks(network, given: Net) -> dict[str, torch.Tensor]:
    encoded = network.encode(given.source, given.valid, weights=True)
    return encoded.looks | network.looked(given.words, network.start(encoded, given.source))


def test_what_is_not_there_is_refused(some_net: Net):
    names = list(some_net.network.attentions())
    with pytest.raises(ArgumentError, match=r"Erase: look: expected .*received 'decoder\.9\.cros'"):
        intervene(some_net.network, [Erase("decoder.9.cros", source=1)], named)
    for name in names:
        part = some_net.network.attentions()[name]
        heads = part.attention.heads if isinstance(part, Aaren) else part.heads
        with pytest.raises(ArgumentError, match=f"head: expected less than the {heads} of {name}; received {heads}"):
            intervene(some_net.network, [Uniform(name, head=heads)], named)
        with pytest.raises(ArgumentError, match=r"Replace.*(heads|whose weights the head makes)"):
            intervene(some_net.network, [Replace(name, weights=torch.zeros(heads + 1, 2, 2).numpy())], named)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Erase("x", source=-1), "Erase: source: expected whole numbers from 0; received -1"),
        (lambda: Erase("x", source=[1.5]), "Erase: source: expected whole numbers from 0; received 1.5"),
        (lambda: Pin("x", source=[]), "Pin: source: expected one place or several"),
        (lambda: Pin("x", source=1, weight=1.2), "Pin: weight: expected a share above 0, at most 1; received 1.2"),
        (lambda: Replace("x", weights=[[-1.0]]), "Replace: weights: expected an array .* none below 0"),
        (lambda: Replace("x", weights=[1.0]), r"Replace: weights: expected .*received shape \(1,\)"),
    ],
)
def test_what_is_no_intervention(make, told):
    with pytest.raises(ArgumentError, match=told):
        make()


def test_what_was_never_there_is_told(some_net: Net):
    name = next(iter(some_net.network.attentions()), None)
    if name is None:
        return
    network, edits = intervene(some_net.network, [Erase(name, source=[0, 77]), Uniform(name, target=99)], named)
    with torch.no_grad():
        looks(network, some_net)
    told = [note for edit in edits for note in edit.tell_untouched()]
    assert any("place 77 in sight; nothing was changed there" in note for note in told), told
    assert any(note.startswith("Uniform") and "no text came to the rows" in note for note in told), told
