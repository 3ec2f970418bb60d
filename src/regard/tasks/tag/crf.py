"""A linear-chain CRF (conditional random field): which tag follows which is learnt beside what each place says."""

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

    def log_p(self, scores: Float[Tensor, "B K N"], tags: Int[Tensor, "B K"], valid: Bool[Tensor, "B K"]) -> Float[Tensor, " B"]:
        """The log-probability of whole sequences of tags.

        The sum over all sequences goes by products of matrices, in which N exponentials a place do for N^2: in float64, which holds what
        is less than some 600 nats below the best of its place.
        """
        steps, tags = (self.steps + self.barred).double(), tags.masked_fill(~valid, 0)
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

    @torch.no_grad()
    def best(self, scores: Float[Tensor, "B K N"], valid: Bool[Tensor, "B K"]) -> Int[Tensor, "B K"]:
        """The likeliest sequence of each row; 0 at padding.  Viterbi 1967."""
        steps = (self.steps + self.barred).to(torch.promote_types(scores.dtype, torch.float32))
        B, K, N = scores.shape
        if not K:
            return torch.zeros(B, 0, dtype=torch.long, device=scores.device)
        total, came, stay = steps[N, :N] + scores[:, 0], [], torch.arange(N, device=scores.device).expand(B, N)
        for t in range(1, K):
            best, place = (total[:, :, None] + steps[:N, :N]).max(1)
            came.append(torch.where(valid[:, t, None], place, stay))
            total = torch.where(valid[:, t, None], best + scores[:, t], total)
        tag = (total + steps[:N, N]).argmax(-1)
        told = [tag]
        for place in reversed(came):
            tag = place.gather(1, tag[:, None])[:, 0]
            told.append(tag)
        return torch.stack(told[::-1], 1).masked_fill(~valid, 0)
