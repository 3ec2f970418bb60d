"""A checked config to a network that reads a passage and a question, and points at the answer."""

from __future__ import annotations

from regard.attention.attention import Attention
from regard.attention.pooling import Pool
from regard.attention.score import KeyOnly
from regard.build import networks
from regard.build.attention import make_attention, make_from_section
from regard.config import AttentionSection, Config
from regard.core.errors import ConfigError, message
from regard.networks.bert import Bert, TextPairs
from regard.networks.char_cnn import CharCNN
from regard.pretrained.text_vocabulary import SubwordVocabulary
from regard.tasks.read.batch import MARKS
from regard.tasks.read.layers import AskedReader, JointReader, QuestionAlignment, SpanPointer, WordPointer
from regard.tasks.read.network import ReadNetwork, ReadSpanNetwork, ReadWordNetwork
from regard.tasks.read.section import ReadSection


def read(config: Config, *, words: int, letters: int, pieced: SubwordVocabulary | None = None) -> ReadNetwork:
    """The net of a config for vocabularies of these sizes.  pieced: that of the pre-trained reader that a run begins with."""
    section = ReadSection.of(config)
    begun = config.model.pretrained is not None
    reader = _joint_reader(config, pieced) if begun else _reader(config, section, words, letters)
    size = reader.size
    if section.head != "span":
        look = make_attention(score=section.point or "dot", query_size=size, memory_size=size)
        return ReadWordNetwork(reader, WordPointer(over=section.head == "over", score=look.score), unseen=section.unseen)
    start, end = (make_attention(score=section.point or "general", query_size=size, memory_size=size) for _ in range(2))
    pointer = SpanPointer(Pool(Attention(0, size, score=KeyOnly(size))), start, end)
    return ReadSpanNetwork(reader, pointer, unseen=section.unseen)


def _joint_reader(config: Config, pieced: SubwordVocabulary | None) -> JointReader:
    """A BERT; without the vocabulary of a run a small one, to see whether the rest can be built."""
    bert = networks.reader(config.model, 8, bert=None if pieced is None else pieced.bert)
    assert isinstance(bert, Bert)
    (start,), (end,) = ((0,), (0,)) if pieced is None else pieced.around(True)
    return JointReader(TextPairs(bert, start=start, end=end), dropout=config.model.dropout)


def _reader(config: Config, section: ReadSection, words: int, letters: int) -> AskedReader:
    """Two readers with one embedding.  What stands beside a word widens a recurrent net's input; in a Transformer it takes its room
    from the word's vector, of passage and question alike."""
    model, marks = config.model, MARKS * section.marks + section.letters
    look = section.look if section.head == "span" else None
    if model.family == "recurrent":
        width = model.embedding
        beside, question = marks + width * (look is not None), marks
    else:
        width = (model.size - marks) // (2 if look is not None else 1)
        beside = question = model.size - width
    if width < 1:
        do = "Raise model.size."
        expected = f"room for words and what stands beside them ({marks} numbers)"
        raise ConfigError(message("model.size", expected, str(model.size), do))
    aligned = None
    if look is not None:
        _refuse(look)
        made = make_from_section(look, query_size=width, memory_size=width, heads=look.heads or 1, project=look.project)
        aligned = QuestionAlignment(made, width)
    return AskedReader(
        networks.reader(model, words, beside=beside),
        networks.reader(model, words, beside=question),
        passage_beside=beside,
        question_beside=question,
        aligned=aligned,
        spelling=CharCNN(letters, width=section.letter_embedding, size=section.letters) if section.letters else None,
        dropout=model.dropout if look is not None else 0.0,
    )


def _refuse(look: AttentionSection) -> None:
    """All words of a passage look at once, and nothing trains what was drawn."""
    made = make_attention(score=look.score, weighting=look.weighting, query_size=2, memory_size=2)
    if made.sequential or made.weighting.draws or made.weighting.mixes or look.parts > 1:
        received = f"{look.score}, {look.weighting}, memory {look.memory}"
        do = "Write a score that needs no earlier looks, softmax, sparsemax or entmax15, and memory: plain."
        raise ConfigError(message("read.look", "a look at the whole question at once", received, do))
