"""Transduction: a target text is written for each source text."""

from regard.tasks import spec
from regard.tasks.spec import Metric, TaskSpec

SPEC = TaskSpec(
    name="transduce",
    about="writes a target for each source",
    task="regard.tasks.transduce.task:TransduceTask",
    predictor="regard.tasks.transduce.predictor:Transducer",
    demo="regard.tasks.transduce.demo",
    checks="regard.tasks.transduce.checks:TransduceChecks",
    metrics={
        "exact": Metric("share of items that are right"),
        "per": Metric("edits / target tokens", lower=True),
        "wer": Metric("edits / words between spaces; of single words and pronunciations the share that is wrong", lower=True),
        "cer": Metric("edits / characters", lower=True),
        "bleu": Metric("BLEU, 0-100"),
        "chrf": Metric("chrF, 0-100"),
        "ter": Metric("TER, 0-100", lower=True),
        "loss": Metric("nats a target token, end included", lower=True),
    },
    uses=(
        *(
            *spec.TEXT_ROWS,
            *spec.MIXED,
            *spec.STORED,
            *spec.FEATURES,
            *spec.TARGET_TEXT,
            *spec.READING,
            *spec.DECODER,
            *spec.CROSS,
            *spec.OUTPUT,
        ),
        *(*spec.SMOOTHING, *spec.SAMPLED, *spec.GUIDED, *spec.WRITING, *spec.VALID_BEAM),
    ),
    reads_line=True,
    called="seq2seq translate translation mt nmt g2p inflection transduction text2text",
    row={"source": True, "target": True, "features": False},
)
