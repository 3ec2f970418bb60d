"""Tags that say a place in a span, such as `B-city`: what they say, and which may follow which (IOB1, BIO, BMES, BIOES, BILOU)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

OUTSIDE = "O"
BEGINS, GOES_ON = ("B", "S", "U"), ("I", "M", "E", "L")  # of BIO, BMES, BIOES and BILOU
CLOSES = ("E", "L", "S", "U")


def split_tag(tag: str) -> tuple[str, str]:
    """`B-city` is (B, city), `B` has the empty kind.  A tag that says no place, such as NN, is a kind: a span of its own."""
    place, _, kind = tag.partition("-")
    return (place, kind) if place in (*BEGINS, *GOES_ON) else ("", tag)


def belong_together(before: str, tag: str) -> bool:
    """Whether two neighbours belong to one span."""
    (place, kind), (other, same) = split_tag(before), split_tag(tag)
    return tag != OUTSIDE and before != OUTSIDE and kind == same and other in GOES_ON and place not in CLOSES


def mark_ends(tags: Iterable[str]) -> bool:
    """Whether tags mark where spans end (BMES, BIOES, BILOU), or only where they begin (BIO)."""
    return any(split_tag(tag)[0] in ("E", "L", "M", "S", "U") for tag in tags)


def says_places(tags: Iterable[str]) -> bool:
    """Whether tags mark spans: some are a place and a kind (`B-city`), or all but O are a place alone (`B`, `M`, `E`, `S`, of words)."""
    names = {tag for tag in tags if tag != OUTSIDE}
    bare = {tag for tag in names if tag in (*BEGINS, *GOES_ON)}
    return any(all(split_tag(tag)) for tag in names) or (bare == names and bool(bare & set(BEGINS)))


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as IOB1 has them, in which B only parts two spans of a kind, as IOB2: each span begins with B (Tjong Kim Sang & Veenstra 1999,
    section 2)."""
    before = [OUTSIDE, *tags]
    return tuple(
        f"B{tag[1:]}" if split_tag(tag)[0] == "I" and not belong_together(last, tag) else tag
        for last, tag in zip(before, tags, strict=False)
    )


def may_follow(before: str, tag: str, *, ends: bool) -> bool:
    """Whether one tag can follow another; O stands for the start and the end of a sentence, too.  ends: spans must be closed."""
    goes_on = tag != OUTSIDE and split_tag(tag)[0] in GOES_ON
    open_ = before != OUTSIDE and split_tag(before)[0] not in CLOSES
    return belong_together(before, tag) if goes_on else not (ends and open_)


def find_break(tags: Sequence[str], *, ends: bool | None = None) -> int | None:
    """The first place whose tag cannot stand there, or None: one that goes on from nothing or from another kind, or, where ends are
    marked (BMES, BIOES, BILOU; None: where these tags mark some), one before which a span was not closed."""
    ends, chain = mark_ends(tags) if ends is None else ends, [OUTSIDE, *tags, OUTSIDE]
    for i, (before, tag) in enumerate(pairwise(chain)):
        if not may_follow(before, tag, ends=ends):
            return min(i, len(tags) - 1)
    return None
