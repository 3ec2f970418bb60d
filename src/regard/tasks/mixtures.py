"""Which share of an epoch each source of a config has."""

from __future__ import annotations

from collections.abc import Sequence

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.mixing import SourceMixture, by_temperature, by_weights
from regard.data.parts import find_parts


def mix(config: Config, sizes: Sequence[int], say: Say) -> SourceMixture | None:
    """The mixture that `data.weights` or `data.temperature` ask for; None: neither does.  sizes: items of each source.  DataError where a
    source has none."""
    data = config.data
    if not data.mixes:
        return None
    for name, size in zip(data.train, sizes, strict=True):
        if not size:
            expected, do = "items to mix", "Name data that can be learnt from, or leave it out."
            raise DataError(message(name, expected, "none that is learnt from", do))
    shares = by_weights(data.train, data.weights) if data.weights else by_temperature(sizes, data.temperature or 1.0)
    mixture = SourceMixture(tuple(sizes), shares, config.train.seed)
    each = zip(data.train, mixture.counts, sizes, strict=True)
    told = ", ".join(f"{count:,} from {name} ({count / size:.2g} times its {size:,})" for name, count, size in each)
    say(f"mixed: an epoch is {sum(sizes):,} items, {told}.")
    return mixture


def count_sources(config: Config, files: Sequence[str]) -> list[int]:
    """How many items each source has.  files: that of each item."""
    places = {part: i for i, name in enumerate(config.data.train) for part in find_parts(name)}
    counts = [0] * len(config.data.train)
    for file in files:
        counts[places[file]] += 1
    return counts
