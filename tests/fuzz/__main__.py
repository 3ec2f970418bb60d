"""`python -m tests.fuzz`: all kinds of trials by the thousand, or the scripted ones; what is found is printed."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

from tests.fuzz import __doc__ as told

from .apart import apart
from .bases import bases
from .trials import TRIALS, trial

MEMORY = 16 << 30  # bytes of address space, so that what asks for more is told by the system and does not take the machine down
FAULTS = ("bare", "hang", "silent")


def main() -> int:
    """Run them all; the exit code is 1 where something was found."""
    options = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trials", type=int, default=20_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    options.add_argument("--kind", default="", choices=["", *(each.__name__.removeprefix("try_") for each in TRIALS)])
    options.add_argument("--apart", action="store_true", help="instead the scripted ones, in processes of their own")
    asked = options.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    numbers = range(asked.first, asked.first + asked.trials) if asked.only is None else [asked.only]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        base, counts, begun = bases(folder / "bases"), Counter[str](), time.process_time()
        each = apart(base, folder) if asked.apart else (trial(asked.seed, n, base, folder, asked.kind) for n in numbers)
        for number, (name, outcome) in zip(count(1) if asked.apart else numbers, each, strict=False):
            counts[outcome.how] += 1
            if outcome.how in FAULTS or asked.only is not None:
                print(f"{number}\t{outcome.how}\t{name}\t{outcome.told.strip()[:600]!r}", flush=True)
        print(f"seed {asked.seed}, {counts.total():,} trials, {time.process_time() - begun:.0f} s of CPU: {dict(counts)}")
    return int(any(counts[how] for how in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
