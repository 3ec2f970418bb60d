"""Compiles loops of C, once for each class of processors: when a wheel is built, or a checkout installed.

    python compile.py SOURCE FOLDER

It needs a C compiler (CC, or cc) and nothing of Regard's; where there is none, numpy and PyTorch do the work alone.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ENDING = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FLAGS = [
    "-std=gnu11",
    "-O3",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-Wno-psabi",
]
CLASSES = {2: ["-march=x86-64-v2"], 3: ["-march=x86-64-v3"], 4: ["-march=x86-64-v4", "-mavx512vnni"]}


def compile_loops(source: Path, folder: Path) -> Path | None:
    """The library of a source in `folder`, by the name of the folder that the source lies in; None, with the reason on the screen, where
    no compiler makes it."""
    made = source.resolve().parent.name + ENDING
    classes = CLASSES if platform.machine().lower() in ("x86_64", "amd64") else {2: list[str]()}
    compiler = shlex.split(os.environ.get("CC", "cc"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        objects = [Path(beside) / f"{of}.o" for of in classes]
        try:
            for one, (of, flags) in zip(objects, classes.items(), strict=True):
                subprocess.run([*compiler, *FLAGS, *flags, f"-DCLASS={of}", "-c", str(source), "-o", str(one)], check=True)
            subprocess.run(
                [*compiler, "-shared", "-o", str(Path(beside) / made), *map(str, objects), "-lm", "-pthread"], check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The compiled loops are left out, numpy and PyTorch will do their work: {error}", file=sys.stderr)
            return None
        os.replace(Path(beside) / made, folder / made)  # at once: a process may have the old one open
    return folder / made


if __name__ == "__main__":
    sys.exit(compile_loops(Path(sys.argv[1]), Path(sys.argv[2])) is None)
