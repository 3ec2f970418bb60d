"""Cells over a sequence, forward and backward, against PyTorch's nn.LSTM: each by its loop, and step after step by autograd.

    python benchmarks/cells.py [--size 128] [--steps 50] [--batch 32] [--repeats 40]

One thread, float32; input and state of one width; the loss is the sum of the outputs, with gradients for input, first state and
parameters.  All kinds take turns, and the median of the processor's time is told (not the clock's, so that a neighbour on the
machine costs little).  `torch.jit.script` is the peephole LSTM's plain step, scripted whole: what the hand-written loop replaces.
Writes benchmarks/results/cells.csv and cells.md.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from regard.build.networks import CELLS
from regard.networks.cells import LSTM, Cell
from regard.networks.peephole import PeepholeLSTM

RESULTS = Path(__file__).parent / "results"
Run = Callable[[Tensor], Tensor]  # "B T D" to the hidden states


def peephole_whole(x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor, u: Tensor, see: Tensor) -> Tensor:
    """The plain peephole LSTM, in what TorchScript understands."""
    told: list[Tensor] = []
    for said in F.linear(x, w, b).unbind(1):
        i, f, g, o = (said + F.linear(h, u)).chunk(4, -1)
        c = torch.sigmoid(f + see[1] * c) * c + torch.sigmoid(i + see[0] * c) * torch.tanh(g)
        h = torch.sigmoid(o + see[2] * c) * torch.tanh(c)
        told.append(h)
    return torch.stack(told, 1)


def scripted(cell: PeepholeLSTM, h: Tensor) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated on newer Pythons
        whole = torch.jit.script(peephole_whole)
    return lambda x: whole(x, h, torch.zeros_like(h), cell.weight_ih, cell.bias, cell.weight_hh, cell.peephole)


def stepped(cell: Cell, h: Tensor) -> Run:
    def run(x: Tensor) -> Tensor:
        state, told = cell.start(h), []
        for said in cell.gates(x).unbind(1):
            y, state = cell.step(said, state)
            told.append(y)
        return torch.stack(told, 1)

    return run


def looped(cell: Cell, h: Tensor) -> Run:
    return lambda x: cell.over(x, cell.start(h))[0]


def ways(size: int, h: Tensor) -> dict[tuple[str, str], Run]:
    """All that is measured, nn.LSTM first."""
    found: dict[tuple[str, str], Run] = {("lstm", "over"): looped(LSTM(size, size), h)}
    for word, kind in CELLS.items():
        cell = kind(size, size)
        found |= {(word, "over"): looped(cell, h), (word, "step after step"): stepped(cell, h)}
        if isinstance(cell, PeepholeLSTM):
            found[word, "torch.jit.script"] = scripted(cell, h)
    return found


def seconds(run: Run, x: Tensor) -> tuple[float, float]:
    """Of the forward pass, and of both."""
    begun = time.process_time()
    y = run(x)
    forward = time.process_time() - begun
    y.sum().backward()
    return forward, time.process_time() - begun


def main() -> None:
    """Measure all, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("size", 128), ("steps", 50), ("batch", 32), ("repeats", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.randn(asked.batch, asked.steps, asked.size).requires_grad_()
    runs = ways(asked.size, torch.zeros(asked.batch, asked.size, requires_grad=True))
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in runs}
    for turn in range(asked.repeats + 3):
        for key, run in runs.items():
            measured = seconds(run, x)
            if turn >= 3:  # the first are for warming up
                taken[key].append(measured)
    medians = {key: [1000 * statistics.median(part) for part in zip(*times, strict=True)] for key, times in taken.items()}
    base = medians["lstm", "over"]
    rows = [
        (word, how, f"{forward:.2f}", f"{both:.2f}", f"{forward / base[0]:.2f}", f"{both / base[1]:.2f}")
        for (word, how), (forward, both) in medians.items()
    ]
    write(rows, f"{date.today()}, one thread, float32, torch {torch.__version__}, H = {asked.size}, T = {asked.steps}, "
          f"B = {asked.batch}, median of {asked.repeats} turns.")  # fmt: skip


def write(rows: list[tuple[str, ...]], told: str) -> None:
    head = ("cell", "way", "forward ms", "forward + backward ms", "forward / nn.LSTM", "forward + backward / nn.LSTM")
    lines = [f"# Cells over a sequence\n\n{told} `over` of rnn, gru and lstm is PyTorch's own net.\n"]
    lines += [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cells.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (RESULTS / "cells.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main()
