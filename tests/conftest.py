"""What all tests share: one thread, and the place of real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

CHECKOUT = Path(__file__).resolve().parent.parent

# Workers share the cores: more threads than one only wait for each other, and sums would depend on their number.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Here and not beside the laws, so that pytest knows them wherever it is started."""
    for noun in ("score", "scope", "weighting"):
        told = f"a {noun} of yours for the laws, my.module:Class (again: more)"
        parser.addoption(f"--{noun}", action="append", default=[], metavar="WORD", help=told)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets: REGARD_DATA, else `shared/data` beside the checkout; without one the test is skipped."""
    root = Path(os.environ.get("REGARD_DATA") or CHECKOUT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip(f"needs real data: expected a folder at {root}; received none. Set REGARD_DATA to where the data sets lie.")
    return root
