"""Law 5: search tells the truth.  A table of all histories is small enough to be searched by hand; then real networks."""

from __future__ import annotations

from itertools import product
from math import isfinite, log
from typing import NamedTuple

import numpy as np
import pytest
import torch

from regard.core.errors import RegardError
from regard.core.state import select
from regard.decoding.sampling import sample
from regard.decoding.search import Bounds, Found, beam, length_norm

from .steps import TensorSteps

pytestmark = pytest.mark.usefixtures("float64")
START, STOP, NEVER, LETTERS = 1, 2, (0, 1, 3), (4, 5, 6)
V, L, ROWS = 7, 3, 4
ALL = 3**0 + 3**1 + 3**2 + 3**3  # strings of at most 3 letters


class At(NamedTuple):
    row: torch.Tensor
    history: torch.Tensor


class Told:
    """A model that is one table: the next word depends on the sentence and on all that was written.  It notes how many it was asked."""

    def __init__(self, *, sharp: float = 1.5) -> None:
        generator = torch.Generator().manual_seed(1)
        self.log_p = (sharp * torch.randn(ROWS, V ** (L + 1), V, generator=generator)).log_softmax(-1)
        self.asked: list[int] = []

    def start(self, rows) -> At:
        return At(torch.tensor(rows), torch.zeros(len(rows), dtype=torch.long))

    def step(self, words, state):
        history = state.history * V + words
        self.asked.append(len(words))
        return self.log_p[state.row, history], state._replace(history=history)

    def forced(self, row: int, words) -> float:
        total, history = 0.0, START
        for word in words:
            total += float(self.log_p[row, history, word])
            history = history * V + word
        return total

    def every(self, row: int, most: int = L, least: int = 0) -> list[Found]:
        strings = [(*letters, STOP) for n in range(least, most + 1) for letters in product(LETTERS, repeat=n)]
        return sorted((Found(s, self.forced(row, s)) for s in strings), key=lambda f: -f.score)


def bounds(most, least: int = 0) -> Bounds:
    return Bounds(START, STOP, NEVER, np.array(most), least)


def search(way, step, state, most):
    return (
        sample(TensorSteps(step), state, bounds=bounds(most), keys=range(len(most)), seed=1)
        if way == "sample"
        else beam(TensorSteps(step), state, bounds=bounds(most), width=way)
    )


@pytest.mark.parametrize("way", [1, 3, "sample"])
def test_numbers_that_are_none_are_no_answer(way):
    """A net makes them of what is not finite; a search that went on would never end."""
    told = Told()

    def step(words, state):
        log_p, state = told.step(words, state)
        return log_p.masked_fill((state.row == 1)[:, None], torch.nan), state

    assert all(search(way, step, told.start([0, 2]), [L, L]))
    with pytest.raises(RegardError, match="expected log-probabilities; received nan"):
        search(way, step, told.start([0, 1]), [L, L])


def agree(got: list[Found], want: list[Found]) -> None:
    assert [f.words for f in got] == [f.words for f in want]
    torch.testing.assert_close(torch.tensor([f.score for f in got]), torch.tensor([f.score for f in want]))


@pytest.mark.parametrize("least", [0, 2])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_beam_as_wide_as_the_tree_finds_them_all(alpha, least):
    """The best of all strings, and where all are asked for all of them, in order; each sentence with its own bound."""
    model, rows, most = Told(), [0, 1, 2, 3], [3, 2, 3, 2]
    for n_best in (1, 3, ALL):
        found = beam(
            TensorSteps(model.step), model.start(rows), bounds=bounds(most, least), width=ALL, n_best=n_best, length_penalty=alpha
        )  # fmt: skip
        for row, got in zip(rows, found, strict=True):
            want = sorted(
                model.every(row, most[row], least),
                key=lambda f: -f.score / float(length_norm(np.array(float(len(f.words))), alpha)),
            )
            agree(got, want[:n_best])


