"""Interventions as words, `decoder.0.cross:source=3,4,head=0`: those of the command line, of the server, and of a page's address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regard.core.errors import UsageError, did_you_mean, message

if TYPE_CHECKING:
    from regard.attention.interventions import Intervention

KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {  # in the order in which they are done: class, and the keys of its own
    "permute": ("Permute", ("seed",)),
    "uniform": ("Uniform", ()),
    "pin": ("Pin", ("source", "weight")),
    "erase": ("Erase", ("source",)),
}
NUMBERS = ("head", "target", "source")
RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
OTHERS: Mapping[str, tuple[Callable[[str], Any], str]] = {"seed": (int, r"\d{1,18}"), "weight": (float, r"\d*\.?\d+")}


def read_interventions(
    given: Mapping[str, Sequence[str] | None], *, spelt: Callable[[str], str] = "--{}".format
) -> list[Intervention]:
    """What words of the kinds permute, uniform, pin and erase ask for, in this order.

    spelt: how a kind is written where it was given.  UsageError for a word that is none.
    """
    each = [(kind, word) for kind in KINDS for word in given.get(kind) or ()]
    if not each:
        return []
    from regard.attention import interventions  # with PyTorch, which a server of exported folders does without

    read = [(KINDS[kind][0], *_read(kind, word, f"{spelt(kind)} {word[:200]}")) for kind, word in each]
    return [getattr(interventions, name)(look, **keys) for name, look, keys in read]


def _read(kind: str, word: str, whole: str) -> tuple[str, dict[str, Any]]:
    """`LOOK[:KEY=VALUE,...]`; a value without a key goes on with the numbers before it.  whole: for messages."""
    look, _, rest = word.partition(":")
    known, keys, last = ("head", "target", *KINDS[kind][1]), dict[str, Any](), ""
    for part in rest.split(",") if rest else ():
        key, sign, value = part.partition("=")
        if sign and key not in known:
            do = f"Places are counted from 0.{did_you_mean(key, known)}"
            raise UsageError(message(whole, f"LOOK:KEY=VALUE with {', '.join(known)}", f"'{key}'", do))
        last, value = (key, value) if sign else (last, part)
        if last in NUMBERS and (found := RANGE.fullmatch(value)):
            first, end = int(found[1]), int(found[2] or found[1])
            keys[last] = [*keys.get(last, ()), *range(first, end + 1)]
        elif sign and last in OTHERS and re.fullmatch(OTHERS[last][1], value):
            keys[last] = OTHERS[last][0](value)
        else:
            do = "Write it as decoder.0.cross:source=3, or source=3,5-8,head=0."
            raise UsageError(message(whole, "numbers from 0 behind a key", f"'{part}'", do))
    if kind == "pin" and "source" not in keys:
        raise UsageError(message(whole, "LOOK:source=PLACE", "no place", "Name the place, counted from 0."))
    return look, keys
