"""Tagging: each token of a sentence has a tag, and the sentence may have a label."""

from regard.tasks import spec
from regard.tasks.spec import Metric, PretrainedReader, TaskSpec

SPEC = TaskSpec(
    name="tag",
    about="a tag for each token, and maybe a label for the sentence",
    task="regard.tasks.tag.task:TagTask",
    predictor="regard.tasks.tag.predictor:Tagger",
    section="regard.tasks.tag.section:TagSection",
    demo="regard.tasks.tag.demo",
    checks="regard.tasks.tag.checks:TagChecks",
    metrics={
        "slot_f1": Metric("F1 of spans whose kind and both ends are right, as conlleval counts"),
        "slot_precision": Metric("share of the spans found that are right"),
        "slot_recall": Metric("share of the right spans that were found"),
        "token_accuracy": Metric("share of tags that are right"),
        "sentence_accuracy": Metric("share of sentences right in every tag, and in their label"),
        "intent_accuracy": Metric("share of labels that are right"),
        "loss": Metric("nats a token", lower=True),
    },
    uses=(
        *spec.FILES,
        *spec.MIXED,
        "data.format",
        *spec.COLUMNS,
        *spec.TEXT,
        *spec.LENGTH,
        *spec.BAD_LINES,
        *spec.VECTORS,
        *spec.READING,
    ),
    defaults={"data.source_tokenizer": "space", "data.source": "auto", "data.target": "auto", "train.label_smoothing": 0.0},
    reader=PretrainedReader(defaults={**spec.TUNING, "tag.letters": 0, "tag.unseen": 0.0}, unread=("unseen", "min_count")),
    formats=("columns", "conllu", "conll"),
    reads_line=True,
    called="ner pos tagging chunking token-classification sequence-labeling slot-filling",
    spellings=spec.OF_WORDS,
    other_names={"head": "use_crf*"},
    row={"tokens": True, "tags": True, "label": False},
)
