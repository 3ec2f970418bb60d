"""Arrays and tensors: what is told in arrays of numpy, on the side of PyTorch.  What lies around a net knows arrays alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.core.devices import CPU


def to_tensors(tree: Any, device: torch.device = CPU) -> Any:
    """A batch with tensors in the place of arrays: of dataclasses, tuples and dicts of them.  What is neither stays as it is.

    On a CPU they share the arrays' memory, and a batch of tensors stays as it is; to a GPU all is copied, from memory that it reads by
    itself, while the program goes on.
    """
    if device.type == "cpu":
        return exchange(tree, np.ndarray, torch.from_numpy)
    return exchange(tree, (np.ndarray, Tensor), lambda found: _sent(found, device))


def _sent(found: np.ndarray | Tensor, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(found) if isinstance(found, np.ndarray) else found
    return (tensor.pin_memory() if device.type == "cuda" and tensor.device.type == "cpu" else tensor).to(
        device, non_blocking=True
    )


def to_arrays(tree: Any) -> Any:
    """Answers with arrays in the place of tensors, whose memory they share where that is a CPU's; what numpy has no type for comes in
    float32.  The reverse of `to_tensors`."""
    return exchange(tree, Tensor, _array)


def _array(tensor: Tensor) -> np.ndarray:
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def exchange(tree: Any, kind: type | tuple[type, ...], by: Callable[[Any], Any]) -> Any:
    """The same tree with another in the place of each that is of this kind, in order."""
    if isinstance(tree, kind):
        return by(tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return replace(tree, **{x.name: exchange(getattr(tree, x.name), kind, by) for x in fields(tree)})
    if isinstance(tree, dict):
        return {name: exchange(part, kind, by) for name, part in tree.items()}
    if isinstance(tree, tuple):
        made = [exchange(part, kind, by) for part in tree]
        return tree._make(made) if hasattr(tree, "_make") else tuple(made)
    return tree
