"""Modules that need a package which may be missing."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def module(name: str) -> ModuleType | None:
    """A module of regard, such as "attention.kernels.tanh_numba"; None where what it needs (numba, triton) is not installed, or not made
    for this Python or NumPy."""
    try:
        return import_module(f"regard.{name}")
    except ImportError:
        return None
