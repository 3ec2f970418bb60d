"""The schema of a config: every key, its default, what it may be and its line in the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, create_model, model_serializer, model_validator

from regard.config import mechanisms
from regard.config.attention import AttentionSection as AttentionSection
from regard.config.attention import Look
from regard.config.base import AUTO, Count, Layers, Name, Section, Share, Words, auto_field, field
from regard.config.data import DataSection as DataSection
from regard.config.length_limits import Room, room
from regard.config.other_names import suggest
from regard.config.train import DecodeSection, TrainSection
from regard.config.yaml_text import dump
from regard.tasks import registry
from regard.tasks.spec import TaskSpec


def _decoder(value: Any) -> Any:
    return str(mechanisms.cell(value)) if isinstance(value, str) else value


def _encoder(value: Any) -> Any:
    return str(mechanisms.reader(value)) if isinstance(value, str) else value


DecoderCell = Annotated[str, BeforeValidator(_decoder), Words((*mechanisms.CELLS, mechanisms.A_CLASS))]
EncoderCell = Annotated[str, BeforeValidator(_encoder), Words((*mechanisms.READERS, mechanisms.A_CLASS))]


class ModelSection(Section):
    """The net."""

    family: Literal["recurrent", "transformer", "aaren"] = field(
        "recurrent",
        "the net; aaren: a Transformer whose self-attention is a recurrent net: from left to right, with a constant state",
    )
    encoder: EncoderCell = field("bilstm", "recurrent: the reader; bi: in both directions (before a class `bi-`)")
    decoder: DecoderCell = field("lstm", "recurrent: the writer")
    encoder_layers: Layers = field(1, "layers of the encoder")
    decoder_layers: Layers = field(1, "layers of the decoder")
    embedding: Count = auto_field(128, "recurrent: width of the embeddings (a Transformer's have width `size`)")
    size: Count = auto_field(256, "width of the hidden states (each direction); in a Transformer of the model")
    attention: Look = auto_field(
        AttentionSection(score="additive"),
        "the decoder's look at the source: none, a score, or a mapping; left out: additive, in a Transformer scaled",
    )
    past: Look = field(None, "recurrent: the decoder's look at its own earlier states: none, a score, or a mapping")
    order: Literal["bahdanau", "luong"] = auto_field("bahdanau", "recurrent: look before the cell's step, or after it")
    input_feeding: bool | None = auto_field(
        None, "recurrent: the last look is an input of the next step; null: yes (bahdanau always)"
    )
    context: Literal["last", "transform", "all", "pooled", "structured"] = field(
        "last",
        "recurrent, attention none: the fixed context: the last state, its transform, a transform of all states, or a look "
        "at all, without a query (pooled) or with `hops` of them (structured)",
    )
    hops: Count = field(4, "context structured: looks, whose readings stand side by side")
    context_use: Literal["state", "input", "both"] = field(
        "both", "recurrent, attention none: the context is the initial state, an input of every step, or both"
    )
    heads: Count = field(4, "Transformer: heads of each look that does not say its own")
    feedforward: Count = field(1024, "Transformer: inner width of the feed-forward layers")
    norm: Literal["pre", "post"] = field("pre", "Transformer: layer norm before each part, or after it")
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = field(
        "sinusoidal", "Transformer: how places are told apart; rotary: in self-attention, by turning queries and keys"
    )
    max_positions: Count = field(1024, "Transformer: the longest sequence that has positions")
    self_attention: AttentionSection = field(
        AttentionSection(), "Transformer: the looks of encoder and decoder at their own sequence; the decoder adds `causal`"
    )
    activation: Literal["relu", "gelu"] = field("relu", "Transformer: between the feed-forward layers")
    pretrained: Name | None = field(
        None,
        f"a run of task {registry.makes_readers()}, or a folder of a BERT in "
        "Hugging Face's layout, that the reader begins with; it settles the net and the vocabulary; where it is left "
        "out, train.learning_rate is 1e-4, then",
    )
    tie: Literal["none", "output", "all"] = auto_field(
        "none", "output: the decoder's embedding is the output layer too; all: the encoder's embedding as well (needs data.joint)"
    )
    head: Literal["words", "copy", "hard-monotonic"] = field(
        "words",
        "how words are read off: from the vocabulary; or copied from the source, too (pointer-generator); or summed over all "
        "alignments that never go back (needs order: luong and input_feeding: false)",
    )
    dropout: Share = auto_field(0.3, "share of the values dropped in training between the parts of the net")
    embedding_dropout: Share = auto_field(0.0, "share of the embeddings' values dropped in training")

    @model_validator(mode="before")
    @classmethod
    def _scores(cls, data: Any) -> Any:
        """A look that does not name its score has the one that its place has in the papers."""
        if not isinstance(data, Mapping):
            return data
        cross = "scaled" if data.get("family") in ("transformer", "aaren") else "additive"
        data = {key: value for key, value in data.items() if (key, value) != ("attention", AUTO)}
        looks = {key: data.get(key, {}) for key in ("attention", "self_attention") if key in data or cross == "scaled"}
        scores = {"attention": cross, "self_attention": "scaled"}
        own = {key: {"score": scores[key], **look} for key, look in looks.items() if isinstance(look, Mapping)}
        past = {"past": {"score": "additive", **data["past"]}} if isinstance(data.get("past"), Mapping) else {}
        return {**data, **own, **past}

    @property
    def both_directions(self) -> bool:
        """Whether a recurrent encoder reads forward and backward."""
        return mechanisms.reader(self.encoder).both


def _task(value: str) -> str:
    if not registry.is_task(value):
        do = f"Choose one of them.{suggest(value, registry.TASKS)}"
        raise mechanisms.WordError("task", " | ".join(registry.TASKS), repr(value), do)
    return value


def usual(spec: TaskSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a task has for its own defaults, by key, as `train.metric`.  values: of the config, in plain values."""
    model = values.get("model")
    begun = spec.reader.defaults if spec.reader and isinstance(model, Mapping) and model.get("pretrained") else {}
    chosen = spec.chooses(values.get(spec.name))  # where it is the schema's own it may fit the data
    return {**({} if chosen == TrainSection().metric else {"train.metric": chosen}), **spec.defaults, **begun}


