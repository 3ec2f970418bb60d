"""What is told of answers that no tokens can give, and of how right ones are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from regard.core.plural import many
from regard.tasks.read.data import PassageQuestion
from regard.tasks.read.metrics import WAYS, way_of

if TYPE_CHECKING:
    from regard.config import Config


def out_of_reach(config: Config, name: str, reached: Sequence[bool]) -> Iterator[str]:
    """What a person should know before a net learns to give answers that it cannot give.  name: whose answers; reached: of each."""
    if lost := reached.count(False):
        other = "char" if config.data.source_tokenizer != "char" else "bpe(8000)"
        long = f"longer than {config.own.longest} tokens (read.longest)"
        one, more = f"begins or ends within a token, or is {long}: it", f"begin or end within a token, or are {long}: they"
        how = one if lost == 1 else more
        do = f"Try data.source_tokenizer={other}, or a larger read.longest."
        yield f"note: of {many(len(reached), f'{name} answer')} {lost:,} {how} can never be given exactly. {do}"


def told_beside(items: Sequence[PassageQuestion], reached: Sequence[bool]) -> dict[str, Any]:
    """signatures: how F1 was counted.  unreachable: answers that no tokens can give."""
    ways = Counter(way_of(item.passage) for item in items)
    said = "; ".join(f"{count:,} by {WAYS[way]}" for way, count in ways.most_common())
    lost = reached.count(False)
    return {"signatures": {"f1 is counted": said}, **({"unreachable": lost} if lost else {})}
