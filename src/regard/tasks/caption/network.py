"""Captions (1-N): what is said of an image is written by `Seq2SeqNetwork`; here is what is special to images."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from regard.networks.base import Looks
from regard.networks.encoder_decoder import Penalty


def doubly_stochastic(strength: float) -> Penalty:
    """`strength * sum_i (1 - sum_t a_ti)^2`, summed over images, in the mean over heads and over looks at the source: what is taken of
    each place should come to 1 over the whole caption, so that no part of the image is passed over.  Xu et al. 2015, section 4.2.1,
    eq. 14."""

    def penalty(looks: Looks, real: Bool[Tensor, "B T"]) -> Tensor:
        cross = [weights.float().mean(1) for name, weights in looks.items() if name.endswith("cross")]
        taken = torch.stack([(weights * real[..., None]).sum(1) for weights in cross])
        return strength * (1 - taken).square().sum() / len(cross)

    return penalty
