"""Twins: every road to one look, or to one step of a net, says the same and leaves the same memory behind.

    python -m tests.laws.twins --looks 2000 --nets 300

The roads: with compiled loops and as where none were built; with weights asked for and without; with gradients, under
`no_grad` and in inference mode; step by step and at once; a net as it was trained and the net in use that is made of it.  A look's
twins must agree in context, weights, *what is left in the memory* and mixture; a net's in what it says, in its states, in the memories
of them, and in the answers of a search, with their scores and attention.

All other laws take float64 with gradients, which no loop for nets in use ever takes.
"""

from __future__ import annotations

import argparse
import sys

import torch

from .twin_looks import MOST, looks
from .twin_nets import nets


def main() -> int:
    """Tries so many looks and nets; prints those whose roads part, and how many they are.  Exit status 1 where there are any."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--looks", type=int, default=2000, help="how many random looks")
    read.add_argument("--nets", type=int, default=300, help="how many random nets, briefly trained")
    read.add_argument("--seed", type=int, default=1)
    read.add_argument("--updates", type=int, default=12, help="of each net, before it is used")
    asked = read.parse_args()
    torch.set_num_threads(1)
    parted = 0
    for kind, every in (("looks", looks(asked.looks, asked.seed)), ("nets", nets(asked.nets, asked.seed, asked.updates))):
        wrong = tried = 0
        for name, found in every:
            tried, wrong = tried + 1, wrong + bool(found)
            for difference in found[:3]:
                print(f"{kind} {tried - 1}: {name}: {difference.what} by {difference.by:.1e} ({difference.road})", flush=True)
        print(f"{kind}: {tried:,} tried, {wrong:,} with differences above {MOST:g}", flush=True)
        parted += wrong
    return int(parted > 0)


if __name__ == "__main__":
    sys.exit(main())
