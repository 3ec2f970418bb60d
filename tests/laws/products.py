"""Which kinds there are for the laws, how they are put together, and what alone may be refused of it.

Everything is read off the tables: a word that is added there is under all laws, and so is a class that the command line names,
`pytest tests/laws --score my.module:Class`.  Nothing here names a class.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product, zip_longest
from math import prod

from regard.attention import Attention, Scope
from regard.build import networks
from regard.build.cells import make_cell
from regard.config import mechanisms as words

FAMILIES, COUNTS = ("recurrent", "transformer"), (1, 2)
SEED, MOST = 20261121, 2900  # of the sample, where the whole product is larger
TOGETHER = 100  # products to a test


def written(table: words.Table) -> list[str]:
    """Each word of a table, with 2 for each number that it must be given; a number of most places is enough for all sources here."""
    given = {
        word: [f"{a.name}={16 if a.name == 'max' else max(2, a.least)}" for a in known.arguments if a.required]
        for word, known in table.items()
    }
    return [f"{word}({', '.join(numbers)})" if numbers else word for word, numbers in given.items()]


@dataclass(frozen=True)
class Kinds:
    """Every kind as an expression, and which of them the command line named."""

    scores: tuple[str, ...]
    scopes: tuple[str, ...]
    weightings: tuple[str, ...]
    own: frozenset[str]

    @property
    def words(self) -> dict[str, list[str]]:
        """Of each noun the single words: those of the tables and the user's own."""
        nouns = (
            ("score", words.SCORES, self.scores),
            ("scope", words.SCOPES, self.scopes),
            ("weighting", words.WEIGHTINGS, self.weightings),
        )
        return {noun: [*written(table), *(k for k in every if k in self.own)] for noun, table, every in nouns}


@cache
def kinds(scores: tuple[str, ...] = (), scopes: tuple[str, ...] = (), weightings: tuple[str, ...] = ()) -> Kinds:
    """All words of the tables, some expressions of them, and the user's own, which are given."""
    mine = [tuple(str(read(text)) for text in given) for read, given in zip(READERS, (scores, scopes, weightings), strict=True)]
    for of_score, of_scope, of_weighting in zip_longest(*mine):
        attention(of_score or "scaled", of_weighting or "softmax")  # what cannot be had is told at once
        scope(of_scope or "everywhere")
    fading = [s for s in (*written(words.SCOPES), *mine[1]) if scope(s).fades]
    together = [text for s in fading for text in (f"causal & {s}", f"{s} | window(1)", f"~{s}")]
    return Kinds(
        (*written(words.SCORES), *SUMS, *mine[0]),
        (*written(words.SCOPES), *JOINED, *together, *mine[1]),
        (*written(words.WEIGHTINGS), *mine[2]),
        frozenset(text for given in mine for text in given),
    )


def cells(own: Iterable[str]) -> list[str]:
    """The words of all cells, and the user's own, which are given."""
    mine = [words.cell(text) for text in own]
    for word in mine:
        make_cell(word, 3, 7)  # what cannot be had is told at once
    return [*words.CELLS, *map(str, mine)]


READERS = (words.score, words.scope, words.weighting)
SUMS = ("additive(3)", "scaled + additive(3)", "general + cosine", "cosine(temperature)", "scaled + coverage")
JOINED = ("causal & window(2)", "~window(1)", "window(1) | causal")


@cache
def alike(text: str) -> bool:
    """Whether a score wants queries and keys of one width."""
    return attention(text).score.same_width


@cache
def attention(score: str = "scaled", weighting: str = "softmax") -> Attention:
    """One of its kind, to ask what it is."""
    return networks.make_attention(score=score, weighting=weighting, query_size=6, memory_size=6)


@cache
def scope(text: str) -> Scope:
    """The same; of `~x` the x, for which there may be no ~."""
    return networks.make_scope(text.removeprefix("~"), query_size=6)


