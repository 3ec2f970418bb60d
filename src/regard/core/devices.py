"""Devices: where a net computes, by the words of configs and commands."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from regard.core.errors import ConfigError, message

CPU = torch.device("cpu")


def find_device(word: str | torch.device, what: str) -> torch.device:
    """The device of a word: auto | cpu | cuda | cuda:N | mps.  `auto`: a GPU where torch finds one that works, else the CPU.

    what: the key or the option that said it, for errors.  ConfigError, which says what is there, for a device that is not.
    """
    if not isinstance(word, str):
        return word
    here = devices_here()
    if word == "auto":
        return next((d for d in here if d.type != "cpu" and _works(d)), CPU)
    found = next((d for d in here if word in (str(d), d.type)), None)
    if found is None or (found.type != "cpu" and not _works(found)):
        received = word if found is None else f"{word}, which refuses to add two numbers"
        raise ConfigError(message(what, f"a device that is here: {', '.join(map(str, here))}", received, "Write one of them."))
    return found


def devices_here() -> list[torch.device]:
    """What torch can compute on, the CPU last."""
    found = [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    found += [torch.device("mps")] if torch.backends.mps.is_available() else []
    return [*found, CPU]


def describe_device(device: torch.device) -> str:
    """For people: "cuda:0 (NVIDIA H200)", "cpu (AVX512)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.backends.cpu.get_cpu_capability()})" if device.type == "cpu" else str(device)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights lie; the CPU for one without any."""
    return next((p.device for p in network.parameters()), CPU)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The state of the random numbers that a training on a device draws: the CPU's, and its own."""
    own = {"cuda": lambda: torch.cuda.get_rng_state(device), "mps": torch.mps.get_rng_state}
    return {"cpu": torch.get_rng_state(), **({device.type: own[device.type]()} if device.type in own else {})}


def set_random_state(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Puts back what `random_state` gave, on this device or another: what is not known of a device stays as it is."""
    torch.set_rng_state(states["cpu"])
    own = {"cuda": lambda state: torch.cuda.set_rng_state(state, device), "mps": torch.mps.set_rng_state}
    if device.type in own and device.type in states:
        own[device.type](states[device.type])


def fork_arguments(device: torch.device) -> dict[str, Any]:
    """What `torch.random.fork_rng` is told, so that it leaves no trace in the numbers of this device either."""
    return {"devices": [device.index or 0], "device_type": "cuda"} if device.type == "cuda" else {"devices": []}


def _works(device: torch.device) -> bool:
    """Whether it adds: a driver that is too old, or memory that is all taken, shows only then."""
    try:
        return float(torch.ones(2, device=device).sum()) == 2.0
    except (RuntimeError, AssertionError):
        return False
