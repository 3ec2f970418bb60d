"""PyTorch's operations in those of a graph: fewer, without views, types that mix or results that are written over."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from regard.export import lowering_arithmetic, lowering_shapes, lowering_sums
from regard.export.forms import FORMS
from regard.export.recorder import Recorder, Unexportable, refuse_look, refuse_stale

FORMED = (lowering_arithmetic, lowering_shapes, lowering_sums)  # whose import fills the table of forms


def lower(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
    """Write down one of PyTorch's operations, such as `aten.add.Tensor`, that made `made`.  Unexportable for one that has no form."""
    base = name.split(".")[1]
    tensors = [t for t in (made if isinstance(made, tuple | list) else [made]) if isinstance(t, Tensor)]
    if base == "_local_scalar_dense":
        refuse_look(recorder, args[0])
    if not tensors:  # a number that Python was told, or a question about types
        return
    for given in args:
        refuse_stale(recorder, given if isinstance(given, tuple | list) else (given,))
    plain, written = base.rstrip("_") if not base.startswith("__") else base, base.endswith("_") and not base.endswith("__")
    if plain not in FORMS:
        raise Unexportable(f"has an operation without a form in graphs, {name}")
    told = FORMS[plain](recorder, args, {k: v for k, v in kwargs.items() if k != "out"}, made)
    out = args[0] if written else kwargs.get("out")
    if isinstance(out, Tensor):
        _write_over(recorder, out)
        recorder.bind([out], told)
    recorder.bind(tensors, told)


def _write_over(recorder: Recorder, tensor: Tensor) -> None:
    """All other tensors that share the numbers of this one no longer hold what they held."""
    place = tensor.untyped_storage().data_ptr()
    for other in recorder.kept:
        if other is not tensor and isinstance(other, Tensor) and other.untyped_storage().data_ptr() == place:
            recorder.stale.add(id(other))