@dataclass(frozen=True)
class Product:
    """One choice of each.  Of what a recurrent net may have besides: unequal: states of the source are wider than those that ask;
    project: with one head too; past: the same kinds look back at the net's own states."""

    score: str
    scope: str
    weighting: str
    heads: int
    family: str
    unequal: bool = False
    project: bool = False
    past: bool = False

    def __str__(self) -> str:
        at = f"{self.heads} head{'s' * (self.heads > 1)}{', projected' * self.project}{', unequal' * self.unequal}{', past' * self.past}"
        return f"{self.score}, {self.scope}, {self.weighting}, {at}, {self.family}"

    def refusals(self) -> list[str]:
        """All that it may, and must, be refused for: a pattern of the reason."""
        made = attention(self.score, self.weighting)
        found = []
        if self.family == "transformer" and made.sequential:
            found.append(r"attentions that look at once; received \S+, which looks step by step. Use family: recurrent")
        if made.weighting.mixes and (self.family == "transformer" or self.past):
            found.append(MIXES)
        if self.scope.startswith("~") and scope(self.scope).fades:
            found.append("a scope that does not fade; received one that does")
        return found


MIXES = (
    "marginal only in a recurrent decoder's look at the source|past: expected a weighting that gathers one context|"
    "an exact marginal weighting: expected the look at the source of a recurrent decoder"
)


def drawn(choice: tuple[str, str, str, int, str], by: random.Random) -> Product:
    """The product, and by chance what a recurrent net may have besides."""
    return Product(*choice, unequal=by.random() < 0.5, project=by.random() < 0.5, past=by.random() < 0.25)


def whole(of: Kinds) -> Iterator[tuple[str, str, str, int, str]]:
    """The full product."""
    yield from product(of.scores, of.scopes, of.weightings, COUNTS, FAMILIES)


def size(of: Kinds) -> int:
    return prod(map(len, (of.scores, of.scopes, of.weightings, COUNTS, FAMILIES)))


@cache
def sample(of: Kinds) -> tuple[Product, ...]:
    """The products that are tried: all, or MOST drawn by a fixed seed; widths and projections are drawn with them."""
    chance, every = random.Random(SEED), list(whole(of))
    places = range(len(every)) if len(every) <= MOST else sorted(chance.sample(range(len(every)), MOST))
    return tuple(drawn(every[i], chance) for i in places)


@dataclass(frozen=True)
class Batch:
    """Products that one test goes through."""

    name: str
    products: tuple[Product, ...]

    def __str__(self) -> str:
        return self.name


@cache
def batches(of: Kinds) -> list[Batch]:
    """The sample in parts, by family and heads; and for each of the user's own kinds a part with its name."""
    made = []
    for family, heads in product(FAMILIES, COUNTS):
        part = [p for p in sample(of) if (p.family, p.heads) == (family, heads)]
        starts = range(0, len(part), TOGETHER)
        for number, start in enumerate(starts, 1):
            name = f"{family}, {heads} head{'s' * (heads > 1)}, part {number} of {len(starts)}"
            made.append(Batch(name, tuple(part[start : start + TOGETHER])))
    chance = random.Random(SEED)
    for text in sorted(of.own):
        every = [p for p in whole(of) if text in p]
        some = every if len(every) <= TOGETHER else chance.sample(every, TOGETHER)
        made.append(Batch(text, tuple(drawn(p, chance) for p in some)))
    return made


def pairwise(*factors: Sequence[object]) -> list[tuple]:
    """Members of a product, few and always the same, in which each member of a factor meets each member of every other."""
    rows = list(product(*(range(len(f)) for f in factors)))
    random.Random(SEED).shuffle(rows)
    kept: list[tuple[int, ...]] = []
    met: set[tuple[int, int, int, int]] = set()
    for least in range(len(factors) * (len(factors) - 1) // 2, 0, -1):  # first those that bring many new meetings
        for row in rows:
            new = meetings(row) - met
            if len(new) >= least:
                kept.append(row)
                met |= new
    return [tuple(f[i] for f, i in zip(factors, row, strict=True)) for row in sorted(kept)]


def meetings(row: Iterable[int]) -> set[tuple[int, int, int, int]]:
    return {(a, x, b, y) for (a, x), (b, y) in combinations(enumerate(row), 2)}
