"""The sections of training and of writing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from regard.config.base import Beam, Count, NotNegative, Positive, Section, Seed, Share, Threads, Whole, auto_field


class TrainSection(Section):
    """How the net is trained."""

    seed: Seed = Field(default=1, description="of the weights, the order of the data and dropout")
    begin: str | None = Field(
        default=None,
        description="a run of the same task whose weights the net begins with (--from); the net and how texts are cut are then as there; "
        "symbols that it lacks are drawn anew",
    )
    batch_tokens: Count = auto_field(2000, description="real target tokens of a batch; left out: few where the data is small")
    epochs: Count = auto_field(30, description="at most so many passes over the data; left out: as the size of the data asks for")
    updates: Count | None = Field(default=None, description="at most so many updates; null: as many as the epochs have")
    minutes: Positive | None = Field(
        default=None,
        description="at most so many minutes, after which the best so far is kept; a linear schedule falls to 0 by then, and some "
        "validations are made by the clock; null: no limit",
    )
    learning_rate: Positive = auto_field(
        1e-3, description="AdamW's step, at its height; left out: with a schedule that suits the net"
    )
    beta1: Share = Field(default=0.9, description="AdamW's memory of the gradient")
    beta2: Share = Field(default=0.98, description="AdamW's memory of its square")
    weight_decay: NotNegative = Field(default=0.0, description="AdamW's decay")
    schedule: Literal["constant", "inverse-sqrt", "linear", "plateau"] = auto_field(
        "constant", description="how the learning rate changes"
    )
    warmup: Whole = auto_field(0, description="updates in which the learning rate rises from 0")
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.5, description="plateau: the learning rate times this")
    plateau_patience: Whole = Field(default=2, description="plateau: after so many validations without a gain")
    clip: NotNegative = Field(default=1.0, description="the norm to which gradients are clipped; 0: off")
    accumulate: Count = Field(default=1, description="batches whose gradients are summed for one update")
    label_smoothing: Share = Field(default=0.1, description="share of the probability that is spread over all tokens")
    scheduled_sampling: Share = Field(
        default=0.0, description="share of its own words that the net reads at the end of training; it grows from 0"
    )
    sampling_decay: Literal["linear", "exponential", "inverse-sigmoid"] = Field(
        default="linear", description="scheduled_sampling: how the share of the target's words falls"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto: bfloat16 where the CPU is fast at it and the net is large enough to gain"
    )
    validate_every: Count | None = auto_field(None, description="updates between validations; null: once an epoch")
    metric: str = auto_field(
        "exact",
        description="the figure that chooses the model kept; left out: the first of the task's, see below, or bleu of translations",
    )
    patience: Count | None = auto_field(None, description="validations without a gain before training stops; null: never")
    average: Count = auto_field(1, description="the model validated and saved is the mean of the last so many validation points")
    checkpoint_every: Count | None = Field(default=None, description="updates between checkpoints; null: at each validation")
    report_every: Count = Field(default=50, description="updates between reports")
    threads: Threads | None = Field(default=None, description="threads of the CPU; null: PyTorch's own choice")
    samples: Whole = Field(default=3, description="predictions shown at each validation")


class DecodeSection(Section):
    """How the net writes, in use and at validation."""

    beam: Beam = Field(default=5, description="hypotheses kept at each step; 1: greedy")
    n_best: Beam = Field(default=1, description="hypotheses returned")
    length_penalty: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.0, description="hypotheses are ranked by score / ((5 + length) / 6) ** this (Wu et al. 2016); 0: by score"
    )
    min_length: Whole = Field(default=0, description="tokens before the end may be written")
    max_ratio: Annotated[float, Field(ge=0, le=1e6)] = auto_field(
        2.0,
        description="at most max_ratio * source + max_extra tokens are written; left out, both: by the lengths of the training pairs",
    )
    max_extra: Whole = auto_field(20, description="see max_ratio")
    sample: bool = Field(default=False, description="draw instead of searching")
    temperature: Positive = Field(default=1.0, description="sampling: below 1 sharper, above 1 flatter")
    top_k: Whole = Field(default=0, description="sampling: only among the k likeliest tokens; 0: all")
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="sampling: only among the likeliest tokens that hold this probability"
    )
    batch_size: Count = Field(default=64, description="sources at a time; changes no prediction")
    seed: Seed = Field(default=1, description="of sampling, with the sentence and the step")
    valid_beam: Beam = Field(default=1, description="the beam at validation while training")
