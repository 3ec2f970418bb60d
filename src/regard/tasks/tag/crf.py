"""A linear-chain CRF (conditional random field): which tag follows which is learnt beside what each place says.

In use, `tag_paths.py` finds the likeliest path, and says how likely it is.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

NEVER = -1e4  # the score of a step that cannot be: finite, so that no gradient is NaN
LEAST = 1e-300  # what a sum of probabilities is at least, so that its logarithm is finite


class ChainCRF(nn.Module):
    """`p(y | x) = exp(sum_t s_t(y_t) + A(y_{t-1}, y_t)) / Z`: a linear-chain conditional random field.  Lafferty et al. 2001, section 3;
    over a recurrent net Huang et al. 2015, section 2.5.

    tags: how many.  never: pairs (before, tag) that cannot be; before = tags stands for the start, tag = tags for the end.  Padding
    lies on the right.  A row without any place has log-probability 0.
    """

    def __init__(self, tags: int, never: list[tuple[int, int]] | None = None) -> None:
        super().__init__()
        self.tags = tags
        self.steps = nn.Parameter(torch.zeros(tags + 1, tags + 1))  # from start or tag, to tag or end
        barred = torch.zeros(tags + 1, tags + 1)
        for before, tag in never or []:
            barred[before, tag] = NEVER
        self.barred: Tensor
        self.register_buffer("barred", barred)

    @property
    def transitions(self) -> Float[Tensor, "N1 N1"]:
        """The scores of all steps, from start or tag to tag or end; of those that cannot be, hardly any."""
        return self.steps + self.barred

    def log_p(self, scores: Float[Tensor, "B K N"], tags: Int[Tensor, "B K"], valid: Bool[Tensor, "B K"]) -> Float[Tensor, " B"]:
        """The log-probability of whole sequences of tags.

        The sum over all sequences goes by products of matrices, in which N exponentials a place do for N^2: in float64, which holds what
        is less than some 600 nats below the best of its place.
        """
        steps, tags = self.transitions.double(), tags.masked_fill(~valid, 0)
        told, scores = torch.promote_types(scores.dtype, torch.float32), scores.double()
        N, length = self.tags, valid.sum(1)
        before = torch.cat([torch.full_like(tags[:, :1], N), tags[:, :-1]], 1)
        path = ((scores.gather(-1, tags[..., None])[..., 0] + steps[before, tags]) * valid).sum(1)
        last = tags.gather(1, (length - 1).clamp(min=0)[:, None])[:, 0]
        path = path + steps[last, N]
        total = steps[N, :N] + scores[:, 0] if scores.shape[1] else scores.new_zeros(len(scores), N)
        high = steps.detach().max()
        taken = (steps[:N, :N] - high).exp()
        for score, real in zip(scores.unbind(1)[1:], valid.unbind(1)[1:], strict=True):
            most = total.detach().amax(1, keepdim=True)
            summed = ((total - most).exp() @ taken).clamp(min=LEAST).log()
            total = torch.where(real[:, None], summed + (most + high) + score, total)
        total = torch.logsumexp(total + steps[:N, N], 1)
        return torch.where(length > 0, path - total, 0.0).to(told)
