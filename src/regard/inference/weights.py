"""Weight formats: what can stand where a matrix did, in a network that is in use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar, cast

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.score import Additive, General
from regard.networks.cells import OwnCell, TorchCell
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.language_model import LanguageNet
from regard.networks.recurrent import RecurrentEncoder
from regard.networks.rnn_layers import RNNLayers, by_cell

N = TypeVar("N", bound=nn.Module)


class WeightFormat(ABC):
    """A matrix "N K" in another form, by which it is multiplied faster.

    `F.linear` multiplies with that form, `F.embedding` reads its rows; columns can be cut out, and rows split; all else sees the
    float32 matrix.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[int | None, int | None], Self] = {}

    @abstractmethod
    def float(self) -> Float[Tensor, "N K"]:
        """As float32."""

    @abstractmethod
    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, "N"] | None) -> Float[Tensor, "*B N"]:
        """`x W^T + b`, in float32, without a gradient."""

    @abstractmethod
    def embedding(self, rows: Int[Tensor, "*B"]) -> Float[Tensor, "*B K"]:
        """These rows, in float32."""

    @abstractmethod
    def columns(self, first: int | None, last: int | None) -> Self:
        """`[:, first:last]`, in this form."""

    @abstractmethod
    def split(self, rows: Sequence[int]) -> list[Self]:
        """Parts of the rows, in this form."""

    @abstractmethod
    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> Self | Tensor:
        """Columns `[:, a:b]` in this form, kept for the next time; anything else of the float32 matrix."""
        whole, columns = index if isinstance(index, tuple) and len(index) == 2 else (None, None)
        if whole != slice(None) or not isinstance(columns, slice) or columns.step is not None:
            return self.float()[index]
        key = (columns.start, columns.stop)
        if key not in self._parts:
            self._parts[key] = self.columns(*key)
        return self._parts[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.float(), name)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if function is F.linear and isinstance(args[1], WeightFormat) and not isinstance(args[0], WeightFormat):
            return args[1].linear(args[0], args[2] if len(args) > 2 else given.get("bias"))
        if function is F.embedding and isinstance(args[1], WeightFormat):
            return args[1].embedding(args[0])
        plain = (a.float() if isinstance(a, WeightFormat) else a for a in args)
        return function(*plain, **{k: v.float() if isinstance(v, WeightFormat) else v for k, v in given.items()})


class OneHead:
    """The matrices "1 N K" of a score with one head: `[0]` is the matrix, in another form."""

    def __init__(self, only: WeightFormat) -> None:
        self.only = only

    def __getitem__(self, index: int) -> WeightFormat:
        return (self.only,)[index]

    def __len__(self) -> int:
        return 1


def exchange(network: N, made: Callable[[Tensor], WeightFormat], least: int, *, readers: bool = False) -> N:
    """The network with other forms of the matrices, of `least` numbers or more, that it multiplies with, in place: for use, there is
    nothing left to train.

    These are the linear layers and, where it writes, the head's table, the weights of the cells that read and write, and those of the
    scores by which it looks with one head.  readers: also the cells where it only reads, and an encoder's own, which are left to their
    loops over a sequence otherwise.
    """
    kinds = (EncoderDecoder, LanguageNet) if readers else (EncoderDecoder,)
    writers = [m for m in network.modules() if isinstance(m, kinds)]
    encoders = [m.encoder for m in writers if isinstance(m, EncoderDecoder)]
    reading = [m for m in network.modules() if isinstance(m, RecurrentEncoder)] if readers else encoders
    for reader in reading:
        if isinstance(reader, RecurrentEncoder) and isinstance(reader.net, nn.RNNBase) and _large(reader.net, least):
            reader.net = by_cell(reader.net)
    steps = (TorchCell, OwnCell) if readers else (TorchCell,)
    parts = [m for reader in reading for m in _cells_of(reader, steps)] + [m for w in writers for m in w.decoder.modules()]
    cells = [m for m in parts if isinstance(m, nn.RNNBase | OwnCell)]
    for cell in [m for w in writers for m in w.decoder.modules()]:
        if isinstance(cell, TorchCell):
            cell.step_by_step()
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    heads = [m for w in writers for m in w.head.modules()]
    scores = [m for w in writers for m in w.decoder.modules() if isinstance(m, Additive | General)]
    chosen = {id(p) for m in (*cells, *linear, *heads) for p in m.parameters(recurse=False)}
    chosen |= {id(p) for m in scores for p in m.parameters(recurse=False) if p.dim() == 3}
    exchanged: dict[int, WeightFormat] = {}  # tied weights stay tied
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            one = weight.dim() == 3 and len(weight) == 1
            if id(weight) not in chosen or not (one or weight.dim() == 2) or weight.numel() < least:
                continue
            if id(weight) not in exchanged:
                exchanged[id(weight)] = made((weight[0] if one else weight).detach().float())
            delattr(module, name)
            module.__dict__[name] = OneHead(exchanged[id(weight)]) if one else exchanged[id(weight)]
    return network


def _large(net: nn.RNNBase, least: int) -> bool:
    return cast(Tensor, net.weight_hh_l0).numel() >= least


def _cells_of(encoder: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[nn.Module]:
    """The cells of these kinds, of a recurrent encoder that takes a step at a time."""
    steps = isinstance(encoder, RecurrentEncoder) and isinstance(encoder.net, RNNLayers)
    return [m for cell in encoder.modules() if steps and isinstance(cell, kinds) for m in cell.modules()]
