"""Classification: a text has a label."""

from regard.tasks import spec
from regard.tasks.spec import Metric, PretrainedReader, TaskSpec

SPEC = TaskSpec(
    name="classify",
    about="a label for a text",
    task="regard.tasks.classify.task:ClassifyTask",
    predictor="regard.tasks.classify.predictor:Classifier",
    section="regard.tasks.classify.section:ClassifySection",
    demo="regard.tasks.classify.demo",
    checks="regard.tasks.classify.checks:ClassifyChecks",
    metrics={
        "accuracy": Metric("share of labels that are right"),
        "macro_f1": Metric("F1 of each label, in the mean over labels"),
        "loss": Metric("nats a text", lower=True),
    },
    uses=(*spec.TEXT_ROWS, *spec.MIXED, *spec.VECTORS, *spec.READING, *spec.SMOOTHING),
    defaults={"data.source_tokenizer": "word"},
    reader=PretrainedReader(
        defaults={**spec.TUNING, "classify.pooling": "cls", "classify.unseen": 0.0}, unread=("unseen", "letters", "min_count")
    ),
    reads_line=True,
    called="classification classifier text-classification sentiment intent",
    spellings={"attention": "look", **spec.OF_WORDS},
    row={"source": True, "target": True},
)
