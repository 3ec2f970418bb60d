"""The processes of one training (ranks): the same global batches as one process, each cut among them; rank 0 writes the run folder.

Started by `torchrun`, or by `regard train --processes` (`regard.cli.processes`), which both say it by environment variables.  Everything
that is decided - when to validate, to stop, to skip an update - is decided from numbers that all ranks have alike.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from regard.core.errors import ConfigError, RegardError, RunFolderError, message
from regard.core.plain_values import from_bytes, to_bytes
from regard.core.plural import many

MEETING = (
    "REGARD_MEETING"  # a file by which the processes of `regard train --processes` find each other, so that no port can be taken
)
TO_MEET = timedelta(seconds=90)  # that all must come within: a first connection of gloo was once seen to wait for ever
QUIET = timedelta(minutes=60)  # that a rank may then be busy while the others wait for it


class PeerLost(RegardError):
    """Another process of the training has gone.  Exit code 1."""


class Ranks:
    """A training of one process: nothing is shared, and nothing to be waited for."""

    rank, count, local = 0, 1, 0

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes."""
        return self.rank == 0

    def cut(self, rows: Sequence[int]) -> list[int]:
        """This rank's part of the rows of a batch; of few rows maybe none."""
        return list(rows[self.rank :: self.count])

    def gather(self, data: bytes) -> list[bytes]:
        """What each rank has, in their order."""
        return [data]

    def add(self, numbers: Sequence[float]) -> list[float]:
        """Numbers summed over the ranks, in float64."""
        return list(numbers)

    def add_gradients(self, parameters: Sequence[Tensor], holders: Sequence[float]) -> None:
        """Gradients summed over the ranks, in place.  holders: of each parameter how many ranks have one; without any it stays so."""

    def copy(self, tensors: Sequence[Tensor]) -> None:
        """Makes tensors what they are in rank 0, in place."""

    def receive(self, value: Any, classes: Sequence[type] = ()) -> Any:
        """A value of rank 0 (`core.plain_values`), in all ranks.  classes: the dataclasses in it."""
        return value

    def agree(self, number: float) -> float:
        """A number of rank 0, such as its clock's."""
        return number

    def seed(self, seed: int, step: int) -> None:
        """Prepares torch's random numbers for an update: one process goes on where it was."""


class JoinedRanks(Ranks):
    """Several processes, joined (`join`)."""

    def __init__(self, rank: int, count: int, local: int) -> None:
        self.rank, self.count, self.local = rank, count, local

    def gather(self, data: bytes) -> list[bytes]:
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        with _together():
            dist.all_gather(sizes, torch.tensor([len(data)]))
            longest = int(max(sizes))
            padded = np.frombuffer(data.ljust(longest), np.uint8).copy()
            each = [torch.empty(longest, dtype=torch.uint8) for _ in range(self.count)]
            dist.all_gather(each, torch.from_numpy(padded))
        return [part.numpy().tobytes()[: int(size)] for part, size in zip(each, sizes, strict=True)]

    def add(self, numbers: Sequence[float]) -> list[float]:
        tensor = torch.tensor(numbers, dtype=torch.float64)
        with _together():
            dist.all_reduce(tensor)
        made: list[float] = tensor.tolist()
        return made

    def add_gradients(self, parameters: Sequence[Tensor], holders: Sequence[float]) -> None:
        """All of them at once, side by side: for nets of this size one message is faster than many (docs/scale.md)."""
        some = [p for p, count in zip(parameters, holders, strict=True) if count]
        for kind in dict.fromkeys((p.dtype, p.device) for p in some):
            alike = [p for p in some if (p.dtype, p.device) == kind]
            flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in alike])
            with _together():
                dist.all_reduce(flat)
            for p, part in zip(alike, flat.split([p.numel() for p in alike]), strict=True):
                p.grad = part.view(p.shape)

    def copy(self, tensors: Sequence[Tensor]) -> None:
        for tensor in tensors:
            whole = tensor.detach().contiguous()
            with _together():
                dist.broadcast(whole, 0)
            if not self.first:
                with torch.no_grad():
                    tensor.copy_(whole)

    def receive(self, value: Any, classes: Sequence[type] = ()) -> Any:
        return from_bytes(self.gather(to_bytes(value if self.first else None, classes))[0], classes)

    def agree(self, number: float) -> float:
        return self.add([number if self.first else 0.0])[0]

    def seed(self, seed: int, step: int) -> None:
        """Each rank draws its own numbers, which depend on nothing but the seed, the update and the rank: nothing of them is lost with a
        process."""
        made = blake2b(f"{seed} {step} {self.rank} of {self.count}".encode(), digest_size=8).digest()
        torch.manual_seed(int.from_bytes(made, "little") >> 1)


def is_one_of_many() -> bool:
    """Whether a launcher says that this process is one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


@contextmanager
def join(device: str) -> Iterator[Ranks]:
    """The ranks that this process is one of, once all are there; itself alone where no launcher says otherwise.

    device: the word of the config, which decides how they talk: NCCL between GPUs, gloo between CPUs.
    RegardError where they do not find each other.
    """
    if not is_one_of_many():
        yield Ranks()
        return
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    meeting = os.environ.get(MEETING)
    backend = "cpu:gloo,cuda:nccl" if device != "cpu" and torch.cuda.is_available() else "gloo"
    place = f"file://{meeting}" if meeting else "env://"
    try:
        dist.init_process_group(backend, init_method=place, rank=rank, world_size=count, timeout=TO_MEET)
        dist.distributed_c10d._set_pg_timeout(QUIET)
    except (RuntimeError, ValueError) as error:
        at = meeting or f"{os.environ.get('MASTER_ADDR', '?')}:{os.environ.get('MASTER_PORT', '?')}"
        do = "See that all are started, that they reach this address, and that its port is free (torchrun --master-port)."
        first = (str(error).splitlines() or [""])[0]
        raise RegardError(message(f"rank {rank}", f"to meet {many(count, 'process', 'processes')} at {at}", first, do)) from error
    try:
        yield JoinedRanks(rank, count, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        dist.destroy_process_group()


def refuse_disagreement(ranks: Ranks, facts: Mapping[str, Any]) -> None:
    """Errors, in all ranks, unless all have the same facts, name by name: RunFolderError for data, ConfigError for what else differs."""
    each = [from_bytes(data) for data in ranks.gather(to_bytes(dict(facts)))]
    for rank, other in enumerate(each):
        for name in [name for name in {**each[0], **other} if each[0].get(name) != other.get(name)]:
            kind = RunFolderError if name.startswith("data") else ConfigError
            expected, received = (f"{each[i].get(name, 'nothing')} (rank {i})" for i in (0, rank))
            do = "Start every process with the same config, the same files and the same version of Regard and PyTorch."
            raise kind(message(f"the processes disagree on {name}", expected, received, do))


@contextmanager
def _together() -> Iterator[None]:
    """What all ranks do at the same time.  PeerLost where one of them is not there any more."""
    try:
        yield
    except RuntimeError as error:
        told = re.sub(r"^\[[^]]*\] ", "", (str(error).splitlines() or [""])[0]).partition(". ")[0]
        do = "Another process has ended, or cannot be reached. Go on from the last checkpoint with --resume."
        raise PeerLost(message("the training", "all of its processes", f"a lost connection ({told[:200]})", do)) from error
