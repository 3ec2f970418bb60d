"""What a task says of itself without being imported: its name, its figures, the keys of a config that it uses, and where its parts are.

Neither torch nor pydantic is needed to read a specification, so that help and `info` stay quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regard.core.errors import ConfigError, did_you_mean, message

# Groups of keys.  A task names those that it uses, and single keys of others; every key of the config is in one of them.
FILES = ("data.train", "data.valid", "data.valid_share")
MIXED = ("data.weights", "data.temperature")
STORED = ("data.workers", "data.store")
TABLE = ("data.format", "data.header", "data.comment", "data.separator")
COLUMNS = ("data.source", "data.target")
FEATURES = ("data.features", "data.features_separator")
TEXT = ("data.unicode", "data.lowercase")
TOKENS = ("data.source_tokenizer",)
LENGTH = ("data.max_source_length", "data.on_long")
BAD_LINES = ("data.on_bad_line",)
VECTORS = ("data.vectors", "data.tune_vectors")
TARGET_TEXT = ("data.target_tokenizer", "data.joint", "data.max_target_length")
NET = (
    *("model.family", "model.embedding", "model.size", "model.heads", "model.feedforward", "model.norm", "model.positions"),
    *("model.max_positions", "model.self_attention", "model.activation", "model.dropout", "model.embedding_dropout"),
)
ENCODER = ("model.encoder", "model.encoder_layers")
DECODER = ("model.decoder", "model.decoder_layers", "model.past")
CROSS = ("model.attention", "model.order", "model.input_feeding", "model.context", "model.hops", "model.context_use")
PRETRAINED = ("model.pretrained",)
OUTPUT = ("model.tie", "model.head")
TRAINING = (
    *("train.seed", "train.begin", "train.epochs", "train.updates", "train.minutes", "train.learning_rate", "train.beta1"),
    *("train.beta2", "train.weight_decay", "train.schedule", "train.warmup", "train.plateau_factor", "train.plateau_patience"),
    *("train.clip", "train.accumulate", "train.precision", "train.validate_every", "train.metric", "train.patience"),
    *("train.average", "train.checkpoint_every", "train.report_every", "train.log", "train.device", "train.threads"),
)
BATCHES = ("train.batch_tokens",)
SMOOTHING = ("train.label_smoothing",)
SAMPLED = ("train.scheduled_sampling", "train.sampling_decay")
GUIDED = ("train.guided_alignment", "train.guided_weight", "train.guided_shift")
SHOWN = ("train.samples",)
IN_USE = ("decode.batch_size",)
WRITING = (
    *("decode.beam", "decode.n_best", "decode.length_penalty", "decode.min_length", "decode.max_ratio", "decode.max_extra"),
    *("decode.sample", "decode.temperature", "decode.top_k", "decode.top_p", "decode.seed"),
)
VALID_BEAM = ("decode.valid_beam",)
TEXT_ROWS = (*FILES, *TABLE, *COLUMNS, *TEXT, *TOKENS, *LENGTH, *BAD_LINES)  # of tasks whose files are tables of texts
READING = (*NET, *ENCODER, *TRAINING, *BATCHES, *SHOWN, *IN_USE)  # of tasks whose net reads and writes nothing

KEYS = (
    *(*FILES, *MIXED, *STORED, *TABLE, *COLUMNS, *FEATURES, *TEXT, *TOKENS, *LENGTH, *BAD_LINES, *VECTORS, *TARGET_TEXT),
    *(*NET, *ENCODER, *DECODER, *CROSS, *PRETRAINED, *OUTPUT),
    *(*TRAINING, *BATCHES, *SMOOTHING, *SAMPLED, *GUIDED, *SHOWN, *IN_USE, *WRITING, *VALID_BEAM),
)
TUNING: Mapping[str, Any] = {"train.learning_rate": 1e-4, "model.dropout": 0.1, "train.label_smoothing": 0.0}
READER = (  # keys that a pre-trained reader settles
    *("model.family", "model.encoder", "model.encoder_layers", "model.embedding", "model.size", "model.heads"),
    *("model.feedforward", "model.norm", "model.positions", "model.max_positions", "model.self_attention"),
    *("model.activation", "model.embedding_dropout"),
)
PIECES = ("data.source_tokenizer", "data.unicode", "data.lowercase")  # how it cuts texts, likewise
OF_WORDS = {"char_hidden": "letters", "char_embedding": "letter_embedding", "word_dropout": "unseen"}  # standard names of keys


@dataclass(frozen=True)
class Metric:
    """A figure.  meaning: in a few words; lower: less of it is better."""

    meaning: str
    lower: bool = False


@dataclass(frozen=True)
class PretrainedReader:
    """What is otherwise where a run begins with a pre-trained reader (`model.pretrained`).  defaults: of keys, its section's too;
    unread: keys of its section that the reader has no use for; settles: shared keys that the reader settles."""

    defaults: Mapping[str, Any] = field(default_factory=lambda: TUNING)
    unread: tuple[str, ...] = ()
    settles: tuple[str, ...] = (*READER, *PIECES)


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    name: its word in a config, and the key of its section.  about: what is learnt, for people.
    task: `module:Class` of its `Task`.  predictor: `module:Class` of its models in use, which need no PyTorch; None: its runs cannot be
    exported.  section: `module:Class` of its keys, a `TaskSection`.  demo: the module of its demo.
    checks: `module:Class` of what it brings to `regard check`; None: its files have columns of text.
    metrics: its figures, the one that chooses the model kept first.  otherwise: the figure that chooses instead, where a key of the
    section has a value.  uses: the keys that it uses; others would change nothing, and are refused where they are set.
    defaults: of keys that other tasks give another default.  reader: how it begins with a pre-trained reader, where it can.
    reads_for: where its runs can be such readers, a task that may begin with one, to be named.  formats: of files that this task alone
    reads.  in_use: keys of its section that no weight depends on.  reads_line: an item is one line of text.  set_aside: how validation
    data is, where none is named.  called: what others call it.  spellings: standard names of keys of its section, each of which is taken
    for its key; other_names: what else others call such keys, to be hinted at, as `config/other_names.py` has them.  row: the parts of
    an item that a caller in Python has in memory as a tuple, each with whether it must be there; none: its data lies in files.
    """

    name: str
    about: str
    task: str
    metrics: Mapping[str, Metric]
    uses: tuple[str, ...]
    section: str | None = None
    predictor: str | None = None
    demo: str | None = None
    checks: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reader: PretrainedReader | None = None
    reads_for: str = ""
    formats: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    reads_line: bool = False
    set_aside: str = "by source"
    called: str = ""
    spellings: Mapping[str, str] = field(default_factory=dict)
    other_names: Mapping[str, str] = field(default_factory=dict)
    row: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ConfigError for a key that no config has."""
        unknown = next((key for key in self.uses if key not in KEYS), None)
        if unknown is not None:
            do = f"Name keys that are there.{did_you_mean(unknown, KEYS)}"
            raise ConfigError(message(f"the keys that task {self.name} uses", "keys of docs/config.md", f"'{unknown}'", do))
        if self.reader is not None:
            object.__setattr__(self, "uses", (*self.uses, *PRETRAINED))

    @property
    def unused(self) -> tuple[str, ...]:
        """The keys that would change nothing."""
        return tuple(key for key in KEYS if key not in self.uses)

    @property
    def metric(self) -> str:
        """The figure that chooses the model."""
        return next(iter(self.metrics))

    @property
    def lower(self) -> frozenset[str]:
        """The figures of which less is better."""
        return frozenset(name for name, metric in self.metrics.items() if metric.lower)

    def chooses(self, section: Any) -> str:
        """The figure that chooses the model, for a section of the task as plain values."""
        given = section if isinstance(section, Mapping) else {}
        return next((metric for (key, value), metric in self.otherwise.items() if given.get(key) == value), self.metric)
