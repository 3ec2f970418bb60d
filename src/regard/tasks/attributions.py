"""Which places that were read have to do with what is said, by gradient times input, of nets in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from regard.data.batching import collate


def attribute_tokens(network: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[np.ndarray] | None:
    """Of pairs in tokens, for an encoder-decoder: (target tokens, source places) each.  None for a source that is not of words."""
    import torch
    from torch import nn

    from regard.core.arrays import to_tensors
    from regard.inference.input_gradients import gradient_times_input

    table = getattr(network.source, "table", None)
    if not isinstance(table, nn.Module):
        return None
    batch = to_tensors(collate(list(pairs), range(len(pairs))))
    target, source = batch.target, batch.source

    def say() -> torch.Tensor:
        state = network.start(network.encode(source, batch.source_valid), source)
        log_p = network(batch.words, state)[0].gather(2, target[..., None])[..., 0]
        return log_p.masked_fill(~batch.target_valid, 0.0)

    found = gradient_times_input(table, say)
    return [rows[: len(line), : len(read)] for rows, (read, line) in zip(found, pairs, strict=True)]


def attribute_labels(network: Any, batch: Any) -> list[np.ndarray] | None:
    """Of a batch of arrays with labels, for a net that classifies: (1, places) each.  None for a reader without word vectors of its own."""
    import torch
    from torch import nn

    from regard.core.arrays import to_tensors
    from regard.inference.input_gradients import gradient_times_input

    table = getattr(getattr(network.reader, "embed", None), "table", None)
    if not isinstance(table, nn.Module):
        return None
    sent = to_tensors(batch)

    def say() -> torch.Tensor:
        log_p: torch.Tensor = network.infer(sent).log_p.gather(1, sent.label[:, None])
        return log_p

    found = gradient_times_input(table, say)
    return [rows[:, :size] for rows, size in zip(found, batch.words.source_valid.sum(1).tolist(), strict=True)]
