"""The sections of training and of writing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from regard.config.base import (
    Beam,
    Count,
    Device,
    NotNegative,
    Part,
    Positive,
    Section,
    Seed,
    Share,
    Threads,
    Whole,
    as_tuple,
    auto_field,
    field,
)


class TrainSection(Section):
    """How the net is trained."""

    seed: Seed = field(1, "of the weights, the order of the data and dropout")
    begin: str | None = field(
        None,
        "a run of the same task whose weights the net begins with (--from); the net and how texts are cut are then as there; "
        "symbols that it lacks are drawn anew",
    )
    batch_tokens: Count = auto_field(2000, "real target tokens of a batch; left out: few where the data is small")
    epochs: Count = auto_field(30, "at most so many passes over the data; left out: as the size of the data asks for")
    updates: Count | None = field(None, "at most so many updates; null: as many as the epochs have")
    minutes: Positive | None = field(
        None,
        "at most so many minutes, after which the best so far is kept; a linear schedule falls to 0 by then, and some "
        "validations are made by the clock; null: no limit",
    )
    learning_rate: Positive = auto_field(1e-3, "AdamW's step, at its height; left out: with a schedule that suits the net")
    beta1: Share = field(0.9, "AdamW's memory of the gradient")
    beta2: Share = field(0.98, "AdamW's memory of its square")
    weight_decay: NotNegative = field(0.0, "AdamW's decay")
    schedule: Literal["constant", "inverse-sqrt", "linear", "plateau"] = auto_field("constant", "how the learning rate changes")
    warmup: Whole = auto_field(0, "updates in which the learning rate rises from 0")
    plateau_factor: Part = field(0.5, "plateau: the learning rate times this")
    plateau_patience: Whole = field(2, "plateau: after so many validations without a gain")
    clip: NotNegative = field(1.0, "the norm to which gradients are clipped; 0: off")
    accumulate: Count = field(1, "batches whose gradients are summed for one update")
    label_smoothing: Share = field(0.1, "share of the probability that is spread over all tokens")
    scheduled_sampling: Share = field(0.0, "share of its own words that the net reads at the end of training; it grows from 0")
    sampling_decay: Literal["linear", "exponential", "inverse-sigmoid"] = field(
        "linear", "scheduled_sampling: how the share of the target's words falls"
    )
    guided_alignment: str | None = field(
        None,
        "a file with the word alignment of each line of the training data (Pharaoh: i-j, from 0), which the last look at the source "
        "is trained to have; see docs/align.md",
    )
    guided_weight: Positive = field(0.3, "guided_alignment: its loss, in nats a target token that has a link, times this")
    guided_shift: Annotated[int, Field(ge=0, le=1)] = field(
        0, "guided_alignment: 0: a word looks as it is written; 1: a step later, when it is known (regard align --shift 1)"
    )
    precision: Literal["auto", "float32", "bfloat16"] = field(
        "auto", "auto: bfloat16 where the CPU is fast at it and the net is large enough to gain"
    )
    validate_every: Count | None = auto_field(None, "updates between validations; null: once an epoch")
    metric: str = auto_field(
        "exact", "the figure that chooses the model kept; left out: the first of the task's, see below, or bleu of translations"
    )
    patience: Count | None = auto_field(None, "validations without a gain before training stops; null: never")
    average: Count = auto_field(1, "the model validated and saved is the mean of the last so many validation points")
    checkpoint_every: Count | None = field(None, "updates between checkpoints; null: at each validation")
    report_every: Count = field(50, "updates between reports")
    log: Annotated[tuple[Literal["tensorboard"], ...], BeforeValidator(as_tuple)] = field(
        (),
        "where the rows of metrics.jsonl go, too: tensorboard (the extra `tensorboard`) writes event files into RUN/tensorboard",
    )
    device: Device = field(
        "cpu", "where the net is trained: cpu, cuda, cuda:N, mps, or auto, a GPU where there is one that works"
    )
    threads: Threads | None = field(None, "threads of the CPU; null: PyTorch's own choice")
    samples: Whole = field(3, "predictions shown at each validation")


class DecodeSection(Section):
    """How the net writes, in use and at validation."""

    beam: Beam = field(5, "hypotheses kept at each step; 1: greedy")
    n_best: Beam = field(1, "hypotheses returned")
    length_penalty: Annotated[float, Field(ge=0, le=10)] = field(
        0.0, "hypotheses are ranked by score / ((5 + length) / 6) ** this (Wu et al. 2016); 0: by score"
    )
    min_length: Whole = field(0, "tokens before the end may be written")
    max_ratio: Annotated[float, Field(ge=0, le=1e6)] = auto_field(
        2.0, "at most max_ratio * source + max_extra tokens are written; left out, both: by the lengths of the training pairs"
    )
    max_extra: Whole = auto_field(20, "see max_ratio")
    sample: bool = field(False, "draw instead of searching")
    temperature: Positive = field(1.0, "sampling: below 1 sharper, above 1 flatter")
    top_k: Whole = field(0, "sampling: only among the k likeliest tokens; 0: all")
    top_p: Annotated[float, Field(gt=0, le=1)] = field(
        1.0, "sampling: only among the likeliest tokens that hold this probability"
    )
    batch_size: Count = field(64, "sources at a time; changes no prediction")
    seed: Seed = field(1, "of sampling, with the sentence and the step")
    valid_beam: Beam = field(1, "the beam at validation while training")