def test_the_length_penalty_turns_the_order():
    """Without it the shorter string wins, with it the longer: else the test above could not tell."""
    model, asked = Told(), [(row, alpha) for row in range(4) for alpha in (0.0, 2.0)]
    best = [
        beam(TensorSteps(model.step), model.start([r]), bounds=bounds([3]), width=ALL, length_penalty=a)[0][0] for r, a in asked
    ]
    assert any(len(a.words) < len(b.words) for a, b in zip(best[::2], best[1::2], strict=True))


def test_what_still_grows_may_overtake_what_has_ended():
    """Ending at once has p = 0.7, letter 4 three times and then the end 0.3 * 1 * 1 * 1.  At a length penalty of 4 the first ranks
    ln 0.7 / (6/6)^4 = -0.357; the second is behind after a word, -1.204, and ahead when it ends, ln 0.3 / (9/6)^4 = -0.238."""
    table = torch.full((4, V), -torch.inf)
    table[0, STOP], table[0, 4], table[1, 4], table[2, 4], table[3, STOP] = log(0.7), log(0.3), 0.0, 0.0, 0.0

    def step(words, position):
        return table[position], position + 1

    start = torch.zeros(1, dtype=torch.long)
    for alpha, want in ((4.0, [(4, 4, 4, STOP), (STOP,)]), (0.0, [(STOP,), (4, 4, 4, STOP)])):
        for n_best in (1, 2):
            (found,) = beam(TensorSteps(step), start, bounds=bounds([3]), width=2, n_best=n_best, length_penalty=alpha)
            assert [f.words for f in found] == want[:n_best]


def test_greedy_is_beam_1_is_the_likeliest_word_each_time():
    model = Told()
    found = beam(TensorSteps(model.step), model.start([0, 1, 2, 3]), bounds=bounds([3] * 4))
    for row, got in enumerate(found):
        words, history = [], START
        while not words or words[-1] != STOP:
            likely = model.log_p[row, history].clone()
            likely[list(NEVER)] = -torch.inf
            words.append(int(likely.argmax()) if len(words) < L else STOP)
            history = history * V + words[-1]
        agree(got, [Found(tuple(words), model.forced(row, words))])


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_scores_are_forced_scores_sorted_and_distinct(width):
    model = Told()
    for row, got in enumerate(
        beam(TensorSteps(model.step), model.start([0, 1, 2, 3]), bounds=bounds([3] * 4), width=width, n_best=width)
    ):
        assert [f.score for f in got] == sorted((f.score for f in got), reverse=True)
        assert len({f.words for f in got}) == len(got) >= 1
        agree(got, [Found(f.words, model.forced(row, f.words)) for f in got])


def textbook(model: Told, row: int, width: int, alpha: float) -> list[Found]:
    """A beam as one would write it: grow every open string by every word, keep the `width` best, until none is open."""

    def rank(words):
        return model.forced(row, words) / float(length_norm(np.array(float(len(words))), alpha))

    beams: list[tuple[int, ...]] = [()]
    while any(STOP not in words for words in beams):
        grown = [(*words, w) for words in beams if STOP not in words for w in ((STOP,) if len(words) == L else (STOP, *LETTERS))]
        beams = sorted([*grown, *(words for words in beams if STOP in words)], key=rank, reverse=True)[:width]
    return [Found(words, model.forced(row, words)) for words in beams]


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_a_narrow_beam_is_the_textbooks(width, alpha):
    model = Told(sharp=0.7)
    for n_best in {1, width}:
        found = beam(
            TensorSteps(model.step), model.start([0, 1, 2, 3]), bounds=bounds([L] * 4), width=width, n_best=n_best, length_penalty=alpha
        )  # fmt: skip
        for row, got in enumerate(found):
            agree(got, textbook(model, row, width, alpha)[:n_best])


