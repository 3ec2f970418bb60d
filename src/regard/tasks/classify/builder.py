"""A checked config to a classifier's network."""

from __future__ import annotations

from collections.abc import Sequence

from regard.build import networks
from regard.build.pooling import make_summing
from regard.config import Config
from regard.config.task_sections import ClassifySection
from regard.networks.bert import Bert, BertShape
from regard.networks.char_cnn import CharCNN
from regard.tasks.classify.network import ClassifyNetwork


def build_classifier(
    config: Config,
    *,
    words: int,
    letters: int,
    labels: int,
    weights: Sequence[float] | None = None,
    bert: BertShape | None = None,
) -> ClassifyNetwork:
    """The net of a config for vocabularies of these sizes."""
    section, model = section_of(config), config.model
    spelling = CharCNN(letters, width=section.letter_embedding, size=section.letters) if section.letters else None
    reader = networks.reader(model, words, beside=section.letters, bert=bert)
    return ClassifyNetwork(
        reader,
        make_summing(section, reader.size, pooled=isinstance(reader, Bert)),
        labels=labels,
        spelling=spelling,
        dropout=model.dropout,
        smoothing=config.train.label_smoothing,
        weights=weights,
        penalty=section.hop_penalty,
        unseen=section.unseen,
    )


def section_of(config: Config) -> ClassifySection:
    assert config.classify is not None  # the config gives it to its task
    return config.classify
