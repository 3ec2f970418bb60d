"""Start-up and size: how long the command takes to say what it can do, and how much lies on the disk once it is installed.

    python benchmarks/startup.py [--peers FOLDER] [--repeats 7]

Medians of the clock, each in a process of its own, all sides in turn; what is read from the disk has been read before.  Size: files of all
packages of an environment, and those that are neither PyTorch nor what PyTorch itself brings.  The peers are those of
benchmarks/peers/install.sh.
Writes benchmarks/results/startup.csv and startup.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import tables

TORCH = (
    "torch",
    "sympy",
    "mpmath",
    "networkx",
    "jinja2",
    "markupsafe",
    "fsspec",
    "filelock",
    "typing_extensions",
    "numpy",
    "setuptools",
    "pip",
)
SIZES = """
import importlib.metadata as m, json, re
def size(d):
    return sum(f.locate().stat().st_size for f in d.files or [] if f.locate().is_file())
print(json.dumps({re.sub("[-_.]+", "_", d.metadata["Name"].lower()): size(d) for d in m.distributions()}))
"""


def needed(python: str, of: str) -> set[str]:
    """The names of a distribution and of all that it needs, without extras."""
    script = """
import importlib.metadata as m, re, sys
name = lambda x: re.sub("[-_.]+", "_", x.lower())
seen, left = set(), [sys.argv[1]]
while left:
    one = left.pop()
    if name(one) in seen: continue
    try: d = m.distribution(one)
    except m.PackageNotFoundError: continue
    seen.add(name(one))
    left += [re.split("[ ;<>=!~\\\\[(]", r)[0] for r in d.requires or [] if "extra ==" not in r]
print(*seen)
"""
    return set(subprocess.run([python, "-c", script, of], capture_output=True, text=True, check=True).stdout.split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path(__file__).parent / "peers" / "environments")
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    here, joey, onmt = sys.executable, asked.peers / "joey" / "bin", asked.peers / "onmt" / "bin"
    calls = {
        "regard --help": [here, "-m", "regard", "--help"],
        "regard train --help": [here, "-m", "regard", "train", "--help"],
        "import regard": [here, "-c", "import regard"],
        "import torch": [here, "-c", "import torch"],
        "joeynmt --help": [str(joey / "python"), "-m", "joeynmt", "--help"],
        "onmt_train --help": [str(onmt / "onmt_train"), "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name, call in calls.items() if Path(call[0]).exists()}
    for turn in range(asked.repeats + 1):
        for name, times in taken.items():
            began = time.perf_counter()
            subprocess.run(calls[name], check=True, capture_output=True)
            times += [time.perf_counter() - began] if turn else []
    rows: list[tuple[object, ...]] = [(name, f"{statistics.median(times):.2f} s", "") for name, times in taken.items()]
    for side, python, of in (
        ("regard", here, "regard"),
        ("JoeyNMT", str(joey / "python"), "joeynmt"),
        ("OpenNMT-py", str(onmt / "python"), "OpenNMT-py"),
    ):
        if not Path(python).exists():
            continue
        sizes = json.loads(subprocess.run([python, "-c", SIZES], capture_output=True, text=True, check=True).stdout)
        mine = needed(python, of)
        whole = sum(sizes.get(name, 0) for name in mine) / 1e6
        rest = sum(sizes.get(name, 0) for name in mine if name not in TORCH) / 1e6
        rows.append((f"{side}, installed", f"{whole:,.0f} MB", f"{rest:,.0f} MB beside PyTorch"))
        print(*rows[-1], flush=True)
    command = f"python benchmarks/startup.py --repeats {asked.repeats}"
    tables.write("startup", "Start-up and size", command, ("what", "time or size", "of it"), rows)
    print(*(f"{name}: {figure}" for name, figure, _ in rows), sep="\n")


if __name__ == "__main__":
    main()
