"""A network in use whose weights of attention are changed by a person: another one, which shares all that was learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from torch import nn

from regard.attention.interventions import Intervention, LookEdit, Replace, several
from regard.attention.pooling import Pool
from regard.core.errors import ArgumentError, did_you_mean, message
from regard.inference.weights import OneHead, WeightFormat
from regard.networks.marginal_heads import HardMonotonicHead

Shown = Callable[[Sequence[str]], Mapping[str, tuple[str, Callable[[int], slice]]]]
Plan = Mapping[str, Sequence[tuple[Intervention, Callable[[int], slice]]]]


def plan(network: nn.Module, interventions: Sequence[Intervention], shown: Shown) -> Plan:
    """What is to be done on each look of a network, by its name there.

    network: with `attentions`.  shown: from the names of its looks to those that predictions show, each with its name in the network
    and, of a batch of so many rows, those that it is of.
    Raises ArgumentError for a look or a head that is not there, and for a look whose weights a head makes.
    """
    attentions: Any = network.attentions()  # type: ignore[operator]  # every network in use has them
    known = shown(list(attentions))
    each: dict[str, list[tuple[Intervention, Callable[[int], slice]]]] = {}
    for one in interventions:
        if one.look not in known:
            received = f"'{one.look}'"
            do = f"Name one of them.{did_you_mean(one.look, known)}"
            raise ArgumentError(
                message(f"{one.name}: look", f"one of {', '.join(known) or 'none: it looks nowhere'}", received, do)
            )
        name, rows = known[one.look]
        _refuse_heads(one, _attention(attentions[name]).heads)
        if (
            isinstance(one, Replace)
            and name.endswith(".cross")
            and any(isinstance(m, HardMonotonicHead) for m in network.modules())
        ):
            do = "Use Erase, Pin, Uniform or Permute, which change the look itself."
            expected = "a look that shows its own weights"
            received = f"{one.look}, whose weights the head makes of all words before"
            raise ArgumentError(message("Replace", expected, received, do))
        each.setdefault(name, []).append((one, rows))
    return each


def carry_out(network: nn.Module, planned: Plan) -> tuple[nn.Module, dict[str, LookEdit]]:
    """The network with interventions, and what they are on each look.  network: in evaluation mode, of which they were planned."""
    shared: dict[int, Any] = {id(t): t for t in (*network.parameters(), *network.buffers())}
    shared |= {id(x): x for m in network.modules() for x in m.__dict__.values() if isinstance(x, WeightFormat | OneHead)}
    made: Any = deepcopy(network, shared)
    attentions, edits = made.attentions(), {}
    for name, some in planned.items():
        part = attentions[name]
        (part.attention if isinstance(part, Pool) else part).edit = edits[name] = LookEdit(some, by_row=isinstance(part, Pool))
    return made, edits


def _attention(part: Any) -> Any:
    """What has the heads of a look."""
    return getattr(part, "attention", part)


def _refuse_heads(one: Intervention, heads: int) -> None:
    wrong = [head for head in several(one.head) or () if head >= heads]
    if wrong:
        do = "Heads are counted from 0; leave it out for all."
        raise ArgumentError(message(f"{one.name}: head", f"less than the {heads} of {one.look}", str(wrong[0]), do))
    if isinstance(one, Replace) and len(one.weights) not in (1, heads):  # type: ignore[arg-type]  # an array since it was made
        expected = f"weights of the {heads} heads of {one.look}, or of one for all"
        raise ArgumentError(message("Replace: weights", expected, f"{len(one.weights)} heads", "Give (heads, rows, places)."))  # type: ignore[arg-type]
