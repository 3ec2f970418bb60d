"""What the server needs of other packages, one a line: `python docker/needs.py yes|no`, with PyTorch or without it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ANSWERING = {"numpy", "safetensors", "tokenizers", "typer"}  # of the dependencies those that exported models ask for


def needs(*, torch: bool) -> list[str]:
    """The dependencies, all of them or those of exported models, and the extra `serve`."""
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    kept = [d for d in project["dependencies"] if torch or re.split(r"\W", d)[0] in ANSWERING]
    return [*kept, *project["optional-dependencies"]["serve"]]


if __name__ == "__main__":
    if sys.argv[1:] not in (["yes"], ["no"]):
        sys.exit("needs.py: expected yes or no: with PyTorch or without. Pass --build-arg TORCH=yes to serve run folders.")
    print(*needs(torch=sys.argv[1] == "yes"), sep="\n")
