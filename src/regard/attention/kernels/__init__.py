"""Fast ways to the same numbers.  A kernel knows forms and no scores; each has a plain twin, which says what it means.

`scores(form)` is `form.scores()`, made with less memory and time where a kernel takes the form.
`context(form, mask, values)`, `attend_band(form, values, tiles, sight)` and `band(...)` are `masked_softmax(form.scores(), mask) @ values`.
"""

from __future__ import annotations

from types import ModuleType

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.kernels.inner import attend, of_one
from regard.attention.kernels.inner import attend_band as attend_band
from regard.attention.kernels.inner import pays as pays_inner
from regard.attention.kernels.tanh import pays, tanh_scores
from regard.attention.scope import Reach
from regard.attention.score import AdditiveForm, DotForm, Form
from regard.core.optional import in_a_graph, loops_in_use, module


def scores(form: Form) -> Float[Tensor, "B H Q K"]:
    """The scores of a form."""
    match form:
        case AdditiveForm(query, keys, v, bias) if _taken(query, keys):
            made = tanh_scores(query, keys, v)
            return made if bias is None else made + bias
        case DotForm(query, keys, bias) if not in_a_graph() and (one := of_one(query, keys)) is not None:
            return one if bias is None else one + bias
        case _:
            return form.scores()


def context(
    form: Form, mask: Bool[Tensor, " B #H Q K"], values: Float[Tensor, "B H K E"], *, steady: bool = False
) -> Float[Tensor, "B H Q E"] | None:
    """softmax of the scores in sight, times the values; None where no kernel is faster than the plain way.

    steady: only by a kernel whose every bit depends on what a query sees alone.
    """
    match form:
        case DotForm(query, keys, None) if (loops := _single(query, keys, values, steady=steady)) is not None:
            return loops.of_inner(query, keys, mask, values)
        case AdditiveForm(query, keys, v, None) if (loops := _single(query, keys, v, values, steady=steady)) is not None:
            return loops.of_tanh(query, keys, v, mask, values)
        case DotForm(query, keys, None) if not steady and pays_inner(query, keys, values):
            return attend(query, keys, values, mask)
        case _:
            return None


def band(
    form: DotForm, values: Float[Tensor, "B H T E"], at: Int[Tensor, "B T"], valid: Bool[Tensor, "B T"], reach: Reach
) -> Float[Tensor, "B H T E"] | None:
    """`context` of queries that are the places, each seeing all that is within reach: one kernel on a GPU, None elsewhere."""
    kernel = module("attention.kernels.band_triton") if values.device.type == "cuda" and not in_a_graph() else None
    return kernel.attend_band(form.query, form.keys, values, at, valid, reach) if kernel else None


def prefix(
    top: Float[Tensor, "B H"],
    total: Float[Tensor, "B H"],
    sum: Float[Tensor, "B H E"],
    scores: Float[Tensor, "B H T"],
    seen: Bool[Tensor, "B H T"],
    values: Float[Tensor, "B H T E"],
) -> tuple[Tensor, ...] | None:
    """What Aaren reads of every prefix, and the summary behind the last: context, top, total, sum; None where loops are not compiled."""
    loops = module("attention.kernels.prefix_loops")
    if loops is None or scores.device.type != "cpu" or scores.dtype != torch.float32 or in_a_graph():
        return None
    rows = (t.flatten(0, 1) for t in (top, total, sum, scores, seen, values))
    return tuple(t.unflatten(0, scores.shape[:2]) for t in loops.prefix(*rows))


def _single(query: Tensor, *others: Tensor, steady: bool) -> ModuleType | None:
    """The loops for one query a row, as a decoder in use asks step by step; of many queries other ways are faster, and not as steady."""
    return loops_in_use("attention.kernels.single_loops", query, *others) if steady or query.shape[2] == 1 else None


def _taken(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> bool:
    """In no more than float32, and not where a graph is made of what is done: no kernel can be part of one."""
    exact = torch.float64 in (query.dtype, keys.dtype)
    return not exact and not in_a_graph() and pays(query, keys)
