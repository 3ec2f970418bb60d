"""Which answers tokens can give at all, and how right ones are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from regard.core.plural import many
from regard.tasks.read.data import PassageQuestion
from regard.tasks.read.metrics import WAYS, exact_and_f1, way_of

if TYPE_CHECKING:
    from regard.tasks.read.task import Answerer


def given(model: Answerer, items: Iterable[PassageQuestion]) -> Iterator[bool]:
    """Of each right answer whether tokens can give it exactly, as `exact_match` counts."""
    for item in items:
        passage, way = model.cut(item.passage), way_of(item.passage)
        for answer in item.answers:
            place = model.place(answer, passage)
            text = passage.text[passage.spans[place[0]][0] : passage.spans[place[1]][1]] if place else ""
            short = place is not None and place[1] - place[0] < model.section.longest
            yield short and exact_and_f1(text, [answer.text], by_character=way == "run", each=way == "each")[0]


def out_of_reach(model: Answerer, train: Sequence[PassageQuestion], valid: Sequence[PassageQuestion]) -> Iterator[str]:
    """What a person should know before a net learns to give answers that it cannot give."""
    for name, items in (("training", train), ("validation", valid)):
        each = list(given(model, items))
        if lost := each.count(False):
            other = "char" if model.config.data.source_tokenizer != "char" else "bpe(8000)"
            long = f"longer than {model.section.longest} tokens (read.longest)"
            how = (
                f"begins or ends within a token, or is {long}: it"
                if lost == 1
                else f"begin or end within a token, or are {long}: they"
            )
            do = f"Try data.source_tokenizer={other}, or a larger read.longest."
            yield f"note: of {many(len(each), f'{name} answer')} {lost:,} {how} can never be given exactly. {do}"


def told_beside(model: Answerer, items: Sequence[PassageQuestion]) -> dict[str, Any]:
    """signatures: how F1 was counted.  unreachable: answers that no tokens can give."""
    ways = Counter(way_of(item.passage) for item in items)
    said = "; ".join(f"{count:,} by {WAYS[way]}" for way, count in ways.most_common())
    lost = list(given(model, items)).count(False)
    return {"signatures": {"f1 is counted": said}, **({"unreachable": lost} if lost else {})}
