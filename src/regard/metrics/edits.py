"""Edits: how far a prediction is from what was expected, by which edits, and which kinds of edit come often.

An edit reads from what was expected to what was written: `e→ɛ` (e was written ɛ), `t→∅` (t is missing), `∅→n` (an n too many).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from regard.core.atomic_files import atomic

NOTHING = "∅"
ERROR_COLUMNS = ("line", "source", "features", "expected", "predicted", "score", "edits", "operations", "kind")
KIND_COLUMNS = ("kind", "type", "expected", "predicted", "count", "share", "items", "examples")
EXAMPLES = 5
VOWELS = frozenset("aeiouyæœøɶɑɒɐɔəɘɚɛɜɝɞɤɨɪɯɵʉʊʌʏ")
MARKS = ("Mn", "Mc", "Me", "Lm", "Sk")  # what changes a letter and is none: accents, IPA length and aspiration


class Edit(NamedTuple):
    """One edit; `expected` is None in an insertion, `predicted` is None in a deletion.  Its text is its kind, `e→ɛ`."""

    expected: str | None
    predicted: str | None

    @property
    def type(self) -> str:
        """`substitute`, `insert` or `delete`, as seen from what was expected."""
        if self.expected is None:
            return "insert"
        return "delete" if self.predicted is None else "substitute"

    def __str__(self) -> str:
        return f"{show_edits(self.expected)}→{show_edits(self.predicted)}"


@dataclass(frozen=True, slots=True)
class EvaluatedAnswer:
    """What a model wrote for one item: `line` counts from 1, `references` holds one text or more, `score` is a log-probability."""

    line: int
    source: str
    features: tuple[str, ...]
    references: tuple[str, ...]
    predicted: str
    score: float | None


class WrongAnswer(NamedTuple):
    """An answer that equals no reference: the reference that is nearest, and the edits from it to the answer."""

    answer: EvaluatedAnswer
    expected: str
    edits: tuple[Edit, ...]


def show_edits(token: str | None) -> str:
    """A token as a person can see it: nothing is ∅, a space ␣, and a combining mark stands on a circle (◌̃)."""
    if not token:
        return NOTHING
    visible = "".join("␣" if x.isspace() else x for x in token)
    return f"◌{visible}" if unicodedata.category(visible[0]).startswith("M") else visible


def distance(expected: Sequence[str], predicted: Sequence[str]) -> int:
    """The least number of insertions, deletions and substitutions that make one sequence of tokens the other.

    One column of the usual table is held in the bits of two integers, so a token costs a dozen operations, not a row.
    Source: Myers 1999, A fast bit-vector algorithm for approximate string matching, in the form of Hyyrö 2003.
    """
    if not expected or not predicted:
        return len(expected) + len(predicted)
    where: dict[str, int] = {}
    for i, token in enumerate(expected):
        where[token] = where.get(token, 0) | 1 << i
    every, last = (1 << len(expected)) - 1, 1 << len(expected) - 1
    up, down, edits = every, 0, len(expected)  # bits: where the column rises by one, falls by one; and its last number
    for token in predicted:
        match = where.get(token, 0)
        vertical = match | down
        horizontal = (((match & up) + up) ^ up) | match
        rises, falls = down | ~(horizontal | up) & every, up & horizontal
        edits += bool(rises & last) - bool(falls & last)
        rises, falls = rises << 1 | 1, falls << 1
        up, down = (falls | ~(vertical | rises)) & every, rises & vertical
    return edits


def align(expected: Sequence[str], predicted: Sequence[str]) -> tuple[Edit, ...]:
    """The edits of a shortest alignment, from left to right; what agrees is left out.

    Of the shortest alignments the one that a linguist would draw: what is substituted is as alike as possible
    (e with é, else a vowel with a vowel, else a letter with a letter).
    """
    start = _shared(expected, predicted)
    expected, predicted = expected[start:], predicted[start:]
    end = _shared(expected[::-1], predicted[::-1])
    expected, predicted = expected[: len(expected) - end], predicted[: len(predicted) - end]
    # Dearer than all unlikeness together: so never an edit more for a better match.
    one = 2 * (len(expected) + len(predicted)) + 1
    return tuple(_walk(_table(expected, predicted, one), expected, predicted, one))


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


@lru_cache(maxsize=1 << 16)
def _unlike(a: str, b: str) -> int:
    """0 where two tokens share a letter once accents and length are taken off, 1 where both are vowels or both consonants,
    2 where one is a vowel, 3 where one is no letter."""
    bases = [{x for x in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(x) not in MARKS} for text in (a, b)]
    if bases[0] & bases[1]:
        return 0
    if len({unicodedata.category(text[0])[0] for text in (a, b)}) > 1:
        return 3
    return 1 if bool(bases[0] & VOWELS) == bool(bases[1] & VOWELS) else 2


def _cost(a: str, b: str, one: int) -> int:
    return 0 if a == b else one + _unlike(a, b)


def _table(expected: Sequence[str], predicted: Sequence[str], one: int) -> list[list[int]]:
    """table[i][j]: the least cost from the first i expected to the first j predicted tokens."""
    table = [[j * one for j in range(len(predicted) + 1)]]
    for i, a in enumerate(expected):
        above, row = table[-1], [(i + 1) * one]
        for j, b in enumerate(predicted):
            row.append(min(above[j] + _cost(a, b, one), above[j + 1] + one, row[j] + one))
        table.append(row)
    return table


def _walk(table: list[list[int]], expected: Sequence[str], predicted: Sequence[str], one: int) -> list[Edit]:
    """Back from the last corner of the table along a cheapest way; on a tie a substitution comes before the others."""
    i, j, edits = len(expected), len(predicted), []
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + _cost(expected[i - 1], predicted[j - 1], one):
            i, j = i - 1, j - 1
            if expected[i] != predicted[j]:
                edits.append(Edit(expected[i], predicted[j]))
        elif i and here == table[i - 1][j] + one:
            i -= 1
            edits.append(Edit(expected[i], None))
        else:
            j -= 1
            edits.append(Edit(None, predicted[j]))
    return edits[::-1]


def nearest(predicted: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The fewest edits to any reference, and which one that is; on a tie the longest, whose rate is the lowest."""
    edits, _, which = min((distance(r, predicted), -len(r), i) for i, r in enumerate(references))
    return edits, which


