"""How a training begins or goes on: from a checkpoint or from nothing, with the same weights and numbers in all its processes."""

from __future__ import annotations

import torch
from torch import nn

from regard.config.schema import TrainSection
from regard.core.plural import many
from regard.core.say import Say
from regard.training.checkpoint import MOMENTS, Checkpoints, Progress, weights
from regard.training.longer_runs import go_on_with
from regard.training.optimizer import arithmetic
from regard.training.progress import Arithmetic
from regard.training.ranks import Ranks
from regard.training.schedule import ScheduleState

KINDS = (Progress, ScheduleState, Arithmetic)


def place_of(device: torch.device, ranks: Ranks) -> torch.device:
    """The device of this rank: of several GPUs of a machine each rank takes another, where none was named."""
    if device.type == "cuda" and ranks.count > 1:
        return torch.device("cuda", ranks.local % torch.cuda.device_count())
    return device


def begin(
    network: nn.Module,
    optimizer: torch.optim.AdamW,
    settings: TrainSection,
    checkpoints: Checkpoints,
    device: torch.device,
    ranks: Ranks,
    say: Say,
    *,
    resume: bool,
) -> Progress:
    """Where the training stands, in all ranks: what rank 0 finds in the run folder, with its weights and its arithmetic.

    RunFolderError as `Checkpoints.load`.
    """
    progress = Progress()
    if ranks.first:
        found = checkpoints.load(network, optimizer)
        if resume:
            say(f"going on from step {found.step}" if found else f"no checkpoint in {checkpoints.run} yet: from the beginning")
        progress = found or progress
        longer = go_on_with(progress, settings)
        checkpoints.arithmetic, notes = arithmetic(settings, network, checkpoints.arithmetic, device)
        for note in [*notes, longer] if longer else notes:
            say(note)
    if ranks.count > 1:
        threads = many(checkpoints.arithmetic.threads or 1, "thread")
        say(f"{many(ranks.count, 'process', 'processes')} train it together, {threads} each")
    progress, checkpoints.arithmetic = ranks.receive((progress, checkpoints.arithmetic), KINDS)
    ranks.copy(list(weights(network).values()))
    _share_moments(network, optimizer, ranks)
    return progress


def _share_moments(network: nn.Module, optimizer: torch.optim.AdamW, ranks: Ranks) -> None:
    """What the optimizer of rank 0 remembers, in all ranks."""
    if ranks.count == 1:
        return
    parameters = dict(network.named_parameters())
    known = ranks.receive([name for name, p in parameters.items() if optimizer.state.get(p)])
    for p in (parameters[name] for name in known):
        if not ranks.first:
            optimizer.state[p] = {key: torch.zeros_like(p) for key in MOMENTS}
            optimizer.state[p]["step"] = torch.zeros((), device=p.device)
        ranks.copy([optimizer.state[p][key] for key in MOMENTS])
