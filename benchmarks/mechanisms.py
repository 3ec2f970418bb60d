"""Time, memory and error of attention by its fast paths, its plain ones, and what users have today.

    python benchmarks/mechanisms.py [--threads 2] [--repeats 5] [--only additive window aaren]

Each row is a process of its own, in which freed memory is kept as `regard` keeps it, for all sides alike: a call to warm up (compilation
is not counted), then the median of the clock over the repeats, forward alone and forward and backward; then the most memory above what
the process held before, over one forward and backward.  Errors are the largest difference from the plain equation in float64, in parts of
the largest number, of the context and of the gradients.
`local-attention` (its row is left out where it is not installed) and PyTorch's attention with a mask are the peers of windows; the
broadcast form, which Keras, OpenNMT-py, JoeyNMT and yoyodyne use, that of additive attention; the table of all pairs that of Aaren.
Writes benchmarks/results/mechanisms.csv and mechanisms.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from regard.attention import Aaren, Attention, Causal, ScaledDot, Window, kernels
from regard.attention.kernels import tanh, tanh_loops, tanh_torch
from regard.attention.score import AdditiveForm
from regard.cli.memory import keep_freed_memory

RESULTS = Path(__file__).parent / "results"
ADDITIVE = [(8, 256, 256, 256), (32, 25, 25, 512), (1, 2048, 2048, 128)]  # B, Q, K, D
WINDOW, HEADS, WIDTH = 128, 8, 64
LENGTHS = [1024, 4096, 16_384, 65_536]
PREFIXES = [1024, 8192, 32_768]
Way = Callable[..., Tensor]


def additive(size: str, way: str) -> tuple[list[Tensor], Way, Way | None]:
    """Scores, softmax and context: q, k, v of the score, values."""
    B, Q, K, D = map(int, size.split("x"))
    given = [torch.randn(B, 1, Q, D), torch.randn(B, 1, K, D), torch.randn(1, D) / math.sqrt(D), torch.randn(B, 1, K, D)]
    loops = {"compiled": tanh_loops, "tiles of torch": tanh_torch}

    def naive(q: Tensor, k: Tensor, v: Tensor, values: Tensor) -> Tensor:
        return (torch.tanh(q[:, :, :, None] + k[:, :, None]) @ v[0]).softmax(-1) @ values

    def plain(q: Tensor, k: Tensor, v: Tensor, values: Tensor) -> Tensor:
        return AdditiveForm(q, k, v).scores().softmax(-1) @ values

    def fast(q: Tensor, k: Tensor, v: Tensor, values: Tensor) -> Tensor:
        return tanh.tanh_scores(q, k, v).softmax(-1) @ values

    if way in loops:
        tanh._loops = lambda device: loops[way]  # type: ignore[assignment]  # the way is chosen
    return given, {"broadcast": naive, "plain (sigmoid)": plain}.get(way, fast), naive if B * Q * K * D < 2**25 else None


def window(size: str, way: str) -> tuple[list[Tensor], Way, Way | None]:
    """Self-attention over WINDOW places to either side; all begin and end with B T (heads width), as projections give and take it."""
    T = int(size)
    given = [torch.randn(1, T, HEADS * WIDTH) for _ in range(3)]
    look = Attention(HEADS * WIDTH, HEADS * WIDTH, score=ScaledDot(), scope=Window(WINDOW), heads=HEADS)
    look.query = look.key = look.value = look.out = torch.nn.Identity()

    def ours(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return look(q, look.remember(k, values=v)).context

    def by_heads(way: Way) -> Way:
        def whole(*given: Tensor) -> Tensor:
            return way(*(t.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for t in given)).transpose(1, 2).flatten(2)

        return whole

    def under_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        at = torch.arange(T)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=(at[:, None] - at).abs() <= WINDOW)

    masked = by_heads(under_mask)
    ways: dict[str, Way] = {
        "regard": ours,
        "SDPA with a mask": masked,
        "SDPA, all places": by_heads(F.scaled_dot_product_attention),
    }
    if way == "local-attention":
        from local_attention import LocalAttention  # type: ignore[import-not-found]  # a peer, maybe absent

        net = LocalAttention(window_size=WINDOW, look_backward=1, look_forward=1, causal=False, exact_windowsize=True, dim=None)
        ways[way] = by_heads(net)
    return given, ways[way], masked if T <= 4096 and way != "SDPA, all places" else None


def aaren(size: str, way: str) -> tuple[list[Tensor], Way, Way | None]:
    """Every prefix of a sequence, read by one query of width 128."""
    N, D = int(size), 128
    net = Aaren(Attention(D, D, scope=Causal(), project=False), D)
    given = [torch.randn(1, N, D)]

    def quadratic(x: Tensor) -> Tensor:
        scores = (x @ net.query[0].to(x)) / math.sqrt(D)
        behind = torch.ones(N, N, dtype=torch.bool).tril()
        return scores[:, None].expand(-1, N, -1).masked_fill(~behind, -torch.inf).softmax(-1) @ x

    def ours(x: Tensor) -> Tensor:
        return net(x, net.start(x)).context

    if way == "blocks of torch":
        kernels.prefix = lambda *_: None  # type: ignore[assignment]  # the way is chosen
    return given, quadratic if way == "all pairs" else ours, quadratic if N <= 1024 else None


PARTS = {"additive": additive, "window": window, "aaren": aaren}


def rows(only: list[str]) -> Iterator[tuple[str, str, str]]:
    """What is measured: part, size, way; the plain or rival way of a size first."""
    if "additive" in only:
        for shape in ADDITIVE:
            for way in ("broadcast", "plain (sigmoid)", "compiled", "tiles of torch"):
                yield "additive", "x".join(map(str, shape)), way
    if "window" in only:
        for T in LENGTHS:
            rivals = ["SDPA with a mask", "SDPA, all places"] if T <= 4096 else []
            peers = ["local-attention"] if find_spec("local_attention") and T <= 16_384 else []
            for way in (*rivals, *peers, "regard"):
                yield "window", str(T), way
    if "aaren" in only:
        for N in PREFIXES:
            for way in (*(["all pairs"] if N <= 8192 else []), "blocks of torch", "compiled"):
                yield "aaren", str(N), way


def peak() -> float:
    """The most memory that the process has held since it was last asked, in MB."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def held() -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def one(part: str, size: str, way: str, threads: int, repeats: int) -> dict[str, Any]:
    """One row, in this process."""
    keep_freed_memory()
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    given, run, exact = PARTS[part](size, way)
    grad = torch.randn_like(run(*given).detach())

    def forward() -> None:
        with torch.no_grad():
            run(*given)

    def both() -> list[Tensor]:
        leaves = [t.requires_grad_() for t in given]
        context = run(*leaves)
        return [context.detach(), *torch.autograd.grad(context, leaves, grad)]

    found: dict[str, Any] = {}
    both()
    for name, call in (("forward", forward), ("both", both)):
        taken = []
        for _ in range(repeats):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
        found[f"{name} ms"] = round(1000 * statistics.median(taken), 3)
    ctypes.CDLL(None).malloc_trim(0)  # what is free goes back to the system, so that taking it again can be seen
    before = held()
    peak()
    told = both()
    found["extra MB"] = round(max(0.0, peak() - before), 1)
    if exact is not None:
        leaves = [t.detach().double().requires_grad_() for t in given]
        context = exact(*leaves)
        truth = [context.detach(), *torch.autograd.grad(context, leaves, grad.double())]
        off = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(told, truth, strict=True)]
        found |= {"error": f"{off[0]:.1e}", "error of gradients": f"{max(off[1:]):.1e}"}
    return found


