"""What keys of a config demand of each other.  Each rule tells which keys it weighs, what it expects and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regard.config.check_heads import heads
from regard.config.check_looks import longest_sentences, looks
from regard.config.check_task import of_task
from regard.config.length_limits import room
from regard.config.task_section import Problem
from regard.data.mixing import find_misfit
from regard.tasks.spec import TABLE

if TYPE_CHECKING:
    from regard.config.schema import AttentionSection, Config


RECURRENT = ("encoder", "decoder", "past", "order", "input_feeding", "context", "hops", "context_use")
TRANSFORMER = ("heads", "feedforward", "norm", "positions", "max_positions", "self_attention", "activation")


def problems(config: Config) -> list[Problem]:
    """All that does not fit, in the order of the sections."""
    family = _recurrent if config.model.family == "recurrent" else _transformer
    return [
        *of_task(config),
        *_data(config),
        *family(config),
        *looks(config.model),
        *longest_sentences(config),
        *heads(config.model),
        *_train(config),
        *_decode(config),
    ]


def _data(config: Config) -> Iterator[Problem]:
    data = config.data
    if data.joint and data.source_tokenizer != data.target_tokenizer:
        keys = ("data.joint", "data.source_tokenizer", "data.target_tokenizer")
        received, do = f"{data.source_tokenizer} and {data.target_tokenizer}", "Make the two tokenizers equal, or joint false."
        yield Problem(keys, "the same tokenizer on both sides, for one vocabulary", received, do)
    if config.model.tie == "all" and not data.joint:
        expected, do = "one vocabulary for both sides where all embeddings are tied", "Set data.joint to true, or tie to output."
        yield Problem(("model.tie", "data.joint"), expected, "data.joint false", do)
    yield from _mixed(config)
    for key, files in (("data.train", data.train), ("data.valid", data.valid)):
        if data.format == "lines" and len(files) not in (0, 2) and set(TABLE) <= set(config.spec.uses):
            received = f"{len(files)}: {', '.join(files)}"
            yield Problem((key, "data.format"), "two files, line for line", received, "Name a source and a target file.")
    columns = {k: getattr(data, k) for k in ("source", "target", "features") if getattr(data, k) not in (None, "auto")}
    if len(set(columns.values())) < len(columns):
        received = ", ".join(f"{k} {v}" for k, v in columns.items())
        yield Problem(tuple(f"data.{k}" for k in columns), "different columns", received, "Name each column once.")


def _mixed(config: Config) -> Iterator[Problem]:
    """Sources that are mixed stand one after another, and each has a weight."""
    data = config.data
    if data.weights is not None and data.temperature is not None:
        received, do = f"both (temperature {data.temperature:g})", "Remove one of them."
        yield Problem(("data.temperature", "data.weights"), "weights or a temperature", received, do)
    if not data.mixes or not data.train:
        return
    key = "data.weights" if data.weights is not None else "data.temperature"
    if len(data.train) < 2 or data.format == "lines":
        received = "line-aligned files, which are one" if data.format == "lines" else f"{data.train[0]} alone"
        do = "Name each source by a --train of its own, or remove this."
        yield Problem((key, "data.train"), "two sources or more, to be mixed", received, do)
    elif config.train.guided_alignment is not None:
        do = "Remove one of them."
        yield Problem((key, "train.guided_alignment"), "one source with guided_alignment", "several that are mixed", do)
    elif data.weights is not None and (found := find_misfit(data.train, data.weights)) is not None:
        yield Problem((key, "data.train"), *found)


def _foreign(config: Config, keys: tuple[str, ...], kind: str) -> Iterator[Problem]:
    """Keys of the other family: refused where they are not at their default, since they would change nothing."""
    for key in keys:
        value, default = getattr(config.model, key), type(config.model).model_fields[key].default
        if value != default and f"model.{key}" in config.spec.uses:
            do = "Remove it, or choose the other family."
            if key == "heads":
                do = f"Remove it, or write model.attention.heads: {value}."
            yield Problem((f"model.{key}", "model.family"), f"only with family {kind}", str(getattr(value, "score", value)), do)


def _transformer(config: Config) -> Iterator[Problem]:
    model = config.model
    yield from _foreign(config, RECURRENT, "recurrent")
    if model.family == "aaren":
        yield from _aaren(model.self_attention)
    if model.attention is None:
        expected, do = (
            "a score: a Transformer's decoder always looks at the source",
            "Write attention: scaled, or family: recurrent.",
        )
        yield Problem(("model.attention", "model.family"), expected, "none", do)
    if model.positions == "sinusoidal" and model.size % 2:
        expected = "an even width: each frequency is a sine and a cosine"
        yield Problem(("model.size", "model.positions"), expected, str(model.size), "Add 1.")
    heads = model.self_attention.heads or model.heads
    if model.positions == "rotary" and model.size % heads == 0 and model.size // heads % 2:
        blamed = "model.self_attention.heads" if model.self_attention.heads else "model.heads"
        expected = "an even width of each head of self-attention: numbers are turned in pairs"
        received, do = (
            f"rotary with {model.size} / {heads} = {model.size // heads}",
            "Change model.size or the heads, or take other positions.",
        )
        yield Problem(("model.positions", "model.size", blamed), expected, received, do)
    bounds = [key for key in ("data.max_source_length", "data.max_target_length") if key in config.spec.uses]
    longest = max((getattr(config.data, key.removeprefix("data.")) for key in bounds), default=0) + 1
    if model.positions == "learned" and longest > model.max_positions:
        expected = f"at least {longest}, a position for each of the longest sequence's tokens and its end"
        do = f"Raise it, or lower {' and '.join(bounds)}."
        yield Problem(("model.max_positions", "model.positions", *bounds), expected, str(model.max_positions), do)


def _aaren(look: AttentionSection) -> Iterator[Problem]:
    """A summary of the past is all that is kept of it: there is one way to sum it up."""
    for key, value, may in (("scope", look.scope, ("everywhere", "causal")), ("weighting", look.weighting, ("softmax",))):
        if value not in may:
            do = "Remove it, or choose family: transformer."
            yield Problem((f"model.self_attention.{key}", "model.family"), f"{' or '.join(may)} with family aaren", value, do)
    if look.dropout:
        do = "Remove it; model.dropout drops what is read."
        keys = ("model.self_attention.dropout", "model.family")
        yield Problem(keys, "0 with family aaren, which keeps no weight to drop", str(look.dropout), do)


def _recurrent(config: Config) -> Iterator[Problem]:
    model = config.model
    yield from _foreign(config, TRANSFORMER, "transformer or aaren")
    if model.hops != type(model).model_fields["hops"].default and model.context != "structured":
        yield Problem(("model.hops", "model.context"), "context: structured, which alone has hops", f"{model.hops}", "Remove it.")
    if model.attention is not None:
        for key, value, default in (("context", model.context, "last"), ("context_use", model.context_use, "both")):
            if value != default:
                received, do = f"{value} with attention {model.attention.score}", "Remove it, or write attention: none."
                expected = "attention: none, for only then is the context fixed"
                yield Problem((f"model.{key}", "model.attention"), expected, received, do)
        if model.order == "bahdanau" and model.input_feeding is False:
            expected = "true or null: in Bahdanau's order the context is an input of the cell"
            yield Problem(("model.input_feeding", "model.order"), expected, "false", "Remove it, or write order: luong.")
        return
    for key, set_, shown in (
        ("order", model.order != "bahdanau", model.order),
        ("input_feeding", model.input_feeding is not None, str(model.input_feeding).lower()),
    ):
        if set_:
            do = "Remove it (context_use: input gives the fixed context to every step)."
            keys = (f"model.{key}", "model.attention")
            yield Problem(keys, "an attention, to look or to feed", f"{shown} with attention none", do)


def _train(config: Config) -> Iterator[Problem]:
    if config.train.sampling_decay != "linear" and not config.train.scheduled_sampling:
        keys, do = ("train.sampling_decay", "train.scheduled_sampling"), "Try scheduled_sampling: 0.25, or remove it."
        yield Problem(keys, "a scheduled_sampling above 0, whose way there it is", f"{config.train.sampling_decay} with 0", do)
    yield from _guided(config)
    if config.train.schedule == "inverse-sqrt" and not config.train.warmup:
        expected = "at least 1 update with schedule inverse-sqrt, which falls from its end"
        yield Problem(("train.warmup", "train.schedule"), expected, "0", "Try 1000, or schedule: constant.")


def _guided(config: Config) -> Iterator[Problem]:
    """A look that is guided is there and has a gradient, and the file belongs to the lines of one table, or of two files."""
    train, look = config.train, config.model.attention
    if train.guided_alignment is None:
        for key in ("guided_weight", "guided_shift"):
            if (value := getattr(train, key)) != type(train).model_fields[key].default:
                keys, do = (f"train.{key}", "train.guided_alignment"), "Name a file of alignments, or remove this."
                yield Problem(keys, "a guided_alignment, which it is of", f"{value} without one", do)
        return
    if look is None:
        do = "Remove it, or choose an attention."
        yield Problem(("train.guided_alignment", "model.attention"), "an attention, to be guided", "none", do)
    elif look.draws:
        keys, do = ("train.guided_alignment", "model.attention.weighting"), "Choose softmax, sparsemax, entmax15 or gumbel."
        yield Problem(keys, "weights that have a gradient", f"{look.weighting}, which draws them", do)
    if len(config.data.train) > (2 if config.data.format == "lines" else 1) and config.data.format != "auto":
        expected = "training data in one table, or in two files line for line: each line has its alignment"
        received = f"{len(config.data.train)} files"
        yield Problem(("train.guided_alignment", "data.train"), expected, received, "Put the data into one file.")


def _decode(config: Config) -> Iterator[Problem]:
    decode = config.decode
    most = room(config.model).target
    if most is not None and decode.min_length >= most:
        expected = f"at most {most - 1}, for which the net has places beside the end's"
        do = "Lower it, or raise model.max_positions (or the max of location)."
        yield Problem(("decode.min_length", "model.max_positions"), expected, str(decode.min_length), do)
    if not decode.sample and decode.n_best > decode.beam:
        expected, do = f"at most as many as the beam holds ({decode.beam})", "Widen the beam, or ask for fewer."
        yield Problem(("decode.n_best", "decode.beam"), expected, str(decode.n_best), do)
    if not decode.max_ratio and not decode.max_extra:
        yield Problem(("decode.max_extra", "decode.max_ratio"), "room for at least 1 token", "0", "Raise one of them.")
