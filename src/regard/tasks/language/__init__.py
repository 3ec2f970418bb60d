"""Language models: how a text goes on."""

from regard.tasks import spec
from regard.tasks.spec import Metric, TaskSpec

SPEC = TaskSpec(
    name="language",
    about="how a text goes on",
    task="regard.tasks.language.task:LanguageTask",
    predictor="regard.tasks.language.predictor:TextGenerator",
    section="regard.tasks.language.section:LanguageSection",
    demo="regard.tasks.language.demo",
    checks="regard.tasks.language.checks:LanguageChecks",
    metrics={
        "perplexity": Metric("exp(nats a token): among how many tokens the next one is as good as drawn", lower=True),
        "bits_per_character": Metric("bits a character of the text, its end counting as one", lower=True),
        "unknown": Metric("share of tokens that training never saw, each of which counts as one <unk>", lower=True),
        "loss": Metric("nats a token, ends of texts included", lower=True),
    },
    uses=(
        *(*spec.FILES, "data.source", *spec.TEXT, *spec.TOKENS, *spec.BAD_LINES),
        *(*spec.NET, *spec.DECODER, "model.tie"),
        *(*spec.TRAINING, *spec.SMOOTHING, *spec.SHOWN, *spec.IN_USE, *spec.WRITING),
    ),
    defaults={
        "data.target": "no target",  # so that the text may stand in any column
        "train.label_smoothing": 0.0,
        "decode.max_ratio": 0.0,
        "decode.max_extra": 50,
    },
    in_use=("documents",),
    reads_line=True,
    called="lm clm language-model language-modeling causal-lm",
    spellings={"bptt": "window", "batch_size": "streams", "stateful": "carry"},
)
