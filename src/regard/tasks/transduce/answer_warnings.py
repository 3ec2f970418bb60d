"""What people should know of the answers of a model that writes: counted while it answers, and said at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from regard.config import Config
from regard.tasks.base import TaskPrediction
from regard.tasks.options import describe_limit


class EncodedSource(Protocol):
    """A source as the network reads it."""

    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def features(self) -> Sequence[str]: ...
    @property
    def cut(self) -> bool: ...


def remarkable(sources: Sequence[EncodedSource], answers: Sequence[Sequence[TaskPrediction]], config: Config) -> Iterator[str]:
    """What is to be counted, once for each source of which it is true."""
    longest, featured = config.data.max_source_length, config.data.features is not None
    for source, best in zip(sources, answers, strict=True):
        if source.ids:
            yield from ["cut"] if source.cut else ["long"] if len(source.ids) > longest else []
            yield from ["bare"] if featured and not source.features else []
            yield from ["bound"] if best[0].details.get("ended") is False else []


def tell_warnings(counts: Mapping[str, int], config: Config, most: int | None) -> Iterator[str]:
    """The sentences.  most: how many tokens the model reads.

    A source that is longer than training ever read is answered whole and told: to cut it would lose what it says, and a net without
    learned positions can read on.
    """
    longest = config.data.max_source_length
    said = {
        "cut": f"longer than the {most} tokens that this model reads; what follows was cut off.",
        "long": f"longer than the {longest} tokens that training read at most (data.max_source_length).",
        "bare": "without features, which this run was trained with (data.features).",
    }
    for kind, sentence in said.items():
        if count := counts.get(kind):
            yield f"{count:,} source{' was' if count == 1 else 's were'} {sentence}"
    if counts.get("bound"):
        yield describe_limit(counts["bound"])
