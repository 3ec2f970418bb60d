"""Modules that need a package which may be missing, and whether a moment is one for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

_COMPILED, _without = "_loops", False
Scan = Callable[[Callable[..., Any], Tensor, Any], tuple[Tensor, Any]]  # (step, "T B G", state) to what `step` after `step` gives
_scan: Scan | None = None


def module(name: str) -> ModuleType | None:
    """A module of regard, such as "attention.kernels.tanh_loops"; None where what it needs (compiled loops, triton) is not there.  Raises
    ModuleNotFoundError where Regard itself has no such module."""
    return None if _without and name.endswith(_COMPILED) else _found(name)


@contextmanager
def without_loops() -> Iterator[None]:
    """In this process, for a while, all is as where no loops were built: so both ways can be compared.  A net in use keeps what it was
    made with."""
    global _without
    before, _without = _without, True
    try:
        yield
    finally:
        _without = before


@cache
def _found(name: str) -> ModuleType | None:
    try:
        return import_module(f"regard.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "regard":  # misspelt, or moved: as if for want of a package, all would be slow
            raise
        return None
    except ImportError:
        return None


def loops_in_use(name: str, *given: Tensor) -> ModuleType | None:
    """The module of compiled loops for a net in use: where nothing is trained, all is float32 on a CPU, and no graph is made."""
    return None if torch.is_grad_enabled() else _for_float32(name, given)


def loops_in_training(name: str, *given: Tensor) -> ModuleType | None:
    """The module of compiled loops for what is trained, in float32 on a CPU, and of which no graph is made."""
    return _for_float32(name, given) if torch.is_grad_enabled() else None


def _for_float32(name: str, given: Sequence[Tensor]) -> ModuleType | None:
    if torch.is_autocast_enabled("cpu") or in_a_graph():
        return None
    return module(name) if all(t.dtype == torch.float32 and t.device.type == "cpu" for t in given) else None


def in_a_graph() -> bool:
    """Whether a graph is made of what is done, of which no compiled loop can be part."""
    return _scan is not None or torch.compiler.is_compiling() or torch.jit.is_tracing()


@contextmanager
def graph_making(scan: Scan | None) -> Iterator[None]:
    """For a while a graph is made of what is done; loops over time are left to `scan`.  None: for a while not."""
    global _scan
    before, _scan = _scan, scan
    try:
        yield
    finally:
        _scan = before


def scan_in_use() -> Scan | None:
    """What a loop over time is left to, where a graph is made that keeps it whole."""
    return _scan
