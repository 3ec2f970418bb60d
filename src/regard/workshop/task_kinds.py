"""What the config and the doors know of each task without importing it: a line about it, its figures, and which keys it does not use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WRITING = (  # keys that only a task uses whose net writes
    *("data.target_tokenizer", "data.joint", "data.max_target_length"),
    *("model.decoder", "model.decoder_layers", "model.attention", "model.past", "model.order", "model.input_feeding"),
    *("model.context", "model.hops", "model.context_use", "model.tie", "model.head"),
    *("train.scheduled_sampling", "train.sampling_decay"),
    *("decode.beam", "decode.n_best", "decode.length_penalty", "decode.min_length", "decode.max_ratio", "decode.max_extra"),
    *("decode.sample", "decode.temperature", "decode.top_k", "decode.top_p", "decode.seed", "decode.valid_beam"),
)


@dataclass(frozen=True)
class Kind:
    """A task.  job: `module:Class` of its `Job`.  metrics: what each figure means, the one that chooses the model kept first.
    lower: the figures of which less is better.  defaults: of keys that other tasks give another default.  unused: keys that would
    change nothing, refused where they are set."""

    job: str
    about: str
    metrics: Mapping[str, str]
    lower: tuple[str, ...] = ("loss",)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether its net writes, word by word."""
        return "model.decoder" not in self.unused

    @property
    def metric(self) -> str:
        return next(iter(self.metrics))


TASKS: Mapping[str, Kind] = {
    "transduce": Kind(
        "regard.workshop.jobs.transduce:TransduceJob",
        "writes a target for each source",
        {
            "exact": "share of items that are right",
            "per": "edits / target tokens",
            "wer": "edits / words between spaces",
            "cer": "edits / characters",
            "bleu": "BLEU, 0-100",
            "chrf": "chrF, 0-100",
            "ter": "TER, 0-100",
            "loss": "nats a target token, end included",
        },
        lower=("per", "wer", "cer", "ter", "loss"),
    ),
    "tag": Kind(
        "regard.workshop.jobs.tag:TagJob",
        "a tag for each token, and maybe a label for the sentence",
        {
            "slot_f1": "F1 of spans whose kind and both ends are right, as conlleval counts",
            "slot_precision": "share of the spans found that are right",
            "slot_recall": "share of the right spans that were found",
            "token_accuracy": "share of tags that are right",
            "sentence_accuracy": "share of sentences right in every tag, and in their label",
            "intent_accuracy": "share of labels that are right",
            "loss": "nats a token",
        },
        defaults={"data.source_tokenizer": "space", "train.label_smoothing": 0.0},
        unused=(
            *WRITING,
            *("data.source_tokenizer", "data.format", "data.source", "data.target", "data.features"),
            "train.label_smoothing",
        ),
    ),
}

LOWER = frozenset(name for kind in TASKS.values() for name in kind.lower)
MEANINGS: Mapping[str, str] = {name: meaning for kind in TASKS.values() for name, meaning in kind.metrics.items()}
