"""What the tests of the doors share: predictions that no model made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from regard.tasks.task import Prediction


def make_up(
    looked_at: list[str], written: list[str], *, heads: int = 1, layers: int = 1, self_: bool = False, seed: int = 0, **more
) -> Prediction:
    """A prediction with made-up weights, so that pictures are tested without a model."""
    random = np.random.default_rng(seed)
    T, K = len(written), len(looked_at)
    shapes = {f"decoder.{n}.cross": (T, K) for n in range(layers)}
    if self_:
        shapes = {"encoder.0.self": (K, K), "decoder.0.self": (T, T)} | shapes
    attention = {name: random.dirichlet([0.3] * shape[1], (heads, shape[0])).astype(np.float32) for name, shape in shapes.items()}
    given = {"text": "".join(written[:-1]).replace("▁", " ").strip(), "source": "".join(looked_at[:-1]).replace("▁", " ").strip()}
    return Prediction(score=-0.25, tokens=tuple(written), source_tokens=tuple(looked_at), attention=attention, **(given | more))


@pytest.fixture(scope="session")
def told() -> Callable[..., Prediction]:
    return make_up


@pytest.fixture(scope="session")
def fixed() -> Callable[[list[list[float]], list[str], list[str]], Prediction]:
    """A prediction with one head of one layer, whose weights are given."""

    def fix(weights: list[list[float]], looked_at: list[str], written: list[str]) -> Prediction:
        return replace(make_up(looked_at, written), attention={"decoder.0.cross": np.array([weights], dtype=np.float32)})

    return fix
