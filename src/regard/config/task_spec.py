"""What the config and the doors know of each task without importing it: a line about it, its figures, and which keys it does not use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WRITING = (  # keys that only a task uses whose net writes
    *("data.target_tokenizer", "data.joint", "data.max_target_length"),
    *("model.decoder", "model.decoder_layers", "model.attention", "model.past", "model.order", "model.input_feeding"),
    *("model.context", "model.hops", "model.context_use", "model.tie", "model.head"),
    *("train.scheduled_sampling", "train.sampling_decay"),
    *("decode.beam", "decode.n_best", "decode.length_penalty", "decode.min_length", "decode.max_ratio", "decode.max_extra"),
    *("decode.sample", "decode.temperature", "decode.top_k", "decode.top_p", "decode.seed", "decode.valid_beam"),
)

VECTORS = ("data.vectors", "data.tune_vectors")


@dataclass(frozen=True)
class TaskSpec:
    """A task.  job: `module:Class` of its `Task`.  metrics: what each figure means, the one that chooses the model kept first.
    otherwise: the figure that chooses instead, where a key of the task's section has a value.
    lower: the figures of which less is better.  defaults: of keys that other tasks give another default.  unused: keys that would
    change nothing, refused where they are set."""

    job: str
    about: str
    metrics: Mapping[str, str]
    lower: tuple[str, ...] = ("loss",)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    otherwise: Mapping[tuple[str, str], str] = field(default_factory=dict)
    vectors: bool = False  # whether word vectors from a file can be what its reader begins with
    begins: bool = False  # whether its reader can be a pre-trained one (`model.pretrained`)

    def __post_init__(self) -> None:
        if "data.format" in self.unused:
            object.__setattr__(self, "unused", (*self.unused, "data.header", "data.comment", "data.separator"))
        if "data.features" in self.unused:
            object.__setattr__(self, "unused", (*self.unused, "data.features_separator"))
        if not self.vectors:
            object.__setattr__(self, "unused", (*self.unused, *VECTORS))
        if not self.begins:
            object.__setattr__(self, "unused", (*self.unused, "model.pretrained"))

    @property
    def writes(self) -> bool:
        """Whether its net writes, word by word."""
        return "data.target_tokenizer" not in self.unused

    @property
    def metric(self) -> str:
        return next(iter(self.metrics))

    def chooses(self, section: Any) -> str:
        """The figure that chooses the model, for a section of the task as plain values."""
        given = section if isinstance(section, Mapping) else {}
        return next((metric for (key, value), metric in self.otherwise.items() if given.get(key) == value), self.metric)


_ERRORS: Mapping[str, str] = {  # of forecasts, and of forecasts that need no net
    f"{way}{figure}": f"mean {kind} error of scaled values{of}"
    for way, of in {
        "": "",
        "net_": " of the net alone, before it is blended",
        "naive_": ": the last value, again and again",
        "seasonal_": ": the last season, again and again",
        "profile_": ": the mean of the seasons in sight",
        "linear_": ": one linear map of the past, by least squares",
    }.items()
    for figure, kind in {"mse": "squared", "mae": "absolute"}.items()
}

TASKS: Mapping[str, TaskSpec] = {
    "transduce": TaskSpec(
        "regard.tasks.transduce.task:TransduceTask",
        "writes a target for each source",
        {
            "exact": "share of items that are right",
            "per": "edits / target tokens",
            "wer": "edits / words between spaces; of single words and pronunciations the share that is wrong",
            "cer": "edits / characters",
            "bleu": "BLEU, 0-100",
            "chrf": "chrF, 0-100",
            "ter": "TER, 0-100",
            "loss": "nats a target token, end included",
        },
        lower=("per", "wer", "cer", "ter", "loss"),
    ),
    "read": TaskSpec(
        "regard.tasks.read.task:ReadTask",
        "a part of a passage that answers a question, or fills its blank",
        {
            "exact_match": "share of answers that are right, as SQuAD counts; Chinese as CMRC does",
            "f1": "F1 of what an answer and the right one have in common, in the mean; words, Chinese by character",
            "accuracy": "share of answers that are right to the letter",
            "loss": "nats a question",
        },
        defaults={"data.source_tokenizer": "word", "train.label_smoothing": 0.0},
        unused=(*WRITING, *("data.format", "data.source", "data.target", "data.features"), "train.label_smoothing"),
        otherwise={("head", "over"): "accuracy", ("head", "sum"): "accuracy"},
        begins=True,
    ),
    "tag": TaskSpec(
        "regard.tasks.tag.task:TagTask",
        "a tag for each token, and maybe a label for the sentence",
        {
            "slot_f1": "F1 of spans whose kind and both ends are right, as conlleval counts",
            "slot_precision": "share of the spans found that are right",
            "slot_recall": "share of the right spans that were found",
            "token_accuracy": "share of tags that are right",
            "sentence_accuracy": "share of sentences right in every tag, and in their label",
            "intent_accuracy": "share of labels that are right",
            "loss": "nats a token",
        },
        defaults={
            "data.source_tokenizer": "space",
            "data.source": "auto",
            "data.target": "auto",
            "train.label_smoothing": 0.0,
        },
        unused=(
            *(*WRITING, "data.source_tokenizer", "data.features", "train.label_smoothing"),
            *("data.header", "data.comment", "data.separator"),
        ),
        vectors=True,
        begins=True,
    ),
    "classify": TaskSpec(
        "regard.tasks.classify.task:ClassifyTask",
        "a label for a text",
        {
            "accuracy": "share of labels that are right",
            "macro_f1": "F1 of each label, in the mean over labels",
            "loss": "nats a text",
        },
        defaults={"data.source_tokenizer": "word"},
        unused=(*WRITING, "data.features"),
        vectors=True,
        begins=True,
    ),
    "pair": TaskSpec(
        "regard.tasks.pair.task:PairTask",
        "a label or a number for two texts",
        {
            "accuracy": "share of labels that are right",
            "macro_f1": "F1 of each label, in the mean over labels",
            "pearson": "correlation of the numbers with those that are right, -1 to 1",
            "spearman": "correlation of their ranks, -1 to 1",
            "mse": "squared error of the numbers, in the mean",
            "loss": "what training brings down, a pair: nats, or squared error in units of the variance",
        },
        lower=("mse", "loss"),
        defaults={"data.source_tokenizer": "word", "data.target": 3, "train.label_smoothing": 0.0},
        unused=(*WRITING, "data.features"),
        otherwise={("output", "number"): "pearson"},
        vectors=True,
        begins=True,
    ),
    "pretrain": TaskSpec(
        "regard.tasks.pretrain.task:PretrainTask",
        "words that were masked in plain text, and whether one text follows another: BERT",
        {
            "loss": "nats a word that is told, and those of the pair",
            "masked_accuracy": "share of the words that were told right",
            "next_accuracy": "share of pairs told right: the second text follows, or comes from elsewhere",
            "perplexity": "exp(nats a word that is told)",
        },
        lower=("loss", "perplexity"),
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
        unused=(
            *WRITING,
            *("data.source_tokenizer", "data.format", "data.source", "data.target", "data.features", "data.unicode"),
            *("data.max_source_length", "data.on_long", "data.on_bad_line", "model.family", "model.encoder", "model.embedding"),
            *("model.norm", "model.positions", "model.max_positions", "model.self_attention", "model.activation"),
            *("model.embedding_dropout", "train.label_smoothing"),
        ),
        begins=True,
    ),
    "language": TaskSpec(
        "regard.tasks.language.task:LanguageTask",
        "how a text goes on",
        {
            "perplexity": "exp(nats a token): among how many tokens the next one is as good as drawn",
            "bits_per_character": "bits a character of the text, its end counting as one",
            "unknown": "share of tokens that training never saw, each of which counts as one <unk>",
            "loss": "nats a token, ends of texts included",
        },
        lower=("perplexity", "bits_per_character", "unknown", "loss"),
        defaults={
            "data.target": "no target",  # so that the text may stand in any column
            "train.label_smoothing": 0.0,
            "decode.max_ratio": 0.0,
            "decode.max_extra": 50,
        },
        unused=(
            *("data.target_tokenizer", "data.joint", "data.max_source_length", "data.max_target_length", "data.on_long"),
            *("data.format", "data.target", "data.features", "model.encoder", "model.encoder_layers", "model.attention"),
            *("model.order", "model.input_feeding", "model.context", "model.hops", "model.context_use", "model.head"),
            *("train.batch_tokens", "train.scheduled_sampling", "train.sampling_decay", "decode.valid_beam"),
        ),
    ),
    "forecast": TaskSpec(
        "regard.tasks.forecast.task:ForecastTask",
        "how a series of numbers goes on",
        _ERRORS,
        lower=tuple(_ERRORS),
        defaults={"train.label_smoothing": 0.0, "train.samples": 0},
        unused=(
            *(key for key in WRITING if not key.startswith("model.")),
            *("data.source_tokenizer", "data.format", "data.source", "data.target", "data.features", "data.unicode"),
            *("data.lowercase", "data.on_bad_line", "data.on_long", "model.tie", "model.head"),
            *("train.label_smoothing", "train.samples"),
        ),
    ),
    "caption": TaskSpec(
        "regard.tasks.caption.task:CaptionTask",
        "writes what an image shows",
        {
            "exact": "share of items whose caption is one of the right ones",
            "bleu": "BLEU, 0-100",
            "chrf": "chrF, 0-100",
            "loss": "nats a word, end included",
        },
        defaults={
            "data.target_tokenizer": "space",
            "model.encoder": "lstm",
            "decode.max_ratio": 0.0,
            "decode.max_extra": 60,
        },
        unused=(
            *("data.source_tokenizer", "data.joint", "data.format", "data.features", "data.max_source_length"),
            *("model.encoder", "model.head"),
        ),
    ),
}

LOWER = frozenset(name for kind in TASKS.values() for name in kind.lower)
MEANINGS: Mapping[str, str] = {name: meaning for kind in TASKS.values() for name, meaning in kind.metrics.items()}
