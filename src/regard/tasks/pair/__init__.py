"""Pairs: two texts have a label, or a number."""

from regard.tasks import spec
from regard.tasks.spec import Metric, PretrainedReader, TaskSpec

SPEC = TaskSpec(
    name="pair",
    about="a label or a number for two texts",
    task="regard.tasks.pair.task:PairTask",
    predictor="regard.tasks.pair.predictor:PairPredictor",
    section="regard.tasks.pair.section:PairSection",
    demo="regard.tasks.pair.demo",
    checks="regard.tasks.pair.checks:PairChecks",
    metrics={
        "accuracy": Metric("share of labels that are right"),
        "macro_f1": Metric("F1 of each label, in the mean over labels"),
        "pearson": Metric("correlation of the numbers with those that are right, -1 to 1"),
        "spearman": Metric("correlation of their ranks, -1 to 1"),
        "mse": Metric("squared error of the numbers, in the mean", lower=True),
        "loss": Metric("what training brings down, a pair: nats, or squared error in units of the variance", lower=True),
    },
    otherwise={("output", "number"): "pearson"},
    uses=(*spec.TEXT_ROWS, *spec.MIXED, *spec.VECTORS, *spec.READING, *spec.SMOOTHING),
    defaults={"data.source_tokenizer": "word", "data.target": 3, "train.label_smoothing": 0.0},
    reader=PretrainedReader(
        defaults={**spec.TUNING, "pair.unseen": 0.0},
        unread=("unseen",),
        settles=spec.PIECES,  # the keys of the net shape what reads the comparison
    ),
    in_use=("second",),
    called="nli entailment sts similarity paraphrase",
    spellings={"attention": "align", "word_dropout": "unseen"},
    row={"source": True, "second": True, "target": True},
)
