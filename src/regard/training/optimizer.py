"""The optimizer: one update, and the arithmetic that it is made in."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn

from regard.config.schema import TrainSection
from regard.core.devices import CPU, describe_device
from regard.core.errors import ConfigError, message
from regard.core.optional import module
from regard.core.plural import many
from regard.training.progress import Arithmetic

FUSED = ("cpu", "cuda", "mps")  # kinds of device whose AdamW is one kernel
EPSILON = 1e-9  # AdamW's, as in Vaswani et al. 2017, section 5.3


# Parameters from which bfloat16 gains.  0.8 M (150 updates, sentences of 5-14): 5.3 s against 4.5 in float32, and three times the memory.
# 7.6 M (Transformer 3+3) and 14.6 M (GRU 512), 8,000 words: 1.9 and 1.3 times the tokens a second (benchmarks/results/training.md).
LARGE = 2_000_000


def make_optimizer(network: nn.Module, settings: TrainSection) -> torch.optim.AdamW:
    """AdamW that decays matrices only, not biases and norms: Loshchilov & Hutter 2019, algorithm 2."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    fused = all(p.device.type in FUSED for p in parameters)
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.learning_rate, betas=betas, eps=EPSILON, fused=fused)


def step(optimizer: torch.optim.AdamW, *, rate: float, tokens: int, clip: float) -> bool:
    """An update by the mean gradient of `tokens` tokens, from gradients that are sums; False, and none, where one is not finite.

    `clip`: the norm to which the mean is clipped, 0 for never: Pascanu, Mikolov & Bengio 2013, algorithm 1.
    """
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients).item() / tokens
    if not math.isfinite(norm):
        return False
    torch._foreach_mul_(gradients, (min(1.0, clip / (norm + 1e-6)) if clip else 1.0) / tokens)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return True


def resolve_precision(word: str, network: nn.Module, device: torch.device = CPU) -> torch.dtype:
    """auto | float32 | bfloat16 as a type.

    `auto` is bfloat16 where the device multiplies it by itself (elsewhere it is slower) and the network is large enough to gain.
    """
    if word != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[word]
    if sum(p.numel() for p in network.parameters()) < LARGE or (device.type == "cpu" and lacks_lstm(network)):
        return torch.float32
    if device.type != "cpu":
        ours = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if ours else torch.float32
    # oneDNN also says yes where it only imitates bfloat16 with AVX-512, so on x86 the CPU itself is asked.
    x86 = [(torch.cpu, "_is_avx512_bf16_supported"), (torch.cpu, "_is_amx_tile_supported")]
    arm = [(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")]
    tests = x86 if torch.backends.cpu.get_cpu_capability().startswith("AVX") else arm
    return torch.bfloat16 if any(getattr(place, name, bool)() for place, name in tests) else torch.float32


def lacks_lstm(network: nn.Module) -> bool:
    """Whether a net has an LSTM of PyTorch's that this processor cannot take in bfloat16: oneDNN has none without AVX-512."""
    return any(isinstance(module, nn.LSTM) for module in network.modules()) and not _runs_lstm()


@cache
def _runs_lstm() -> bool:
    """Asked by trying, as no flag of the processor's tells what oneDNN was built with, or told to leave alone."""
    with torch.random.fork_rng([]), torch.autocast("cpu", torch.bfloat16), torch.enable_grad():
        try:
            nn.LSTM(2, 3, batch_first=True)(torch.zeros(1, 2, 2))[0].float().sum().backward()
        except RuntimeError:
            return False
    return True


def arithmetic(
    settings: TrainSection, network: nn.Module, began: Arithmetic, device: torch.device = CPU
) -> tuple[Arithmetic, list[str]]:
    """What sums are made with, and what to tell of it: a run goes on as it began, whatever this machine would have chosen.

    began: of the checkpoint to go on from; nothing in it for a run that begins.  ConfigError for bfloat16 that this processor lacks.
    """
    here = Arithmetic(
        settings.threads or torch.get_num_threads(),
        str(resolve_precision(settings.precision, network, device)).removeprefix("torch."),
        torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else describe_device(device),
    )
    told = []
    if began.threads and began.threads != here.threads:
        why = "other threads would round sums otherwise"
        told.append(f"note: {many(began.threads, 'thread')} as the run began, not {here.threads}: {why}.")
    if began.precision and began.precision != here.precision:
        told.append(f"note: {began.precision} as the run began, not {here.precision}, which train.precision auto would be here.")
    if began.cpu and began.cpu != here.cpu:
        differ = "last digits of its figures may differ"
        told.append(f"note: the run began on {_computer(began.cpu)}, this is {_computer(here.cpu)}: {differ}.")
    if device.type == "cpu" and module("core.matrices_loops") is None:
        told.append(
            "note: no compiled loops here, for want of a C compiler when Regard was installed: all goes the plain, slower ways."
        )
    precision = began.precision or here.precision
    if precision == "bfloat16" and device.type == "cpu" and lacks_lstm(network):
        do = "Write train.precision=float32, or train where there is one."
        if began.precision:
            do = "Go on where there is one, or begin another run with train.precision=float32."
        received = f"bfloat16 on one with {here.cpu}" + (", as the run began" if began.precision else "")
        raise ConfigError(message("train.precision", "a processor with AVX-512 for an LSTM in bfloat16", received, do))
    return Arithmetic(began.threads or here.threads, precision, here.cpu), told


def _computer(word: str | None) -> str:
    """What sums are made on, in a sentence: a CPU is known by a word in capitals."""
    return f"a CPU with {word}" if word and word.isupper() else f"{word}"


@contextmanager
def exactly(threads: int | None, device: torch.device = CPU) -> Iterator[None]:
    """So many threads, and no kernel whose sums depend on which thread comes first (index_put_ with accumulate is one, even on CPU).

    On a GPU a few operations have no other kernel: there PyTorch is to choose the exact one where it has one, and to go on where not.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may sum in another order each time
    deterministic: Any = torch.utils.deterministic  # it makes its attributes by hand
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), deterministic.fill_uninitialized_memory
    torch.set_num_threads(threads or before[0])
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
    deterministic.fill_uninitialized_memory = False  # a debugging aid that would cost time
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        deterministic.fill_uninitialized_memory = before[2]
