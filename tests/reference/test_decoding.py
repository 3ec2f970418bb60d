"""Decoding by hand: the largest numbers, of equal ones the first; how long answers may be; the mean of nets, and words renumbered."""

from __future__ import annotations

import itertools
from math import log

import numpy as np
import pytest

from regard.core.errors import RegardError
from regard.core.library import library
from regard.decoding.ensemble import Ensemble, RenumberedNetwork
from regard.decoding.limits import Limits
from regard.decoding.search import Bounds, beam
from regard.decoding.top_k import FEW, top_k

INF = np.inf


class Table:
    """Says the same after each word: a row of log-probabilities, which a source may extend.  Its state is the number of each row."""

    def __init__(self, log_p, *, extends: bool = False, words: int | None = None) -> None:
        self.log_p, self.extends = np.asarray(log_p), extends
        self.source_words = self.target_words = words or self.log_p.shape[-1]
        self.read: list[list[int]] = []

    def start(self, source, valid):
        self.read = source.tolist()
        return np.arange(len(source))

    def step(self, words, state):
        return self.log_p[state].copy(), state

    def select(self, state, rows):
        return state[rows]

    reorder = select


@pytest.fixture(params=[None, 2, 3, 4])
def by(request, monkeypatch):
    """numpy alone (None), or the compiled loops of a class of processors."""
    loops = library(request.param) if request.param else None
    if request.param and (loops is None or loops.processors != request.param):
        pytest.skip("the loops were not built, or this processor is of a lesser class")
    monkeypatch.setattr("regard.decoding.top_k.library", lambda: loops)
    return loops


@pytest.mark.parametrize("columns", [40, 64, 1001])
@pytest.mark.parametrize("k", [1, 3, FEW, FEW + 1, 40])
def test_the_largest_are_those_of_a_stable_sort(by, k, columns):
    x = np.round(4 * np.random.default_rng(k).standard_normal((50, columns))).astype(np.float32)  # few numbers, again and again
    x[::7, 5:] = -INF  # what is forbidden
    order = np.argsort(-x, axis=1, kind="stable")[:, :k]
    values, places = top_k(x.copy(), k)
    largest = np.take_along_axis(x, order, 1)
    assert (values == largest).all() and (places == order)[largest > -INF].all()


@pytest.mark.parametrize("place", [0, 13, 99])
@pytest.mark.parametrize("k", [2, FEW + 1])
def test_what_is_not_a_number_is_found(by, k, place):
    x = np.ones((2, 100), np.float32)
    x[1, place] = np.nan
    with pytest.raises(RegardError, match="expected log-probabilities; received nan"):
        top_k(x, k)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("kind", [bool, np.int64])
def test_what_cannot_be_forbidden_is_refused(kind, width):
    """A damaged export said so of each word: -inf was true, and the search went on for ever."""
    table, asked = Table(np.ones((1, 5), kind)), itertools.count()
    say = table.step
    table.step = lambda *given: say(*given) if next(asked) < 20 else pytest.fail("it goes on for ever")
    with pytest.raises(RegardError, match="expected log-probabilities; received numbers of type"):
        beam(table, np.zeros(1, int), bounds=Bounds(1, 2, (0, 1), np.array([3])), width=width)


@pytest.mark.parametrize("width", [1, 2])
def test_the_best_word_is_the_first_of_equals(width):
    table = Table([[-INF, -INF, -9.0, -1.0, -1.0]])
    (found,) = beam(table, np.zeros(1, int), bounds=Bounds(1, 2, (0, 1), np.array([1])), width=width)
    assert found[0].words == (3, 2)


def test_lengths_by_hand():
    """0.5 * 5 + 3 = 5.5, of which 5; never fewer than `least`, and one less than the room, for the end."""
    lengths = np.array([1, 5, 9])
    assert Limits(0, 0.5, 3).most(lengths).tolist() == [3, 5, 7]
    assert Limits(4, 0.5, 3, room=7).most(lengths).tolist() == [4, 5, 6] and Limits(8, room=7).fewest == 6


def test_the_mean_of_two_nets():
    """(1/2 + 1/4) / 2 = 3/8; what one cannot say it says with nothing; what a net does not know it reads as unknown."""
    one, two = Table([[log(0.5), log(0.5), -INF]]), Table([[log(0.25), -INF, -INF, log(0.75)]], extends=True, words=3)
    both = Ensemble([one, two], unknown=1)
    log_p, _ = both.step(np.array([3]), both.start(np.array([[2, 5]]), np.ones((1, 2), bool)))
    np.testing.assert_allclose(np.exp(log_p), [[0.375, 0.25, 0.0, 0.375]], atol=1e-12)
    assert both.extends and (one.read, two.read) == ([[2, 1]], [[2, 5]])


def test_words_with_other_numbers():
    """0, 1, 2 are 0, 2, 1 there; behind a source of 3 words and a target of 3 stand the target's words, then what both lack."""
    net = Table([[-1.0, -2.0, -3.0, -4.0]], words=3)
    turned = RenumberedNetwork(net, [0, 2, 1], [0, 2, 1])
    log_p, _ = turned.step(np.array([1]), turned.start(np.array([[0, 1, 2, 3, 4, 5, 6]]), np.ones((1, 7), bool)))
    assert net.read == [[0, 2, 1, 3, 5, 4, 6]] and log_p.tolist() == [[-1.0, -3.0, -2.0, -4.0]]
