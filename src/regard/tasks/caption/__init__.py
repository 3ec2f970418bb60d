"""Captioning: a text is written of what an image shows."""

from regard.tasks import spec
from regard.tasks.spec import Metric, TaskSpec

SPEC = TaskSpec(
    name="caption",
    about="writes what an image shows",
    task="regard.tasks.caption.task:CaptionTask",
    predictor="regard.tasks.caption.predictor:Captioner",
    section="regard.tasks.caption.section:CaptionSection",
    demo="regard.tasks.caption.demo",
    checks="regard.tasks.caption.checks:CaptionChecks",
    metrics={
        "exact": Metric("share of items whose caption is one of the right ones"),
        "bleu": Metric("BLEU, 0-100"),
        "chrf": Metric("chrF, 0-100"),
        "loss": Metric("nats a word, end included", lower=True),
    },
    uses=(
        *(*spec.FILES, *spec.COLUMNS, *spec.TEXT, "data.on_long", *spec.BAD_LINES, "data.target_tokenizer"),
        *("data.max_target_length", *spec.NET, "model.encoder_layers", *spec.DECODER, *spec.CROSS, "model.tie"),
        *(*spec.TRAINING, *spec.BATCHES, *spec.SMOOTHING, *spec.SAMPLED, *spec.SHOWN),
        *(*spec.IN_USE, *spec.WRITING, *spec.VALID_BEAM),
    ),
    defaults={"data.target_tokenizer": "space", "model.encoder": "lstm", "decode.max_ratio": 0.0, "decode.max_extra": 60},
    in_use=("images",),
    called="captioning image-captioning image-to-text",
)
