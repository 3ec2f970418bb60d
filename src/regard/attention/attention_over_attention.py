"""Attention over attention: which place of a document answers a question.  It gathers nothing: what it gives feeds a head."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.score import Dot, Score
from regard.attention.tiling import TileOutput
from regard.attention.weighting import masked_softmax
from regard.core.errors import ConfigError, message


class DocumentPointer(NamedTuple):
    """share: "B K", how likely each place of the document is the answer; sums to 1 where both texts have a real place, else 0.
    columns: "B Q K", what each word of the question takes of the document; importance: "B Q", how much each of them counts."""

    share: Float[Tensor, "B K"]
    columns: Float[Tensor, "B Q K"]
    importance: Float[Tensor, "B Q"]

    def by_word(
        self, words: Int[Tensor, "B K"], vocabulary: int, *, candidates: Bool[Tensor, "B V"] | None = None
    ) -> Float[Tensor, "B V"]:
        """The pointer sum: how likely each word is, summed over the places where it stands.

        words: the document's; candidates: the words that may answer (True), any other gets 0.  Nothing is renormalised.
        """
        told = by_word(self.share, words, vocabulary)
        return told if candidates is None else told * candidates


def by_word(share: Float[Tensor, "B K"], words: Int[Tensor, "B K"], vocabulary: int) -> Float[Tensor, "B V"]:
    """The pointer sum: how likely each word is, summed over the places where it stands.  Kadlec et al. 2016, section 4.3."""
    return share.new_zeros(len(words), vocabulary).scatter_add(1, words, share)


class AttentionOverAttention(nn.Module):
    """`s = A^T b, A = column softmax of M, b = mean of the row softmaxes of M, M = score(question, document)`: each word of the
    question looks at the document, and a second look says which of those looks to believe.  Cui et al. 2017, section 3.

    score: between the words of the question (queries) and of the document (keys); the paper's is the dot product.
    The row softmaxes are averaged over the document's real places alone.  Raises ConfigError for a score that goes step by step.

    Use it to point at a word of a document that answers a cloze question.  With a question of one word it is the attention-sum
    reader of Kadlec et al. 2016.

    Cost: n m d, n the document, m the question; nothing waits for anything.
    """

    def __init__(self, *, score: Score | None = None) -> None:
        super().__init__()
        if score is not None and score.sequential:
            kind = type(score).__name__
            raise ConfigError(message("attention over attention", "a score that looks at once", kind, "Choose another score."))
        self.look = Attention(1, 1, score=score or Dot())  # only its score and its memory are used: nothing is gathered

    def forward(
        self,
        document: Float[Tensor, "B K D"],
        question: Float[Tensor, "B Q M"],
        document_valid: Bool[Tensor, "B K"] | None = None,
        question_valid: Bool[Tensor, "B Q"] | None = None,
    ) -> DocumentPointer:
        """valid: True = a real word; None: all."""
        memory = self.look.remember(document, document_valid)
        asked = torch.ones_like(question[..., 0], dtype=torch.bool) if question_valid is None else question_valid
        at = torch.arange(question.shape[1], device=question.device).expand(len(question), -1)
        scores = self.look.score(question[:, None], memory, at)
        both = (asked[:, :, None] & memory.valid[:, None])[:, None]
        columns, rows = masked_softmax(scores, both)[:, 0], masked_softmax(scores.mT, both.mT)[:, 0]
        if (edit := self.look.edit) is not None:
            changed = edit.apply(
                TileOutput(columns[:, None] @ memory.values, columns[:, None]), both, memory, at, normal=True
            ).shown
            columns = columns if changed is None else changed[:, 0]
        importance = rows.sum(1) / memory.valid.sum(1, keepdim=True).clamp(min=1)
        return DocumentPointer((importance[:, None] @ columns)[:, 0], columns, importance)
