"""The shape of a BERT, by which its folder is read where PyTorch is missing, too."""

from __future__ import annotations

from dataclasses import dataclass

ACTIVATIONS = ("gelu", "gelu_new", "relu")  # by the names of Hugging Face's configs


@dataclass(frozen=True)
class BertShape:
    """What makes a BERT besides its weights.  positions: the longest text; segments: texts told apart; epsilon: of its norms; padding:
    the word that stands for nothing; causal: each place sees only those before it, and itself."""

    words: int
    size: int
    layers: int
    heads: int
    feedforward: int
    positions: int = 512
    segments: int = 2
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation: str = "gelu"
    epsilon: float = 1e-12
    padding: int = 0
    causal: bool = False
