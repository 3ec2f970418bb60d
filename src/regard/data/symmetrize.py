"""Alignments of both directions made one.  Och & Ney 2003, section 4; Koehn et al. 2003 (growing along diagonals).

Link for link what `atools` of fast_align (at cab1e9a) makes; docs/align.md says where others differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regard.data.word_links import Link, Links

STEPS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


class Growing:
    """Links that are added to, and the words that have one."""

    def __init__(self, links: Links) -> None:
        self.links = set(links)
        self.sources, self.targets = {i for i, _ in links}, {j for _, j in links}

    def add(self, link: Link) -> None:
        self.links.add(link)
        self.sources.add(link[0])
        self.targets.add(link[1])

    def is_new(self, link: Link) -> bool:
        """Whether one of its words, at least, has no link."""
        return not (link[0] in self.sources and link[1] in self.targets)

    def is_alone(self, link: Link) -> bool:
        """Whether neither of its words has one."""
        return link[0] not in self.sources and link[1] not in self.targets

    def grow(self, candidates: Links) -> None:
        """Links beside others, straight or across a corner, with a word that has none; by source, then target word, until none is left."""
        left, again = sorted(candidates - self.links), True
        while again:
            kept = []
            for link in left:
                if self.is_new(link) and any((link[0] + i, link[1] + j) in self.links for i, j in STEPS):
                    self.add(link)
                else:
                    kept.append(link)
            again, left = len(kept) < len(left), kept

    def finish(self, candidates: Links, fits: Callable[[Link], bool]) -> None:
        """Links that fit when their turn comes, by source, then target word."""
        for link in sorted(candidates - self.links):
            if fits(link):
                self.add(link)


def _grown(forward: Links, backward: Links) -> Growing:
    made = Growing(forward & backward)
    made.grow(forward | backward)
    return made


def _final(forward: Links, backward: Links, *, both: bool) -> Links:
    made = _grown(forward, backward)
    for links in (forward, backward):
        made.finish(links, made.is_alone if both else made.is_new)
    return frozenset(made.links)


WAYS: Mapping[str, Callable[[Links, Links], Links]] = {
    "intersection": lambda forward, backward: forward & backward,
    "union": lambda forward, backward: forward | backward,
    "grow-diag": lambda forward, backward: frozenset(_grown(forward, backward).links),
    "grow-diag-final": lambda forward, backward: _final(forward, backward, both=False),
    "grow-diag-final-and": lambda forward, backward: _final(forward, backward, both=True),
}


def symmetrize(forward: Links, backward: Links, way: str) -> Links:
    """One alignment of two of the same pair.  forward: of the model from source to target, whose links come first where the order counts;
    backward: of the other one, as source-target too.  way: a key of WAYS."""
    return WAYS[way](forward, backward)
