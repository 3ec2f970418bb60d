"""Judging a model on pairs: figures, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from regard.data.batches import Batches, collate
from regard.data.formats import read_pairs
from regard.data.items import Group, group
from regard.data.layout import Layout
from regard.tasks.edits import Answer, write_errors
from regard.tasks.judge import METRICS, judge
from regard.tasks.task import Prediction
from regard.tasks.transduce import cross_entropies

if TYPE_CHECKING:
    from regard.workshop.config import Config
    from regard.workshop.jobs.transducer import Transducer


def evaluate(
    model: Transducer, files: Sequence[str], *, beam: int | None = None, batch_size: int | None = None, errors: Path | None = None
) -> dict[str, Any]:
    """Figures on files of sources and targets: {"metrics": {...}, "signatures": {...}, "items": n, ...}.

    In files with columns, lines with the same source are one item with several references; of two line-aligned files each line
    is an item.  errors: where to write what went wrong (`tasks/edits.py` describes the tables).  DataError as in `read_pairs`.
    """
    layout = layout_of(model.config)
    items, report = read_pairs(files, layout, on_bad_line=model.config.data.on_bad_line)
    groups = [Group.of(item) for item in items] if layout.resolved(files).format == "lines" else group(items)
    predictions, found = judged(model, groups, metrics=METRICS, beam=beam, batch_size=batch_size)
    result: dict[str, Any] = {
        **found,
        "items": len(groups),
        "skipped": len(report.skipped),
        "files": list(files),
        "beam": beam or model.config.decode.beam,
        "models": len(model.networks),
    }
    if errors is not None:
        answers = [
            Answer(g.places[0].line, g.source, g.features, g.references, p.text, p.score)
            for g, p in zip(groups, predictions, strict=True)
        ]
        result["edits"] = dict(write_errors(errors, answers, model.target_tokens).most_common(20))
    return result


def judged(
    model: Transducer,
    groups: Sequence[Group],
    *,
    metrics: Sequence[str],
    beam: int | None = None,
    batch_size: int | None = None,
) -> tuple[list[Prediction], dict[str, Any]]:
    """The best prediction of each group, and its figures, with `loss`: nats a target token, the end included."""
    found = [p[0] for p in model.stream(groups, beam=beam, n_best=1, batch_size=batch_size, attention=False)]
    judgement = judge(
        [p.text for p in found],
        [g.references for g in groups],
        model.target_tokens,
        metrics=[m for m in METRICS if m in metrics],
    )
    return found, {"metrics": judgement.metrics | {"loss": loss(model, groups)}, "signatures": judgement.signatures}


@torch.no_grad()
def loss(model: Transducer, groups: Sequence[Group]) -> float:
    """The cross-entropy of all references, in nats a target token, the end included."""
    pairs = [(g, reference) for g in groups for reference in g.references]
    source = [model.source_ids(g) for g, _ in pairs]
    target = model.tokenizers[1].encode_all([reference for _, reference in pairs])
    lengths = np.maximum([len(s) for s in source], [len(t) for t in target])
    nats, tokens = 0.0, 0
    for rows in Batches.sequential(lengths, rows=64):
        found = cross_entropies(model.networks, collate([(source[i], target[i]) for i in rows], rows))
        nats, tokens = nats + float(found.double().sum()), tokens + len(found)
    return nats / tokens


def layout_of(config: Config) -> Layout:
    """How the files of a config are read."""
    data = config.data
    return Layout(data.format, data.source, data.target, data.features, data.unicode, data.lowercase)
