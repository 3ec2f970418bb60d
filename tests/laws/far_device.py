"""A device that is not the CPU, for machines that have no other: its tensors lie apart, and meet no tensor of the CPU.

PyTorch takes it for an accelerator of a vendor (PrivateUse1), whose kernels are the CPU's.  As on a GPU, an operation on tensors of two
devices fails (numbers without a dimension aside), and what is made without a device lies on the CPU.  Autocast is not played.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_map

NAME = "far"
_kept: list[Any] = []


class FarTensor(torch.Tensor):
    """near: what it holds, on the CPU."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> FarTensor:
        given = {"strides": near.stride(), "storage_offset": near.storage_offset(), "dtype": near.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, near.shape, device=torch.device(NAME, 0), **given)
        made.near = near
        return made

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What PyTorch refuses to do with a subclass, and does with a GPU's tensors."""
        if function in (torch.Tensor.tolist, torch.Tensor.data_ptr):
            return function(args[0].near)
        with torch._C.DisableTorchFunctionSubclass():
            if function is torch.Tensor.__getitem__ and isinstance(args[0], FarTensor):
                places = args[1] if isinstance(args[1], tuple) else (args[1],)
                made = tuple(FarTensor(torch.tensor(place)) if isinstance(place, list) else place for place in places)
                return args[0][made if isinstance(args[1], tuple) else made[0]]
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(operation, args, kwargs or {})


def compute(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """An operation that has to do with this device: on the CPU, with what its tensors hold."""
    if operation is torch.ops.aten.copy_.default:  # the one that may cross
        to, given = (x.near if isinstance(x, FarTensor) else x for x in args[:2])
        to.copy_(given)
        return args[0]
    strangers = list[torch.Tensor]()

    def near(x: Any) -> Any:
        if isinstance(x, torch.Tensor) and not isinstance(x, FarTensor) and x.dim():
            strangers.append(x)
        return x.near if isinstance(x, FarTensor) else x

    plain, named = tree_map(near, args), tree_map(near, kwargs)
    place = named.pop("device", None)
    crosses = operation is torch.ops.aten._to_copy.default and place is not None
    if strangers and not crosses:
        raise RuntimeError(f"{operation}: tensors on two devices, {NAME} and cpu")
    stays = place is None or torch.device(place).type == NAME
    named |= {} if place is None else {"device": torch.device("cpu")}
    found = CELLS.get(operation.name(), operation)(*plain, **named)
    if not stays:
        return found.clone() if crosses else found
    return return_and_correct_aliasing(
        operation, args, kwargs, tree_map(lambda x: FarTensor(x) if isinstance(x, torch.Tensor) else x, found)
    )


def gru_cell(read: Any, kept: Any, before: Any, bias: Any = None, other: Any = None) -> Any:
    """`aten::_thnn_fused_gru_cell`, which no CPU has; what it hands to its gradient is ours to choose."""
    (ir, iz, i_new), (hr, hz, h_new) = ((x if b is None else x + b).chunk(3, 1) for x, b in ((read, bias), (kept, other)))
    r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
    new = torch.tanh(i_new + r * h_new)
    return new + z * (before - new), torch.cat([r, z, new, h_new, before], 1)


def gru_cell_gradient(grad: Any, kept: Any, has_bias: bool) -> Any:
    r, z, new, h_new, before = kept.chunk(5, 1)
    d_new = grad * (1 - z) * (1 - new * new)
    d_r, d_z = d_new * h_new * r * (1 - r), grad * (before - new) * z * (1 - z)
    read, state = torch.cat([d_r, d_z, d_new], 1), torch.cat([d_r, d_z, d_new * r], 1)
    return read, state, grad * z, *((read.sum(0), state.sum(0)) if has_bias else (None, None))


def lstm_cell(read: Any, kept: Any, cell: Any, bias: Any = None, other: Any = None) -> Any:
    """`aten::_thnn_fused_lstm_cell`."""
    gates = read + kept + (0 if bias is None else bias + other)
    i, f, g, o = gates.chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    made = f * cell + i * g
    return o * torch.tanh(made), made, torch.cat([i, f, g, o], 1)


def lstm_cell_gradient(d_out: Any, d_cell: Any, cell: Any, made: Any, kept: Any, has_bias: bool) -> Any:
    i, f, g, o = kept.chunk(4, 1)
    d_out, d_cell = (torch.zeros_like(made) if x is None else x for x in (d_out, d_cell))
    seen = torch.tanh(made)
    d_made = d_cell + d_out * o * (1 - seen * seen)
    d_gates = [d_made * g * i * (1 - i), d_made * cell * f * (1 - f), d_made * i * (1 - g * g), d_out * seen * o * (1 - o)]
    gates = torch.cat(d_gates, 1)
    return gates, d_made * f, gates.sum(0) if has_bias else None


CELLS = {
    "aten::_thnn_fused_gru_cell": gru_cell,
    "aten::_thnn_fused_gru_cell_backward": gru_cell_gradient,
    "aten::_thnn_fused_lstm_cell": lstm_cell,
    "aten::_thnn_fused_lstm_cell_backward_impl": lstm_cell_gradient,
}


def swap(one: torch.Tensor, other: torch.Tensor) -> None:
    """`torch.utils.swap_tensors`, also where somebody looks on: nothing is differentiated in between."""
    one.__class__, other.__class__ = other.__class__, one.__class__
    one.__dict__, other.__dict__ = other.__dict__, one.__dict__
    torch._C._swap_tensor_impl(one, other)


class Backend(backend_registration._DummyBackendModule):
    """What PyTorch asks of a vendor."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def install() -> torch.device:
    """Makes the device known to PyTorch, for the rest of the process."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=Backend())
    library = torch.library.Library("_", "IMPL")
    library.fallback(lambda operation, *args, **kwargs: compute(operation, args, kwargs), "PrivateUse1")
    _kept.append(library)
    torch.__future__.set_swap_module_params_on_conversion(True)  # parameters stay what they are, as where a module goes to a GPU
    torch.utils.swap_tensors = swap
    make = torch.tensor
    torch.tensor = lambda data, **more: (
        FarTensor(make(data, **{**more, "device": "cpu"}))
        if torch.device(more.get("device") or "cpu").type == NAME
        else make(data, **more)
    )
    return torch.device(NAME, 0)
