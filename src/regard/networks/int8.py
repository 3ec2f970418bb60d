"""Products with weights of one byte, for use on a CPU: a quarter of the memory to read, and several times the speed.

Weights: a scale for each row (output), symmetric, -127 to 127.  What is multiplied: rounded to a byte too, with a scale for each row of its
own, so that no row knows its neighbours and the batch stays invisible.  The products of bytes are summed exactly.
Dynamic quantisation as in Jacob et al. 2018, section 2, with zero points at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8
from torch import Tensor, nn

from regard.networks.cells import OwnCell, TorchCell
from regard.networks.encoder_decoder import EncoderDecoder

# Numbers of a weight from which bytes are faster for a single row too: 256 x 256 takes 7 us in float32 and 21 in bytes, 256 x 8,000 takes
# 201 and 58 (one core).
LEAST = 1 << 17


class Int8Weight:
    """A matrix in bytes that can stand where a float32 one does.

    `F.linear` multiplies with the bytes, `F.embedding` reads its rows; columns can be cut out; all else sees the float32 matrix.
    """

    def __init__(self, q: Int8[Tensor, "N K"], scale: Float[Tensor, "N"]) -> None:
        self.q, self.scale = q, scale
        self._parts: dict[tuple[int | None, int | None], Int8Weight] = {}

    @classmethod
    def of(cls, weight: Float[Tensor, "N K"]) -> Int8Weight:
        """The nearest: off by at most half a step, a 254th of the largest number of each row."""
        scale = _steps(weight)
        return cls((weight / scale).round().to(torch.int8), scale[:, 0])

    def float(self) -> Float[Tensor, "N K"]:
        """As float32."""
        return self.q.to(torch.float32) * self.scale[:, None]

    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, "N"] | None) -> Float[Tensor, "*B N"]:
        """`x W^T + b`, in float32."""
        rows = x.reshape(-1, x.shape[-1]).float()
        steps = _steps(rows)
        made = torch._int_mm((rows / steps).round_().to(torch.int8), self.q.T).to(torch.float32).mul_(steps)
        made = made.mul_(self.scale) if bias is None else torch.addcmul(bias, made, self.scale, out=made)
        return made.view(*x.shape[:-1], len(self.q))

    def __getitem__(self, index: Any) -> Int8Weight | Tensor:
        """Columns `[:, a:b]` in bytes, kept for the next time; anything else of the float32 matrix."""
        whole, columns = index if isinstance(index, tuple) and len(index) == 2 else (None, None)
        if whole != slice(None) or not isinstance(columns, slice) or columns.step is not None:
            return self.float()[index]
        key = (columns.start, columns.stop)
        if key not in self._parts:
            self._parts[key] = Int8Weight(self.q[index].contiguous(), self.scale)
        return self._parts[key]

    def split(self, rows: Sequence[int]) -> list[Int8Weight]:
        """Parts of the rows, in bytes."""
        return [Int8Weight(*part) for part in zip(self.q.split(list(rows)), self.scale.split(list(rows)), strict=True)]

    def __len__(self) -> int:
        return len(self.q)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.float(), name)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if function is F.linear and isinstance(args[1], Int8Weight) and not isinstance(args[0], Int8Weight):
            return args[1].linear(args[0], args[2] if len(args) > 2 else given.get("bias"))
        if function is F.embedding and isinstance(args[1], Int8Weight):
            table = args[1]
            return table.q[args[0]].to(torch.float32) * table.scale[args[0]][..., None]
        plain = (a.float() if isinstance(a, Int8Weight) else a for a in args)
        return function(*plain, **{k: v.float() if isinstance(v, Int8Weight) else v for k, v in given.items()})


def quantize(network: EncoderDecoder) -> EncoderDecoder:
    """The network, the large matrices that decoding multiplies with in bytes, in place: for use, there is nothing left to train.

    These are the linear layers, the head's table and the weights of the decoder's cells.  What reads a whole source at once with
    PyTorch's own recurrent loops stays as it is.
    """
    cells = [m for m in network.decoder.modules() if isinstance(m, nn.RNNBase | OwnCell)]
    for cell in network.decoder.modules():
        if isinstance(cell, TorchCell):
            cell.__dict__["over"] = cell.by_steps  # PyTorch's own loops know no bytes
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    chosen = {id(p) for m in (*cells, *linear, *network.head.modules()) for p in m.parameters(recurse=False)}
    made: dict[int, Int8Weight] = {}  # tied weights stay tied
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if id(weight) not in chosen or weight.dim() != 2 or weight.numel() < LEAST:
                continue
            if id(weight) not in made:
                made[id(weight)] = Int8Weight.of(weight.detach().float())
            delattr(module, name)
            module.__dict__[name] = made[id(weight)]
    return network


def _steps(x: Float[Tensor, "R K"]) -> Float[Tensor, "R 1"]:
    return x.abs().amax(1, keepdim=True).div_(127).clamp_(min=torch.finfo(torch.float32).tiny)
