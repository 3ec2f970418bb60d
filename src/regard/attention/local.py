"""Local scopes: a window around the place where each query looks, given or predicted."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.scope import AttentionMask, Scope, Window
from regard.core.errors import ConfigError, message


class LocalM(Window):
    """`t - D <= k <= t + D`: the places around the query's own number, as if source and target went side by side.
    Luong et al. 2015, section 3.2 (local-m, p_t = t).

    Raises ConfigError for a D below 1.

    Use it where word t of the target comes from about place t of the source: spelling to sound, copying, tagging.  It cannot
    reorder: what lies more than D away is never seen.

    Cost: m (2 D + 1) places that count; all m n are scored.
    """

    def __init__(self, D: int) -> None:
        if D < 1:
            raise ConfigError(message("local-m", "a D of 1 or more", str(D), "Name how far it looks to either side."))
        super().__init__(D)


class LocalP(Scope):
    """`p_t = S sigmoid(v . tanh(W s))`: the query says where it looks, |k - p_t| <= D, and what is taken there fades by
    exp(-(k - p_t)^2 / (2 sigma^2)), sigma = D / 2.  Luong et al. 2015, section 3.2, eq. 9-10 (local-p).

    S is the sentence's real length, or the query's own place and one more where another scope lets it see no further
    (`causal & local-p(D)`).  The fade comes after the weighting and is not made up for; a window without a place reads zeros.
    Raises ConfigError for a D of 0 or below.

    Use it where each word comes from a few places that lie together, in any order: translation.  It has no opposite (no `~`), and
    must know where what it looks at ends: for one's own past only with `causal`.

    Cost: m d^2 for the predictions, and m (2 D + 1) places that count; all m n are scored.
    """

    fades = whole = True

    def __init__(self, query_size: int, D: float) -> None:
        super().__init__()
        if not D > 0:
            raise ConfigError(message("local-p", "a D above 0", str(D), "Name how far it looks to either side."))
        self.D = D
        self.w = nn.Parameter(torch.randn(query_size, query_size) / math.sqrt(query_size))
        self.v = nn.Parameter(torch.randn(query_size) / math.sqrt(query_size))

    def forward(
        self, query: Float[Tensor, "B Q M"], at: Int[Tensor, "B Q"], k_at: Int[Tensor, "B K"], length: Int[Tensor, "B Q"]
    ) -> AttentionMask:
        far = (k_at[:, None] - self.centre(query, length)[..., None])[:, None]
        near = far.clamp(-self.D, self.D)  # beyond the window no weight is left to fade, and no gradient
        return AttentionMask(far.abs() <= self.D, torch.exp(-(near**2) / (2 * (self.D / 2) ** 2)))

    def centre(self, query: Float[Tensor, "B Q M"], length: Int[Tensor, "B Q"]) -> Float[Tensor, "B Q"]:
        """p_t, in places; in at least float32, as bfloat16 cannot tell place 300 from 301."""
        told = torch.tanh(query @ self.w.mT) @ self.v
        told = told.float() if told.dtype in (torch.bfloat16, torch.float16) else told
        return length * torch.sigmoid(told)
