"""Fixed contexts that are looks: one vector, or a few side by side, for the whole sentence."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from regard.attention.pooling import Pool, StructuredPool
from regard.networks.base import EncoderOutput


class PooledContext(nn.Module):
    """The fixed context is a pooled reading of all states, its hops side by side.  Raffel & Ellis 2015; Lin et al. 2017.

    pool: how the states become one vector, or a few.  A source without any real place reads zeros.
    """

    def __init__(self, pool: Pool | StructuredPool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, encoded: EncoderOutput) -> Float[Tensor, "B D"]:
        return self.pool(encoded.states, encoded.valid).context.flatten(1)
