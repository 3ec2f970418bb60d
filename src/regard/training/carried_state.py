"""What a network hands from update to update beside its weights, as a part of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from regard.training import run_files
from regard.training.objective import CarriesState

CARRIED = "carried.safetensors"


def read_carried(network: nn.Module) -> dict[str, dict[str, Tensor]]:
    """The file of it, where there is anything to keep."""
    tensors = network.carried() if isinstance(network, CarriesState) else []
    return {CARRIED: {f"{i:04d}": t.contiguous() for i, t in enumerate(tensors)}} if tensors else {}


def fill_carried(network: nn.Module, checkpoint: Path) -> None:
    """Gives a network what lies in a checkpoint's folder; nothing where that holds none.  RunFolderError where it is damaged."""
    if isinstance(network, CarriesState) and (checkpoint / CARRIED).exists():
        network.carry([tensor for _, tensor in sorted(run_files.read_tensors(checkpoint / CARRIED).items())])