def exponent(pairs: list[tuple[int, float]]) -> float:
    """By which power of the size the time grows: least squares of the logarithms."""
    return statistics.linear_regression([math.log(n) for n, _ in pairs], [math.log(t) for _, t in pairs]).slope


def page(made: list[dict[str, Any]], threads: int, repeats: int) -> str:
    lines = [
        "# Mechanisms",
        "",
        f"`python benchmarks/mechanisms.py --threads {threads} --repeats {repeats}`; {platform.machine()}, {os.cpu_count()} cores, "
        f"torch {torch.__version__}, {date.today()}. Times are medians; ratios are against the first row of a size.",
    ]
    for part, title in (
        ("additive", "Additive attention, B x Q x K x D, float32"),
        ("window", f"Window of {WINDOW} to either side, {HEADS} heads of {WIDTH}"),
        ("aaren", "Aaren, width 128"),
    ):
        mine = [row for row in made if row["part"] == part]
        if not mine:
            continue
        lines += [
            "",
            f"## {title}",
            "",
            "| size | way | forward ms | ratio | forward + backward ms | ratio | extra MB | share | error | of gradients |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in mine:
            first = next(r for r in mine if r["size"] == row["size"])
            ratios = [f"{first[k] / row[k]:.2f}" for k in ("forward ms", "both ms")]
            share = f"{row['extra MB'] / first['extra MB']:.1%}" if first["extra MB"] else ""
            cells = [row["size"], row["way"], f"{row['forward ms']:.2f}", ratios[0], f"{row['both ms']:.2f}", ratios[1]]
            cells += [f"{row['extra MB']:.1f}", share, row.get("error", ""), row.get("error of gradients", "")]
            lines.append(f"| {' | '.join(cells)} |")
        for way in dict.fromkeys(row["way"] for row in mine):
            grown = [(int(row["size"]), row["both ms"]) for row in mine if row["way"] == way and part != "additive"]
            if len(grown) > 1:
                sizes = f"{grown[0][0]:,} to {grown[-1][0]:,}"
                lines += ["", f"{way}: time of forward and backward grows with n to the power {exponent(grown):.2f} ({sizes})."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--one", nargs=3, metavar=("PART", "SIZE", "WAY"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(*asked.one, threads=asked.threads, repeats=asked.repeats)))
        return
    made = []
    for part, size, way in rows(asked.only):
        call = [
            sys.executable,
            __file__,
            "--one",
            part,
            size,
            way,
            "--threads",
            str(asked.threads),
            "--repeats",
            str(asked.repeats),
        ]
        told = subprocess.run(
            call, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": str(asked.threads)}
        )
        made.append({"part": part, "size": size, "way": way, **json.loads(told.stdout)})
        print(*made[-1].values(), flush=True)
    with (RESULTS / "mechanisms.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in made for k in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    (RESULTS / "mechanisms.md").write_text(page(made, asked.threads, asked.repeats))


if __name__ == "__main__":
    main()
