"""Modules that need a package which may be missing, and whether a moment is one for them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor


@cache
def module(name: str) -> ModuleType | None:
    """A module of regard, such as "attention.kernels.tanh_numba"; None where what it needs (numba, triton) is not installed, or not made
    for this Python or NumPy."""
    try:
        return import_module(f"regard.{name}")
    except ImportError:
        return None


def loops_in_use(name: str, *given: Tensor) -> ModuleType | None:
    """The module of compiled loops for a net in use: where nothing is trained, all is float32 on a CPU, and no graph is made."""
    if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or in_a_graph():
        return None
    return module(name) if all(t.dtype == torch.float32 and t.device.type == "cpu" for t in given) else None


def in_a_graph() -> bool:
    """Whether a graph is made of what is done, of which no compiled loop can be part."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()
