"""The legend of letters, the only place where they are explained.

B  batch        H  heads       Q  queries     K  keys (places that may be looked at)
D  width        E  value width M  model width T  time (words written)
V  vocabulary   R  rows chosen from a batch   G  gates (3 D in a GRU, 4 D in an LSTM)

A leading `#` (as in "B #H Q K") allows 1, to be broadcast.  Masks have one convention: True = may look.
"""

from typing import Any

Array = Any  # numpy's where PyTorch may be missing, PyTorch's in a net: `core/arrays.py` makes one of the other
