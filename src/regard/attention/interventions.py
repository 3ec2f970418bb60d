"""Interventions: what a person does to the weights of a look, in use, to see what comes of it.

They work where weights are made, so on every score, scope and weighting alike.  What is changed is the row that is shown, after a fade;
it is also what later looks of a sequential attention know of this one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.hard import uniform
from regard.attention.memory import Memory
from regard.attention.tiling import TileOutput
from regard.core.errors import ArgumentError, message

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Numbers = int | Sequence[int] | None  # one, several, or all
ROUNDING = 1e-6  # weights that differ by no more are the same, but for the order of sums in float32
ROW = 1e-3  # by so much may the sum of a row that is given differ from 1


class WeightRows(NamedTuple):
    """What an intervention sees.  weights: as they were made; seen: which places are in sight; at: the number of each row, and places:
    that of each column, as a picture of the look counts them; normal: whether a row sums to 1 at most."""

    weights: Float[Tensor, "B H Q K"]
    seen: Bool[Tensor, "B H Q K"]
    at: Int[Tensor, "B Q"]
    places: Int[Tensor, "B K"]
    normal: bool


@dataclass(frozen=True)
class Intervention(ABC):
    """look: its name, as predictions show it, such as "decoder.0.cross".  head, target: numbers from 0, one or several; None: every
    head, every row.  Numbers that a text has no place for change nothing.  Raises ArgumentError for what is no number from 0."""

    look: str
    _: KW_ONLY
    head: Numbers = None
    target: Numbers = None

    def __post_init__(self) -> None:
        for name in ("head", "target", "source"):
            for number in several(getattr(self, name, None)) or ():
                if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
                    do = "Count from 0; the end mark is a place too."
                    raise ArgumentError(message(f"{self.name}: {name}", "whole numbers from 0", repr(number), do))

    @property
    def name(self) -> str:
        return type(self).__name__

    def covers(self, rows: WeightRows) -> Bool[Tensor, "B H Q"]:
        """Which rows are meant."""
        heads = among(torch.arange(rows.weights.shape[1], device=rows.at.device), self.head)
        return heads[None, :, None] & among(rows.at, self.target)[:, None]

    @abstractmethod
    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        """All rows, changed: never negative, zero out of sight."""


@dataclass(frozen=True)
class Erase(Intervention):
    """Nothing is taken of some places; the others of a row share what it took of them, in proportion, so that its sum stays.  Where the
    others took nothing, the row reads zeros.  source: None: every place, which switches a head off."""

    _: KW_ONLY
    source: Numbers = None

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        return erase_places(rows.weights, among(rows.places, self.source)[:, None, None])


@dataclass(frozen=True)
class Pin(Intervention):
    """Some places together hold `weight` of a row, in equal parts; the others share the rest, in proportion, where they had something,
    and else those places hold all.  A row that has none of them in sight stays as it is."""

    _: KW_ONLY
    source: Numbers
    weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source is None or not several(self.source):
            raise ArgumentError(message("Pin: source", "one place or several", repr(self.source), "Name them, from 0."))
        if not 0 < self.weight <= 1:
            do = "Write weight=1.0 for all of it; Erase takes a place away."
            raise ArgumentError(message("Pin: weight", "a share above 0, at most 1", repr(self.weight), do))

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        pinned = among(rows.places, self.source)[:, None, None] & rows.seen
        count = pinned.sum(-1, keepdim=True)
        others = _scaled(rows.weights.masked_fill(pinned, 0.0), 1 - self.weight)
        made = torch.where(pinned, (1 - others.sum(-1, keepdim=True)) / count.clamp(min=1), others)
        return torch.where(count > 0, made, rows.weights)


@dataclass(frozen=True)
class Uniform(Intervention):
    """Every place in sight takes the same: the mean of what may be looked at."""

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        seen = rows.seen.to(rows.weights)
        return seen / seen.sum(-1, keepdim=True).clamp(min=1)


@dataclass(frozen=True)
class Permute(Intervention):
    """The weights of a row stand at other places in sight, drawn by (seed, head, row, place): the same text is always mixed in one way,
    whoever else is in the batch.  Jain & Wallace 2019, section 4.2.1."""

    _: KW_ONLY
    seed: int = 1

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        heads = torch.arange(rows.weights.shape[1], device=rows.at.device)
        drawn = uniform(self.seed, heads, rows.at, rows.places).masked_fill(~rows.seen, 2.0)  # what is out of sight stands last
        to, of = drawn.argsort(dim=-1, stable=True), (~rows.seen).to(torch.uint8).argsort(dim=-1, stable=True)
        return torch.zeros_like(rows.weights).scatter(-1, to, rows.weights.gather(-1, of))


@dataclass(frozen=True, eq=False)
class Replace(Intervention):
    """Weights of one's own: (heads, rows, places) as `Prediction.attention` has them, or (rows, places) for every head.

    What is given for places out of sight is left out, and the rest of its row takes its share; rows that sum to more than 1 are divided
    by their sum, but under a weighting that does so itself (sigmoid).  A row that is the model's own but for rounding is the model's own.
    Rows beyond those given stay as they are; places beyond take nothing.  Raises ArgumentError for weights that are none.
    """

    _: KW_ONLY
    weights: ArrayLike

    def __post_init__(self) -> None:
        super().__post_init__()
        given = np.asarray(self.weights, dtype=np.float64)
        if given.ndim not in (2, 3) or not np.isfinite(given).all() or (given < 0).any():
            expected = "an array (heads, rows, places) or (rows, places) of finite numbers, none below 0"
            received = f"shape {given.shape}" if given.ndim not in (2, 3) else "others"
            raise ArgumentError(message("Replace: weights", expected, received, "Give what `Prediction.attention` holds."))
        object.__setattr__(self, "weights", given if given.ndim == 3 else given[None])

    def change(self, rows: WeightRows) -> Float[Tensor, "B H Q K"]:
        given = torch.from_numpy(np.asarray(self.weights)).to(rows.weights)
        there = ((rows.at >= 0) & (rows.at < given.shape[1]))[:, None, :, None]
        if not given.shape[1] or not given.shape[2]:
            return rows.weights.masked_fill(there, 0.0)
        at, places = rows.at.clamp(0, given.shape[1] - 1), rows.places.clamp(max=given.shape[2] - 1)
        wanted = given[:, at[:, :, None], places[:, None]].transpose(0, 1) * (rows.places < given.shape[2])[:, None, None]
        made = wanted * rows.seen
        total, left = wanted.sum(-1, keepdim=True), made.sum(-1, keepdim=True)
        total = total.clamp(max=1.0) if rows.normal else total
        made = torch.where((total - left).abs() > ROW, _scaled(made, total), made)
        own = ((made - rows.weights).abs() <= ROUNDING).all(-1, keepdim=True)
        return torch.where(there & ~own, made, rows.weights)


class LookEdit:
    """The interventions on one look, in their order.  rows_of: of each, which rows of a batch of so many it is for; by_row: rows are
    counted as they stand, for all of them ask from one place (a pool).

    It knows afterwards what was never there to be changed.
    """

    def __init__(self, each: Sequence[tuple[Intervention, Callable[[int], slice]]], *, by_row: bool = False) -> None:
        self._by_row = by_row
        self.begin(each)

    def begin(self, each: Sequence[tuple[Intervention, Callable[[int], slice]]]) -> None:
        """Be these interventions from now on."""
        self._each = tuple(each)
        self._missing = [set(several(getattr(one, "source", None)) or ()) for one, _ in self._each]
        self._reached = [False] * len(self._each)
        self.first = 0  # the number of the first row that a picture shows, where others are read before it

    def __deepcopy__(self, memo: Any) -> LookEdit:
        return self  # a network that is copied for use goes on telling the same one

    def apply(
        self, look: TileOutput, seen: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"], *, normal: bool
    ) -> TileOutput:
        """A look, with its weights, as it is then.  Rows that stay as they are keep every bit.  seen: places in sight."""
        shown = made = look.shown
        assert shown is not None and made is not None
        at = torch.arange(at.shape[1], device=at.device).expand_as(at) if self._by_row else at - self.first
        for number, (one, rows_of) in enumerate(self._each):
            rows = WeightRows(made, seen.expand_as(made), at, memory.at, normal)
            meant = one.covers(rows)
            mine = torch.zeros_like(meant)
            mine[rows_of(len(meant))] = True
            self._note(number, meant & mine, rows)
            made = torch.where((meant & mine)[..., None], one.change(rows), made)
        changed = (made != shown).any(-1, keepdim=True)
        kind = torch.promote_types(made.dtype, memory.values.dtype)
        context = torch.where(changed, (made.to(kind) @ memory.values.to(kind)).to(look.context), look.context)
        taken = made if look.taken is None else torch.where(changed, made.to(look.taken), look.taken)
        return look._replace(context=context, shown=made, taken=taken)

    def _note(self, number: int, meant: Bool[Tensor, "B H Q"], rows: WeightRows) -> None:
        self._reached[number] = self._reached[number] or bool(meant.any())
        if missing := self._missing[number]:
            seen = (rows.seen & meant[..., None]).flatten(1, 2).any(1)
            missing -= set(rows.places[seen].tolist())

    def tell_untouched(self) -> Iterator[str]:
        """What was asked for and never there, for people."""
        for (one, _), missing, reached in zip(self._each, self._missing, self._reached, strict=True):
            if not reached:
                yield f"{one.name} {one.look}: no text came to the rows that are named; nothing was changed."
            elif missing:
                numbers = ", ".join(map(str, sorted(missing)))
                yield f"{one.name} {one.look}: no text has place {numbers} in sight; nothing was changed there."


def several(numbers: Numbers) -> tuple[int, ...] | None:
    """Numbers as a tuple; None: all."""
    if numbers is None:
        return None
    return tuple(numbers) if isinstance(numbers, Sequence | np.ndarray | range) else (numbers,)


def among(x: Int[Tensor, "*B"], numbers: Numbers) -> Bool[Tensor, "*B"]:
    """Whether each is one of the numbers; None: all are."""
    wanted = several(numbers)
    if wanted is None:
        return torch.ones_like(x, dtype=torch.bool)
    return torch.isin(x, torch.tensor(wanted, dtype=x.dtype, device=x.device))


def erase_places(weights: Float[Tensor, "B H Q K"], places: Bool[Tensor, " B #H #Q K"]) -> Float[Tensor, "B H Q K"]:
    """Rows that take nothing of these places; the others share what was taken of them, in proportion."""
    return _scaled(weights.masked_fill(places, 0.0), weights.sum(-1, keepdim=True))


def _scaled(x: Float[Tensor, "B H Q K"], total: Tensor | float) -> Float[Tensor, "B H Q K"]:
    """Each row in proportion, with this sum; zeros where there is nothing."""
    own = x.sum(-1, keepdim=True)
    some = own > torch.finfo(x.dtype).tiny
    return x * (total / own.where(some, 1.0)) * some
