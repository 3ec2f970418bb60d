"""Products of float32 matrices on a CPU, by our own panels where PyTorch's are slow.

PyTorch multiplies float32 by MKL, which uses half of the width of an AMD processor with AVX-512: 55 billion products and sums a second of
one core (Zen 5, PyTorch 2.13), where these panels, laid out anew for each product, make twice as many (benchmarks/roofline.py).  On other
processors MKL stays.
"""

from __future__ import annotations

from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.optional import in_a_graph, module

LEAST = (
    1 << 25
)  # products from which laying out, which one thread does, pays beside two of MKL's: some 0.3 milliseconds of theirs


def panels(products: int, *given: Tensor) -> ModuleType | None:
    """The module of compiled products (`core.matrices_loops`) where it is faster for so many products of these; else None."""
    if products < LEAST or in_a_graph() or any(t.dtype != torch.float32 or t.device.type != "cpu" for t in given):
        return None
    loops = module("core.matrices_loops")
    return loops if loops is not None and loops.FASTER else None


def matmul(a: Float[Tensor, "M K"], b: Float[Tensor, "K N"]) -> Float[Tensor, "M N"]:
    """a b, without a gradient of its own.  Each row is summed in one order, whatever the others are."""
    loops = panels(a.numel() * b.shape[1], a, b)
    if loops is None:
        return a @ b
    made: Tensor = loops.PackedMatrix.of_floats(b.t()).linear(a.detach(), None)
    return made
