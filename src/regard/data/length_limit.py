"""Pairs that are too long for the net or the memory: what is done with them, and how many there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from regard.core.errors import ConfigError, DataError, did_you_mean, message
from regard.data.examples import Place
from regard.data.tokenizer_kinds import EOS

POLICIES = ("skip", "error", "cut")
NAMED = 5  # so many pairs are named one by one

Pair = tuple[Sequence[int], Sequence[int]]


@dataclass
class LengthLimit:
    """At most so many tokens, end mark included, on each side of a pair; `str(limit)` says in sentences what was met.  pairs,
    over: how many there were, and how many of them are longer; long: the first of those.

    `on_long`: `skip` leaves the pair out, `error` stops, `cut` keeps the beginning of the side that is too long and puts its end
    mark behind it.  ConfigError for another word, or a limit below 2, which no text fits.
    """

    source: int
    target: int
    on_long: str = "skip"
    pairs: int = 0
    over: int = 0
    long: list[tuple[Place, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.on_long not in POLICIES:
            near = did_you_mean(self.on_long, POLICIES)
            raise ConfigError(message("data.on_long", " | ".join(POLICIES), repr(self.on_long), f"Choose one of them.{near}"))
        for side, most in (("source", self.source), ("target", self.target)):
            if most < 2:
                expected = "2 or more (a token and the end mark)"
                raise ConfigError(message(f"data.max_{side}_length", expected, str(most), "Raise it."))

    def keep(self, pair: Pair, place: Place) -> Pair | None:
        """The pair as the policy leaves it: itself where it fits, None where it is skipped.  DataError where `on_long` says so."""
        self.pairs += 1
        sides = (("source", pair[0], self.source), ("target", pair[1], self.target))
        over = [f"{len(ids):,} {side} tokens" for side, ids, most in sides if len(ids) > most]
        if not over:
            return pair
        if self.on_long == "error":
            expected = f"at most {self.source:,} source and {self.target:,} target tokens"
            do = "Raise data.max_source_length or data.max_target_length, or set data.on_long: skip (or cut)."
            raise DataError(message(str(place), expected, " and ".join(over), do))
        self.over += 1
        if len(self.long) < NAMED:
            self.long.append((place, " and ".join(over)))
        return None if self.on_long == "skip" else (_cut(pair[0], self.source), _cut(pair[1], self.target))

    def __str__(self) -> str:
        done = {"skip": "skipped", "cut": "cut"}.get(self.on_long, "refused")
        limit = f"{self.source:,} source or {self.target:,} target tokens"
        tail = f" and were {done}:" if self.long else "."
        said = [f"{self.over:,} of {self.pairs:,} pairs are longer than {limit}{tail}"]
        said += [f"  {place}: {what}" for place, what in self.long]
        if self.over > len(self.long):
            said.append(f"  and {self.over - len(self.long):,} more.")
        return "\n".join(said)


def _cut(ids: Sequence[int], most: int) -> Sequence[int]:
    return ids if len(ids) <= most else [*ids[: most - 1], EOS]
