"""Which expression a size is: a number that was seen in several traces, told by the shapes of what was read in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, permutations
from operator import add, mul, sub

from regard.runtime.graph import Size

Seen = tuple[int, ...]  # a number in each trace


class Unknown(ValueError):
    """A number that no expression gives."""


class Symbols:
    """The sizes that differ from trace to trace, each by the input and the axis where it stands first.

    shapes: of each trace the shapes of its inputs by name.
    """

    def __init__(self, shapes: Sequence[Mapping[str, Sequence[int]]]) -> None:
        self.traces = len(shapes)
        self.of: dict[Seen, Size] = {}
        for name, first in shapes[0].items():
            for axis in range(len(first)):
                seen = tuple(int(each[name][axis]) for each in shapes)
                if len(set(seen)) > 1:
                    self.of.setdefault(seen, ("size", name, axis))
        self._known: dict[Seen, Size] = {}

    def expression(self, seen: Seen) -> Size:
        """The simplest expression that gives these numbers.  Unknown where there is none."""
        if len(set(seen)) == 1:
            return seen[0]
        if seen not in self._known:
            found = next(self._candidates(seen), None)
            if found is None:
                raise Unknown(f"a size of {', '.join(map(str, seen))} in turn")
            self._known[seen] = found
        return self._known[seen]

    def _candidates(self, seen: Seen) -> Iterator[Size]:
        """s; c s + d of a size, of a product, a sum, a difference, or the larger of two; max and min of s + c and a number."""
        if seen in self.of:
            yield self.of[seen]
        for base, size in self._bases():
            if (line := _line(base, seen)) is not None:
                yield _affine(size, *line)
        for base, size in self.of.items():
            for form, bound in (("max", min(seen)), ("min", max(seen))):
                free = [(b, s) for b, s in zip(base, seen, strict=True) if s != bound]
                if len({s - b for b, s in free}) == 1 and len(free) > 1:
                    shift = free[0][1] - free[0][0]
                    if all((max if form == "max" else min)(b + shift, bound) == s for b, s in zip(base, seen, strict=True)):
                        yield (form, _affine(size, 1, shift), bound)

    def _bases(self) -> Iterator[tuple[Seen, Size]]:
        """What a size may be a multiple of, the simplest first."""
        yield from self.of.items()
        yield from ((tuple(a // 2 for a in x), ("//", p, 2)) for x, p in self.of.items() if not any(a % 2 for a in x))
        for (x, p), (y, q) in combinations_with_replacement(self.of.items(), 2):
            yield _each(mul, x, y), ("*", p, q)
            yield _each(add, x, y), ("+", p, q)
            yield _each(max, x, y), ("max", p, q)
        for (x, p), (y, q) in permutations(self.of.items(), 2):
            yield _each(sub, x, y), ("+", p, ("*", q, -1))
            yield _each(sub, _each(max, x, y), y), ("+", ("max", p, q), ("*", q, -1))
            yield from ((_each(mul, x, tuple(b + c for b in y)), ("*", p, ("+", q, c))) for c in (-1, 1))


def _each(of: Callable[[int, int], int], x: Seen, y: Seen) -> Seen:
    return tuple(of(a, b) for a, b in zip(x, y, strict=True))


def _line(base: Seen, seen: Seen) -> tuple[int, int] | None:
    """(a, c) with a * base + c = seen, in whole numbers; None where there are none."""
    i = next((i for i in range(1, len(base)) if base[i] != base[0]), None)
    if i is None or (seen[i] - seen[0]) % (base[i] - base[0]):
        return None
    a = (seen[i] - seen[0]) // (base[i] - base[0])
    c = seen[0] - a * base[0]
    return (a, c) if a and all(a * b + c == s for b, s in zip(base, seen, strict=True)) else None


def _affine(size: Size, a: int, c: int) -> Size:
    scaled: Size = size if a == 1 else ("*", size, a)
    return scaled if c == 0 else ("+", scaled, c)
