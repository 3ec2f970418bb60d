"""Fast ways to the same numbers.  A kernel knows forms and no scores; each has a plain twin, which says what it means.

`scores(form)` is `form.scores()`, made with less memory and time where a kernel takes the form.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.tanh import pays, tanh_scores
from regard.attention.score import Form, Tanh


def scores(form: Form) -> Float[Tensor, "B H Q K"]:
    """The scores of a form."""
    match form:
        case Tanh(query, keys, v, bias) if _taken(query, keys):
            made = tanh_scores(query, keys, v)
            return made if bias is None else made + bias
        case _:
            return form.scores()


def _taken(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> bool:
    """On a CPU, in no more than float32, and not where a graph is made of what is done: no kernel can be part of one."""
    exact = torch.float64 in (query.dtype, keys.dtype)
    drawn = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return query.device.type == "cpu" and not exact and not drawn and pays(query, keys)
