"""Names that other toolkits and papers use: each is told ours, in a config, on the command line and from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from regard.cli.main import app, run
from regard.config import load_config, mechanisms
from regard.config.base import DEVICES
from regard.config.explain import find, section_of
from regard.config.other_names import KEYS, OPTIONS, WORDS, suggest
from regard.config.schema import Config
from regard.core.errors import ArgumentError, ConfigError
from regard.tasks import registry
from regard.tasks.options import accept_options


def literals(annotation: Any) -> set[str]:
    found = {word for word in get_args(annotation) if isinstance(word, str)}
    return found.union(*(literals(part) for part in get_args(annotation) if not isinstance(part, str)))


METRICS = [name for spec in registry.specs() for name in spec.metrics]


def known_words() -> set[str]:
    """Every word that a config can hold."""
    tables = (
        mechanisms.SCORES,
        mechanisms.SCOPES,
        mechanisms.WEIGHTINGS,
        mechanisms.TOKENIZERS,
        mechanisms.CELLS,
        mechanisms.READERS,
        registry.TASKS,
        METRICS,
        DEVICES,
    )
    sections = [section for field in Config.model_fields.values() if (section := section_of(field))]
    choices = (literals(field.annotation) for section in sections for field in section.model_fields.values())
    return set().union(*tables, *choices)


def refusal(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(None, list(overrides))
    return str(caught.value)


def test_what_is_named_is_there() -> None:
    for key in {key for keys in KEYS.values() for key in keys}:
        assert find(tuple(key.split(".")))[2] is not None, key
    assert {word for found in WORDS.values() for word in found} <= known_words()
    options = {option for parameter in get_command(app).commands["train"].params for option in parameter.opts}
    assert {option for found in OPTIONS.values() for option in found} <= options


def test_no_name_hides_one_of_ours() -> None:
    """But `hidden`, elsewhere the width of a net, here of a layer of `pair`; and `batch_size`, here of answers alone."""
    ours = {key for field in Config.model_fields.values() for key in getattr(section_of(field), "model_fields", ())}
    assert ours & set(KEYS) == {"hidden", "batch_size"}


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.lr=0.1", "expected a key of train; received 'lr'. Write train.learning_rate; docs"),
        ("model.lr=0.1", "expected a key of model; received 'lr'. Write train.learning_rate; docs"),
        ("lr=0.1", "received 'lr'. Write train.learning_rate; docs"),
        ("train.Max_Grad_Norm=1", "Did you mean 'max_grad_norm'?"),
        ("model.hidden=3", "Write model.size;"),  # not pair.hidden
        ("data.tokenizer=char", "Write data.source_tokenizer or data.target_tokenizer;"),  # not the nearest alone
        ("train.batch_size=32", "Write train.batch_tokens (auto, or a whole number, at least 1: real target tokens of a batch; "),
        ("model.epochs=3", "Write train.epochs;"),
        ("model.scope=causal", "Write model.attention.scope;"),
        ("model.self_attention.n_heads=2", "Write model.self_attention.heads;"),
        ("model.hiden_size=3", "Remove it (docs/config.md lists the keys). Did you mean 'hidden_size'?"),
        ("lerning_rate=1", "Remove it (docs/config.md lists the keys). Did you mean 'train.learning_rate'?"),
        ("train.beam=3", "Write decode.beam;"),  # not `begin`
        ("data.features_separater=;", "Did you mean 'features_separator'?"),
        ("data.heads=2", "Write model.heads;"),
        ("data.headers=true", "Did you mean 'header'?"),
        ("read.heads=span", "Did you mean 'head'?"),  # not model.heads
        ("forecast.prediction_length=24", "Write forecast.ahead;"),
        ("tag.use_crf=true", "Write tag.head (crf | softmax: crf: which tag follows which is learnt too"),
        ("train.seeed=3", "Remove it (docs/config.md lists the keys). Did you mean 'seed'?"),
    ],
)
def test_keys(override: str, told: str) -> None:
    assert told in refusal(override)


@pytest.mark.parametrize(
    ("names", "key", "ours"),
    [
        ("bahdanau badhanau mlp", "model.attention", "additive"),
        ("luong bilinear multiplicative", "model.attention", "general"),
        ("dot-product dot_product", "model.past", "dot"),
        ("scaled-dot-product scaled-dot vaswani Vaswani multi-head", "model.attention", "scaled"),
        ("character", "data.source_tokenizer", "char"),
        ("sentencepiece", "data.target_tokenizer", "unigram"),
        ("brnn", "model.encoder", "bilstm"),
        ("noam", "train.schedule", "inverse-sqrt"),
        ("rope", "model.positions", "rotary"),
        ("ner", "task", "tag"),
        ("acc", "train.metric", "exact"),
    ],
)
def test_words(names: str, key: str, ours: str) -> None:
    for name in names.split():
        assert refusal(f"{key}={name}").endswith(f"Did you mean '{ours}'?")


def test_a_word_of_ours_is_never_told_for_another() -> None:
    assert suggest("dott", mechanisms.SCORES) == " Did you mean 'dot'?" and suggest("xyzzy", mechanisms.SCORES) == ""


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("train --train x --epochs 5", "received --epochs. Write train.epochs=5 behind the command (no dashes)."),
        ("train --lr 0.001", "received --lr. Write train.learning_rate=0.001 behind"),
        ("train --learning-rate=0.1", "received --learning-rate. Write train.learning_rate=0.1 behind"),
        ("train --hidden-size 128", "Write model.hidden_size=128 behind"),
        ("train --max-steps 100", "Write train.max_steps=100 behind"),
        ("train --dropout .2", "Write model.dropout=.2 behind"),
        ("train --batch-size 32", "Write train.batch_tokens=... (auto, or a whole number, at least 1: real target tokens "),
        ("train -rnn_size 500", "received -rnn_size. Write model.size=500 behind"),
        ("train --train.epochs 3", "Write train.epochs=3 behind"),
        ("train --epoch --lr 1", "Write train.epochs=VALUE behind"),
        ("train --output-dir x", "received --output-dir. Write --out."),
        ("check x --delimiter ;", "Write data.separator=';' behind"),
        (
            "predict run x --num-beams 3",
            "regard predict: expected an option that --help lists; received --num-beams. Write decode.beam=3 ",
        ),
    ],
)
def test_options(command: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command.split()) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train --bogus", "predict run --epochs 3", "info --epochs 3", "--epochs 3"])
def test_what_is_no_key_of_the_command_is_told_as_ever(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command.split()) == 2
    told = capsys.readouterr().err
    assert "No such option" in told and "Write" not in told


def test_no_hint_loads_torch() -> None:
    command = "from regard.cli.main import run; assert run(['train', '--lr', '3']) == 2"
    code = f"import sys; {command}; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_from_python() -> None:
    known = frozenset({"beam", "batch_size", "n_best"})
    with pytest.raises(ArgumentError, match=r"beam_size: .* Did you mean 'beam'\?"):  # batch_size is spelt more alike
        accept_options({"beam_size": 3}, known, task="transduce", run=Path("run"))
