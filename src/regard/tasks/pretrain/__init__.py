"""Pre-training: masked words of plain text are predicted, and whether one text follows another (BERT)."""

from regard.tasks import spec
from regard.tasks.spec import Metric, PretrainedReader, TaskSpec

SPEC = TaskSpec(
    name="pretrain",
    about="words that were masked in plain text, and whether one text follows another: BERT",
    task="regard.tasks.pretrain.task:PretrainTask",
    predictor="regard.tasks.pretrain.predictor:MaskedLMPredictor",
    section="regard.tasks.pretrain.section:PretrainSection",
    demo="regard.tasks.pretrain.demo",
    checks="regard.tasks.pretrain.checks:PretrainChecks",
    metrics={
        "loss": Metric("nats a word that is told, and those of the pair", lower=True),
        "masked_accuracy": Metric("share of the words that were told right"),
        "next_accuracy": Metric("share of pairs told right: the second text follows, or comes from elsewhere"),
        "perplexity": Metric("exp(nats a word that is told)", lower=True),
    },
    uses=(
        *(*spec.FILES, "data.lowercase"),
        *("model.encoder_layers", "model.size", "model.heads", "model.feedforward", "model.dropout"),
        *(*spec.TRAINING, *spec.BATCHES, *spec.SHOWN, *spec.IN_USE),
    ),
    defaults={
        "data.lowercase": True,
        "data.valid_share": 0.02,
        "model.family": "transformer",
        "model.encoder_layers": 4,
        "model.dropout": 0.1,
        "train.batch_tokens": 4000,
        "train.schedule": "inverse-sqrt",
        "train.warmup": 500,
        "train.label_smoothing": 0.0,
    },
    reader=PretrainedReader(defaults={}),  # a run may go on with another's reader
    reads_for="classify",
    called="mlm bert pretraining masked-lm",
    spellings={"mlm_probability": "share", "next_sentence_prediction": "next", "max_seq_length": "length"},
    other_names={"whole_words": "whole_word_mask do_whole_word_mask mask_whole_words"},
)