VALIDATING = ("valid_beam",)  # keys of `decode` that a run cannot change
SHOWING = ("samples", "log", "device")  # keys of `train` that change nothing but what is printed, or the last digits
KEEPING = ("workers", "store")  # keys of `data` that change nothing but how long it takes, and where


class GeneralConfig(Section):
    """A run, whole, but for the section of its task."""

    task: Annotated[str, AfterValidator(_task)] = field(
        registry.USUAL, "what is learnt: " + "; ".join(f"{s.name}: {s.about}" for s in registry.specs())
    )
    data: DataSection = field(DataSection(), "the data")
    model: ModelSection = field(ModelSection(), "the net")
    train: TrainSection = field(TrainSection(), "the training")
    decode: DecodeSection = field(DecodeSection(), "the writing")

    @property
    def spec(self) -> TaskSpec:
        """What its task says of itself."""
        return registry.spec(self.task)

    @property
    def room(self) -> Room:
        """The most tokens that its net reads and writes."""
        return room(self.model)

    @property
    def own(self) -> Any:
        """The section of its task, of that task's own class; None where it has none."""
        return self.of_tasks().get(self.spec.name)

    def of_tasks(self) -> dict[str, Section]:
        """The sections of single tasks that are there."""
        names = (name for name in type(self).model_fields if name not in GeneralConfig.model_fields)
        return {name: section for name in names if (section := getattr(self, name)) is not None}

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_task(cls, values: Any) -> Any:
        """Keys that are left out have the default of the task, and its own section is there."""
        if not isinstance(values, Mapping):
            return values
        word = values.get("task", registry.USUAL)
        if not registry.is_task(word):
            return values
        spec, made = registry.spec(word), dict(values)
        for key, value in usual(spec, made).items():
            section, word = key.split(".")
            if isinstance(given := made.get(section, {}), Mapping):
                made[section] = {word: value, **{k: v for k, v in given.items() if (k, v) != (word, AUTO)}}
        return {**({spec.name: {}} if spec.section else {}), **made}

    @model_serializer(mode="wrap")
    def _what_the_task_uses(self, made: Any) -> Any:
        whole = {key: value for key, value in made(self).items() if value is not None or key in GeneralConfig.model_fields}
        for section, word in (key.split(".") for key in self.spec.unused):
            whole[section].pop(word)
        return whole

    def to_yaml(self) -> str:
        """Every key, in the schema's order; loads back equal."""
        return dump(self.model_dump(mode="json"))

    def of_training(self) -> dict[str, Any]:
        """The keys that training depends on: of how answers are written only what a validation writes with, and none that only shows."""
        made: dict[str, Any] = self.model_dump(mode="json")
        made["train"] = {key: value for key, value in made["train"].items() if key not in SHOWING}
        made["data"] = {key: value for key, value in made["data"].items() if key not in KEEPING}
        kept = {key: value for key, value in made.pop("decode", {}).items() if key in VALIDATING}
        return {**made, **({"decode": kept} if kept else {})}

    def difference(self, other: GeneralConfig) -> list[str]:
        """One line for each key of training that differs: `model.size: 512 here, 256 there`."""
        mine, theirs = (dict(_flat(c.of_training())) for c in (self, other))
        keys = dict.fromkeys([*mine, *theirs])
        told = ((key, mine.get(key, "nothing"), theirs.get(key, "nothing")) for key in keys)
        return [f"{key}: {here} here, {there} there" for key, here, there in told if here != there]


def _with_sections(base: type[GeneralConfig], specs: list[TaskSpec], doc: str) -> type[GeneralConfig]:
    """A class of configs that have the sections of these tasks, too."""
    fields: dict[str, Any] = {
        spec.name: (registry.part(spec.section) | None, field(None, f"only with task: {spec.name}"))
        for spec in specs
        if spec.section
    }
    return create_model("Config", __base__=base, __module__=__name__, __doc__=doc, **fields)


if TYPE_CHECKING:
    Config = GeneralConfig
else:
    _DOC = "A run, whole.  `read_config` makes one from a mapping and `load_config` from a file, both with Regard's own errors."
    Config = _with_sections(GeneralConfig, registry.with_sections(), _DOC)


@cache
def config_of(task: str) -> type[GeneralConfig]:
    """The class of configs of a task: one of the user's has its section beside those of the house.  ConfigError where it is not there."""
    return _with_sections(Config, [registry.spec(task)], str(Config.__doc__)) if registry.is_own(task) else Config


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value