def test_lengths_stay_within_their_bounds():
    model, most = Told(), [0, 1, 3, 2]
    found = beam(TensorSteps(model.step), model.start([0, 1, 2, 3]), bounds=bounds(most), width=4, n_best=4)
    assert [max(len(f.words) for f in got) <= m + 1 for got, m in zip(found, most, strict=True)] == [True] * 4
    agree(found[0], [Found((STOP,), model.forced(0, (STOP,)))])
    found = beam(TensorSteps(model.step), model.start([0, 1, 2, 3]), bounds=bounds([3] * 4, 3), width=4, n_best=4)
    assert all(len(f.words) == 4 and f.words[-1] == STOP and set(f.words[:3]) <= set(LETTERS) for got in found for f in got)
    for width in (1, 3):  # the bound counts more than the least, and a list is never empty
        ((got,),) = beam(TensorSteps(model.step), model.start([0]), bounds=bounds([1], 2), width=width)
        assert len(got.words) == 2 and got.score == pytest.approx(model.forced(0, got.words))


@pytest.mark.parametrize("width", [1, 3])
def test_an_end_that_the_net_excludes_comes_at_the_bound(width):
    """As where a probability underflows: -inf for the end, and for every word but one."""

    def step(words, state):
        log_p = torch.full((len(words), 7), -torch.inf)
        log_p[:, LETTERS[0]] = 0.0
        return log_p, state

    state = torch.zeros(2, 1)
    drawn = sample(TensorSteps(step), state, bounds=bounds([3, 1]), keys=[1, 2], seed=1)
    for found in (beam(TensorSteps(step), state, bounds=bounds([3, 1]), width=width), drawn):
        assert [[f.words for f in each] for each in found] == [[(LETTERS[0],) * 3 + (STOP,)], [(LETTERS[0], STOP)]]
        assert all(isfinite(f.score) for each in found for f in each)


def test_no_sentence_sees_its_neighbours_and_the_finished_leave():
    model, rows, most = Told(sharp=3.0), [2, 0, 3, 1], [3, 1, 0, 2]
    for width, n_best, alpha in ((1, 1, 0.0), (3, 2, 0.0), (4, 1, 1.0)):
        model.asked.clear()
        found = beam(
            TensorSteps(model.step), model.start(rows), bounds=bounds(most), width=width, n_best=n_best, length_penalty=alpha
        )  # fmt: skip
        assert model.asked == sorted(model.asked, reverse=True) and model.asked[-1] < model.asked[0] == 4 * width
        for row, limit, got in zip(rows, most, found, strict=True):
            alone = beam(
                TensorSteps(model.step),
                model.start([row]),
                bounds=bounds([limit]),
                width=width,
                n_best=n_best,
                length_penalty=alpha,
            )
            assert [got] == alone


def test_more_hypotheses_than_the_beam_widen_it():
    model = Told()
    (got,) = beam(TensorSteps(model.step), model.start([0]), bounds=bounds([3]), width=1, n_best=ALL)
    agree(got, model.every(0))


def test_networks_are_searched_as_they_write(some_net):
    """Step by step with states reordered, or all strings written in parallel: the same best strings, the same scores."""
    strings = [(*letters, STOP) for n in range(L + 1) for letters in product(LETTERS, repeat=n)]
    padded = torch.tensor([[START, *s[:-1], *[0] * (L + 1 - len(s))] for s in strings])
    network = some_net.network
    with torch.no_grad():
        start = some_net.begin()
        found = beam(TensorSteps(network.step), start, bounds=bounds([L] * 3), width=ALL, n_best=ALL)
        for row in range(3):
            log_p, _ = network(padded, select(start, torch.tensor([row] * ALL)))
            forced = [float(log_p[i, range(len(s)), s].sum()) for i, s in enumerate(strings)]
            agree(found[row], sorted(map(Found, strings, forced), key=lambda f: -f.score))
            (greedy,) = beam(TensorSteps(network.step), select(start, torch.tensor([row])), bounds=bounds([L]))
            assert greedy[0] in [Found(f.words, pytest.approx(f.score)) for f in found[row]]
