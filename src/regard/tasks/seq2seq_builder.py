"""A checked config to a sequence-to-sequence network, with the words of its own that it reads in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regard.build.networks import recurrent, transformer
from regard.config import Config
from regard.tasks.scheduled_sampling import Decay, ScheduledSampling, StepByStep, TwoPasses, exponential, inverse_sigmoid, linear
from regard.tasks.seq2seq import Seq2SeqNetwork

DECAYS: Mapping[str, Decay] = {"linear": linear, "exponential": exponential, "inverse-sigmoid": inverse_sigmoid}


def build_seq2seq(config: Config, *, source_words: int, target_words: int, twins: Sequence[int] | None = None) -> Seq2SeqNetwork:
    """The network of a config, for vocabularies of these sizes, its weights drawn from torch's generator.

    twins: for each word of the source that of the target with the same string, or -1; None: both are one vocabulary.
    """
    build = recurrent if config.model.family == "recurrent" else transformer
    network = build(config.model, source_words, target_words, twins)
    of = config.train
    return Seq2SeqNetwork(network, label_smoothing=of.label_smoothing, sampling=make_sampling(config), guided=of.guided_weight)


def make_sampling(config: Config) -> ScheduledSampling | None:
    """Step by step in a recurrent net, at once in what reads all words at once; None where the share of own words is 0."""
    of = config.train
    kind: type[ScheduledSampling] = StepByStep if config.model.family == "recurrent" else TwoPasses
    return kind(of.scheduled_sampling, DECAYS[of.sampling_decay]) if of.scheduled_sampling else None
