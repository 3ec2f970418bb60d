"""Unigram subwords, learnt by expectation-maximisation and pruning (Kudo 2018, "Subword regularization", section 3.2).

Why not the trainer of the `tokenizers` library: it walks a hash table whose order changes from run to run, and so do its pieces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_PIECE = 16  # characters
LONGEST_WORD = 48  # longer ones are cut: a lattice costs its length
MOST_WORDS = 100_000  # the most frequent ones: rarer ones teach little
SEEDS = 10  # candidates at the start, for each piece of the end
KEPT = 0.75  # share of the pieces that a round of pruning keeps
ROUNDS = 2  # of expectation-maximisation before each pruning
FLOOR = 0.5  # expected uses below which a piece is dropped, and at which a lone character is held

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Every way to cut strings of one length into pieces: all strings are walked at once.

    `pieces[w, e, l]` is the number of the piece of l + 1 characters that ends with character e of string w, or -1.
    `weights[w]` says how often string w counts.
    """

    weights: Floats
    pieces: Ints

    def arcs(self) -> list[tuple[int, int]]:
        """(end, size) of every piece that fits, in the order of a walk from the left."""
        ends = range(1, self.pieces.shape[1] + 1)
        return [(end, size) for end in ends for size in range(1, min(end, LONGEST_PIECE) + 1)]

    def expected(self, logs: Floats) -> Floats:
        """How often each piece is used, on average over all cuts.  `logs` are log-probabilities; `logs[-1]` is -inf, for -1."""
        scores, arcs = logs[self.pieces], self.arcs()
        before = np.full((len(scores), scores.shape[1] + 1), -np.inf)
        after = before.copy()
        before[:, 0] = after[:, -1] = 0.0
        for end, size in arcs:
            before[:, end] = np.logaddexp(before[:, end], before[:, end - size] + scores[:, end - 1, size - 1])
        for end, size in reversed(arcs):
            after[:, end - size] = np.logaddexp(after[:, end - size], after[:, end] + scores[:, end - 1, size - 1])
        total = np.zeros(len(logs))
        for end, size in arcs:
            log = before[:, end - size] + scores[:, end - 1, size - 1] + after[:, end] - before[:, -1]
            numbers = self.pieces[:, end - 1, size - 1] % len(logs)  # -1 becomes the last, whose share is 0
            total += np.bincount(numbers, np.exp(log) * self.weights, minlength=len(logs))
        return total

    def in_parts(self, logs: Floats) -> Floats:
        """The log-probability of each string's best cut into two pieces or more."""
        scores = logs[self.pieces]
        best = np.full((len(scores), scores.shape[1] + 1), -np.inf)
        best[:, 0] = 0.0
        for end, size in self.arcs():
            if size < scores.shape[1]:
                best[:, end] = np.maximum(best[:, end], best[:, end - size] + scores[:, end - 1, size - 1])
        return best[:, -1]

    def renumbered(self, new: Ints) -> Lattice:
        """The same strings with other numbers of the pieces: `new[old]`, and `new[-1]` is -1."""
        return Lattice(self.weights, new[self.pieces])

    def only_pieces(self) -> Lattice:
        """Only those strings that are pieces themselves."""
        still = self.pieces[:, -1, -1] >= 0
        return Lattice(self.weights[still], self.pieces[still])


def learn_unigram(counts: Mapping[str, int], alphabet: Iterable[str], size: int) -> list[tuple[str, float]]:
    """At most `size` pieces with their log-probabilities, the likeliest first; every character of the alphabet is among them.

    `counts` are words and how often each occurs.  The same counts give the same pieces, whatever their order.
    """
    words, single = _words(counts), sorted(set(alphabet))
    seeds = _seeds(words, SEEDS * size)
    pieces = single + list(seeds)
    used = np.array([words[piece] + FLOOR for piece in single] + list(seeds.values()), dtype=np.float64)
    corpus, own = _lattices(words, pieces), _lattices(dict.fromkeys(seeds, 1), pieces)
    while True:
        for _ in range(ROUNDS):
            logs = _logs(used)
            used = sum((lattice.expected(logs) for lattice in corpus), np.zeros(len(logs)))[:-1]
            used[: len(single)] = np.maximum(used[: len(single)], FLOOR)
        keep = _worth_keeping(used, own, len(single), size)
        if len(keep) == len(pieces):
            break
        new = np.full(len(pieces) + 1, -1, dtype=np.int32)  # the last place answers for -1
        new[keep] = np.arange(len(keep))
        pieces, used = [pieces[number] for number in keep], used[keep]
        corpus = [lattice.renumbered(new) for lattice in corpus]
        own = [lattice.renumbered(new).only_pieces() for lattice in own]
    found = zip(pieces, _logs(used)[:-1].tolist(), strict=True)
    return sorted(found, key=lambda piece: (-piece[1], piece[0]))


def _worth_keeping(used: Floats, own: list[Lattice], single: int, size: int) -> Ints:
    """The numbers of the pieces to keep: the characters, and of the longer ones those whose loss would cost most."""
    logs = _logs(used)
    cost = np.full(len(used), -1.0)
    for lattice in own:
        numbers = lattice.pieces[:, -1, -1]
        cost[numbers] = used[numbers] * (logs[numbers] - lattice.in_parts(logs))
    cost[np.flatnonzero(used < FLOOR)] = -np.inf
    cost[:single] = np.inf
    alive = int(np.sum(cost > -np.inf))
    most = alive if alive <= size else max(size, int(KEPT * alive))
    return np.sort(np.argsort(-cost, kind="stable")[:most]).astype(np.int32)


def _words(counts: Mapping[str, int]) -> Counter[str]:
    """The most frequent words, the long ones cut."""
    words: Counter[str] = Counter()
    for word, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_WORDS]:
        for start in range(0, len(word), LONGEST_WORD):
            words[word[start : start + LONGEST_WORD]] += count
    return words


def _seeds(words: Mapping[str, int], most: int) -> dict[str, int]:
    """Substrings of two characters or more that occur twice or more, those first that cover most text."""
    found: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word) - 1):
            for end in range(start + 2, min(start + LONGEST_PIECE, len(word)) + 1):
                found[word[start:end]] += count
    often = [piece for piece, count in found.items() if count > 1]
    return {piece: found[piece] for piece in sorted(often, key=lambda piece: (-found[piece] * len(piece), piece))[:most]}


def _lattices(strings: Mapping[str, int], pieces: list[str]) -> list[Lattice]:
    """One lattice for each length, the shortest first."""
    ids = {piece: number for number, piece in enumerate(pieces)}
    by_length: dict[int, list[str]] = {}
    for string in strings:
        by_length.setdefault(len(string), []).append(string)
    lattices = []
    for length, members in sorted(by_length.items()):
        numbers = np.full((len(members), length, min(length, LONGEST_PIECE)), -1, dtype=np.int32)
        for end in range(1, length + 1):
            for size in range(1, min(end, LONGEST_PIECE) + 1):
                numbers[:, end - 1, size - 1] = [ids.get(string[end - size : end], -1) for string in members]
        lattices.append(Lattice(np.array([strings[string] for string in members], dtype=np.float64), numbers))
    return lattices


def _logs(used: Floats) -> Floats:
    """Log-probabilities from expected uses, and -inf at the end for pieces that are not there."""
    with np.errstate(divide="ignore"):
        return np.append(np.log(used) - np.log(used.sum()), -np.inf)
