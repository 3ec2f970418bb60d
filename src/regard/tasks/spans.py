"""Spans in tags, and how well they were found: exactly as conlleval counts (Tjong Kim Sang & Buchholz 2000)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

OUTSIDE = "O"
BEGINS, GOES_ON = ("B", "S", "U"), ("I", "M", "E", "L")  # of BIO, BMES, BIOES and BILOU
CLOSES = ("E", "L", "S", "U")


class Span(NamedTuple):
    """Places `start` to `end` (not included) that belong together."""

    kind: str
    start: int
    end: int


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans of a sequence of tags such as `B-city`, in order.  A tag that goes on from nothing, or from another kind, begins a span:
    so broken sequences are counted too, as conlleval does."""
    found: list[Span] = []
    start = 0
    for i, tag in enumerate(tags):
        if i and not _joined(tags[i - 1], tag) and tags[i - 1] != OUTSIDE:
            found.append(Span(parted(tags[i - 1])[1], start, i))
        if not i or not _joined(tags[i - 1], tag):
            start = i
    if tags and tags[-1] != OUTSIDE:
        found.append(Span(parted(tags[-1])[1], start, len(tags)))
    return found


def parted(tag: str) -> tuple[str, str]:
    """`B-city` is (B, city), `B` has the empty kind.  A tag that says no place, such as NN, is a kind: a span of its own."""
    place, _, kind = tag.partition("-")
    return (place, kind) if place in (*BEGINS, *GOES_ON) else ("", tag)


def _joined(before: str, tag: str) -> bool:
    """Whether two neighbours belong to one span."""
    (place, kind), (other, same) = parted(before), parted(tag)
    return tag != OUTSIDE and before != OUTSIDE and kind == same and other in GOES_ON and place not in CLOSES


def marked(tags: Iterable[str]) -> bool:
    """Whether tags mark where spans end (BMES, BIOES, BILOU), or only where they begin (BIO)."""
    return any(parted(tag)[0] in ("E", "L", "M", "S", "U") for tag in tags)


def says_places(tags: Iterable[str]) -> bool:
    """Whether tags mark spans: some are a place and a kind (`B-city`), or all but O are a place alone (`B`, `M`, `E`, `S`, of words)."""
    names = {tag for tag in tags if tag != OUTSIDE}
    bare = {tag for tag in names if tag in (*BEGINS, *GOES_ON)}
    return any(all(parted(tag)) for tag in names) or (bare == names and bool(bare & set(BEGINS)))


def begun(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as IOB1 has them, in which B only parts two spans of a kind, as IOB2: each span begins with B (Tjong Kim Sang & Veenstra 1999,
    section 2)."""
    before = [OUTSIDE, *tags]
    return tuple(
        f"B{tag[1:]}" if parted(tag)[0] == "I" and not _joined(last, tag) else tag
        for last, tag in zip(before, tags, strict=False)
    )


def may_follow(before: str, tag: str, *, ends: bool) -> bool:
    """Whether one tag can follow another; O stands for the start and the end of a sentence, too.  ends: spans must be closed."""
    goes_on = tag != OUTSIDE and parted(tag)[0] in GOES_ON
    open_ = before != OUTSIDE and parted(before)[0] not in CLOSES
    return _joined(before, tag) if goes_on else not (ends and open_)


def broken(tags: Sequence[str], *, ends: bool | None = None) -> int | None:
    """The first place whose tag cannot stand there, or None: one that goes on from nothing or from another kind, or, where ends are
    marked (BMES, BIOES, BILOU; None: where these tags mark some), one before which a span was not closed."""
    ends, chain = marked(tags) if ends is None else ends, [OUTSIDE, *tags, OUTSIDE]
    for i, (before, tag) in enumerate(pairwise(chain)):
        if not may_follow(before, tag, ends=ends):
            return min(i, len(tags) - 1)
    return None


def forbidden(tags: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places in a list of tags of which the second cannot follow the first; the length of the list stands for the start of a
    sentence, and for its end."""
    ends, chain = marked(tags), [*tags, OUTSIDE]
    return [(i, j) for i, a in enumerate(chain) for j, b in enumerate(chain) if not may_follow(a, b, ends=ends)]


def span_figures(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> dict[str, float]:
    """`slot_precision`, `slot_recall` and `slot_f1` over all sentences: spans whose kind and both ends are right; and `token_accuracy`.
    Where there is nothing to find and nothing was found, F1 is 0, as in conlleval.  Fractions."""
    told, true, both, same, count = 0, 0, 0, 0, 0
    for mine, theirs in zip(found, right, strict=True):
        a, b = set(spans(mine)), set(spans(theirs))
        told, true, both = told + len(a), true + len(b), both + len(a & b)
        same, count = same + sum(x == y for x, y in zip(mine, theirs, strict=True)), count + len(theirs)
    precision, recall = both / told if told else 0.0, both / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return {"slot_f1": f1, "slot_precision": precision, "slot_recall": recall, "token_accuracy": same / count if count else 0.0}


def type_figures(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Of each kind of span, by name: `precision`, `recall`, `f1` (fractions), and how many are `right` and were `found`; as conlleval and
    seqeval print them."""
    told, true, both = Counter[str](), Counter[str](), Counter[str]()
    for mine, theirs in zip(found, right, strict=True):
        a, b = set(spans(mine)), set(spans(theirs))
        told.update(span.kind for span in a)
        true.update(span.kind for span in b)
        both.update(span.kind for span in a & b)
    return {
        kind: {
            "precision": both[kind] / told[kind] if told[kind] else 0.0,
            "recall": both[kind] / true[kind] if true[kind] else 0.0,
            "f1": 2 * both[kind] / (told[kind] + true[kind]),
            "right": true[kind],
            "found": told[kind],
        }
        for kind in sorted(told | true)
    }