def wrong(answers: Iterable[EvaluatedAnswer], tokens_of: Callable[[str], Sequence[str]]) -> Iterator[WrongAnswer]:
    """The answers that equal none of their references, each with its edits from the nearest one.

    Edits are counted in tokens; where a text is wrong though its tokens are right (a second space), in characters.
    """
    for answer in answers:
        if answer.predicted not in answer.references:
            predicted, references = tokens_of(answer.predicted), [tokens_of(text) for text in answer.references]
            _, which = nearest(predicted, references)
            expected = answer.references[which]
            edits = align(references[which], predicted) or align(expected, answer.predicted)
            yield WrongAnswer(answer, expected, edits)


def kinds_path(path: Path) -> Path:
    """Where the table of kinds goes that stands beside a table of errors: `errors.tsv` has `errors.kinds.tsv`."""
    return path.with_name(f"{path.stem}.kinds{path.suffix or '.tsv'}")


def write_errors(path: Path, answers: Iterable[EvaluatedAnswer], tokens_of: Callable[[str], Sequence[str]]) -> Counter[str]:
    """Write what went wrong as two TSVs with a header, and return how often each kind of edit (`e→ɛ`) occurs.

    `path`: one line for each wrong answer; `kind` is its commonest kind of edit in the whole file, and the lines are sorted by it,
    commonest kind first, then by line: what has one cause stands together.
    `kinds_path(path)`: one line for each kind, commonest first; `share` is its part of all edits, `items` how many answers have it.
    Each file is replaced as a whole or not at all.  RegardError where the disk refuses.
    """
    found = list(wrong(answers, tokens_of))
    counts = Counter(edit for x in found for edit in x.edits)
    ranks = {edit: rank for rank, edit in enumerate(sorted(counts, key=lambda edit: (-counts[edit], str(edit))))}
    leading = {id(x): min(x.edits, key=ranks.__getitem__) for x in found}
    found.sort(key=lambda x: (ranks[leading[id(x)]], x.answer.line))
    write_table(path, ERROR_COLUMNS, (_error_row(x, leading[id(x)]) for x in found))
    write_table(kinds_path(path), KIND_COLUMNS, _kind_rows(found, counts, ranks))
    return Counter({str(edit): counts[edit] for edit in ranks})


def _error_row(x: WrongAnswer, leading: Edit) -> tuple[object, ...]:
    a = x.answer
    score, operations = "" if a.score is None else f"{a.score:.4f}", " ".join(map(str, x.edits))
    return (a.line, a.source, ";".join(a.features), x.expected, a.predicted, score, len(x.edits), operations, leading)


def _kind_rows(found: list[WrongAnswer], counts: Counter[Edit], ranks: dict[Edit, int]) -> Iterator[tuple[object, ...]]:
    having: dict[Edit, list[EvaluatedAnswer]] = {edit: [] for edit in ranks}
    for x in sorted(found, key=lambda x: x.answer.line):
        for edit in set(x.edits):
            having[edit].append(x.answer)
    total = counts.total()
    for edit, answers in having.items():
        examples = ", ".join(f"{a.source} ({a.line})" for a in answers[:EXAMPLES])
        share = f"{counts[edit] / total:.4f}"
        yield edit, edit.type, show_edits(edit.expected), show_edits(edit.predicted), counts[edit], share, len(answers), examples


def write_table(path: Path, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """A TSV with a header, as a whole or not at all.  RegardError where the disk refuses."""
    with atomic(path) as file:
        for row in (columns, *rows):
            file.write(("\t".join(map(_cell, row)) + "\n").encode())


def _cell(value: object) -> str:
    return str(value).replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
