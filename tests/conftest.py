"""What all tests share: one thread, the place of real data, and predictions that no model made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from regard.tasks.base import TaskPrediction

CHECKOUT = Path(__file__).resolve().parent.parent

# Workers share the cores: more threads than one only wait for each other, and sums would depend on their number.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Here and not beside the laws, so that pytest knows them wherever it is started."""
    for noun in ("score", "scope", "weighting", "cell"):
        told = f"a {noun} of yours for the laws, my.module:Class (again: more)"
        parser.addoption(f"--{noun}", action="append", default=[], metavar="WORD", help=told)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets: REGARD_DATA, else `shared/data` beside the checkout; without one the test is skipped."""
    root = Path(os.environ.get("REGARD_DATA") or CHECKOUT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip(f"needs real data: expected a folder at {root}; received none. Set REGARD_DATA to where the data sets lie.")
    return root


def make_up(
    looked_at: list[str], written: list[str], *, heads: int = 1, layers: int = 1, self_: bool = False, seed: int = 0, **more
) -> TaskPrediction:
    """A prediction with made-up weights, so that pictures are tested without a model."""
    random = np.random.default_rng(seed)
    T, K = len(written), len(looked_at)
    shapes = {f"decoder.{n}.cross": (T, K) for n in range(layers)}
    if self_:
        shapes = {"encoder.0.self": (K, K), "decoder.0.self": (T, T)} | shapes
    attention = {name: random.dirichlet([0.3] * shape[1], (heads, shape[0])).astype(np.float32) for name, shape in shapes.items()}
    given = {"text": "".join(written[:-1]).replace("▁", " ").strip(), "source": "".join(looked_at[:-1]).replace("▁", " ").strip()}
    return TaskPrediction(
        score=-0.25, tokens=tuple(written), source_tokens=tuple(looked_at), attention=attention, **(given | more)
    )


@pytest.fixture(scope="session")
def told() -> Callable[..., TaskPrediction]:
    return make_up


@pytest.fixture(scope="session")
def fixed() -> Callable[[list[list[float]], list[str], list[str]], TaskPrediction]:
    """A prediction with one head of one layer, whose weights are given."""

    def fix(weights: list[list[float]], looked_at: list[str], written: list[str]) -> TaskPrediction:
        return replace(make_up(looked_at, written), attention={"decoder.0.cross": np.array([weights], dtype=np.float32)})

    return fix
