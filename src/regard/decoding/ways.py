"""How answers are sought: by beam, or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from regard.decoding.networks import StepNetwork
from regard.decoding.sampling import sample
from regard.decoding.search import Bounds, Found, beam


@dataclass(frozen=True)
class Beam:
    """Search by beam; width 1 is greedy."""

    width: int = 5
    n_best: int = 1
    length_penalty: float = 0.0


@dataclass(frozen=True)
class Sample:
    """Draw instead of searching: `n_best` draws, keyed by (seed, sentence, draw, step)."""

    n_best: int = 1
    seed: int = 1
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


def find(
    network: StepNetwork, state: Any, *, bounds: Bounds, way: Beam | Sample, sources: Sequence[np.ndarray]
) -> list[list[Found]]:
    """What is written after each source, best first.  sources: by which draws are keyed."""
    if isinstance(way, Beam):
        return beam(network, state, bounds=bounds, width=way.width, n_best=way.n_best, length_penalty=way.length_penalty)
    return sample(
        network,
        state,
        bounds=bounds,
        keys=[key_of(source) for source in sources],
        seed=way.seed,
        count=way.n_best,
        temperature=way.temperature,
        top_k=way.top_k,
        top_p=way.top_p,
    )


def key_of(source: np.ndarray) -> int:
    """A number that belongs to a sentence "K", or to an image "K P", wherever it stands."""
    kind = "<f4" if source.dtype.kind == "f" else "<i8"
    return int.from_bytes(blake2b(source.astype(kind).tobytes(), digest_size=8).digest(), "little")
