"""Compiles the loops, once for each class of processors: when a wheel is built, or a checkout installed.

    python compile.py FOLDER

It needs a C compiler (CC, or cc) and nothing of Regard's; where there is none, numpy plays alone.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "library.c"
NAME = {"win32": "loops.dll", "darwin": "loops.dylib"}.get(sys.platform, "loops.so")
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


def compile_loops(folder: Path) -> Path | None:
    """The library in `folder`; None, with the reason on the screen, where no compiler makes it."""
    classes = CLASSES if platform.machine().lower() in ("x86_64", "amd64") else {2: list[str]()}
    compiler = shlex.split(os.environ.get("CC", "cc"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        objects = [Path(beside) / f"{of}.o" for of in classes]
        try:
            for made, (of, flags) in zip(objects, classes.items(), strict=True):
                subprocess.run([*compiler, *FLAGS, *flags, f"-DCLASS={of}", "-c", str(SOURCE), "-o", str(made)], check=True)
            subprocess.run(
                [*compiler, "-shared", "-o", str(Path(beside) / NAME), *map(str, objects), "-lm", "-pthread"], check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The compiled loops are left out, numpy will do their work: {error}", file=sys.stderr)
            return None
        os.replace(Path(beside) / NAME, folder / NAME)  # at once: a process may have the old one open
    return folder / NAME


if __name__ == "__main__":
    sys.exit(compile_loops(Path(sys.argv[1])) is None)
