"""Additive attention beside busy programs: against the broadcast form, forward and with backward, in turns.

    python benchmarks/busy.py [--repeats 7] [--beside 0 1 2] [--threads 1 2]

8 sentences, 256 queries, 256 places, width 256, float32.  Beside it run so many processes that do nothing but count.  Each measurement
has a process of its own; the two forms take turns in it, and medians are told.
Writes benchmarks/results/busy.csv and busy.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import tables
import torch
from torch import Tensor

from regard.attention.kernels.tanh import tanh_scores

SIZES = (8, 256, 256, 256)  # sentences, queries, places, width
BUSY = "while True: pass"


def broadcast(query: Tensor, keys: Tensor, v: Tensor) -> Tensor:
    """All pairs at once."""
    return (torch.tanh(query[:, :, :, None] + keys[:, :, None]) * v[:, None, None]).sum(-1)


def measure(threads: int, repeats: int) -> dict[str, float]:
    """Milliseconds, by form and direction."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    B, Q, K, D = SIZES
    given = [torch.randn(size, requires_grad=True) for size in ((B, 1, Q, D), (B, 1, K, D), (1, D))]
    grad = torch.randn(B, 1, Q, K)
    forms: dict[str, Callable[..., Tensor]] = {"broadcast": broadcast, "regard": tanh_scores}
    taken: dict[str, list[float]] = {}
    for turn in range(repeats + 1):
        for name, form in forms.items():
            for back in (False, True):
                with torch.set_grad_enabled(back):
                    began = time.perf_counter()
                    made = form(*given)
                    if back:
                        made.backward(grad)
                    times = taken.setdefault(f"{name} {'with backward' if back else 'forward'}", [])
                    times += [1000 * (time.perf_counter() - began)] if turn else []
    return {name: statistics.median(times) for name, times in taken.items()}


def beside(busy: int, threads: int, repeats: int) -> dict[str, float]:
    """`measure` in a process of its own, beside so many busy ones."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        command = [sys.executable, __file__, "--measure", str(threads), "--repeats", str(repeats)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.repeats)))
        return
    rows = []
    for busy in asked.beside:
        for threads in asked.threads:
            took = beside(busy, threads, asked.repeats)
            for way in ("forward", "with backward"):
                plain, own = took[f"broadcast {way}"], took[f"regard {way}"]
                rows.append((busy, threads, way, round(plain, 1), round(own, 2), round(plain / own, 1)))
                print(*rows[-1], flush=True)
    head = ("busy processes", "threads", "way", "broadcast, ms", "regard, ms", "times as fast")
    tables.write(
        "busy", "Additive attention beside busy programs", f"python benchmarks/busy.py --repeats {asked.repeats}", head, rows
    )


if __name__ == "__main__":
    main()
