"""Standard names of keys: each is taken through every door for the key of the house, and nothing that is written has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from regard.cli.main import run
from regard.config import Config, load_config, read_config, with_values, yaml_text
from regard.config.explain import find
from regard.config.other_names import keys_called
from regard.config.print_config import print_config
from regard.config.spellings import NEGATED, SPELLINGS, resolve_path
from regard.core.errors import ConfigError
from regard.tasks.options import apply_decode

TASKS = ("read", "language", "tag", "pretrain", "forecast", "classify", "pair")
HELD: dict[str, str] = {  # a value that is not the default, by the last word of the name
    "validation_split": "0.25",
    "share_vocab": "true",
    "freeze_vectors": "true",
    "hidden_size": "24",
    "num_key_value_heads": "1",
    "max_steps": "7",
    "warmup_steps": "3",
    "max_grad_norm": "0.5",
    "gradient_accumulation_steps": "2",
    "average_checkpoints": "3",
    "logging_steps": "5",
    "attention": "scaled + coverage",
    "max_answer_length": "9",
    "bptt": "16",
    "batch_size": "8",
    "stateful": "false",
    "mlm_probability": "0.2",
    "next_sentence_prediction": "false",
    "max_seq_length": "64",
    "context_length": "48",
    "horizon": "12",
    "normalization": "last",
    "char_hidden": "20",
    "char_embedding": "10",
    "word_dropout": "0.2",
}
SCORES = {"classify": "self-attentive(8)", "read": "scaled", "pair": "dot"}
BESIDE = {  # what else must be said for it to have a use
    "data.freeze_vectors": ["task=tag", "data.vectors=a.vec"],
    "model.self_attention.num_key_value_heads": ["model.family=transformer"],
    "model.past.num_key_value_heads": ["model.past=dot"],
}


def told(name: str) -> tuple[list[str], str]:
    """The overrides beside a name, and its value."""
    section, word = name.split(".")[0], name.split(".")[-1]
    task = [f"task={section}"] if section in TASKS else []
    return [*task, *BESIDE.get(name, [])], SCORES[section] if word == "attention" else HELD[word]


def plain(*words: str) -> dict[str, Any]:
    """The mapping that a file with these keys holds."""
    made: dict[str, Any] = {}
    for word in words:
        *above, last = word.partition("=")[0].split(".")
        level = made
        for key in above:
            below = level.setdefault(key, {})
            level[key] = below if isinstance(below, dict) else {"score": below}
            level = level[key]
        level[last] = yaml_text.read(word.partition("=")[2]).values
    return made


def house(name: str, value: str) -> str:
    """`train.updates=7` of `train.max_steps` and 7."""
    opposite = {"true": "false", "false": "true"}
    return f"{SPELLINGS[name]}={opposite[value] if name in NEGATED else value}"


def faults(path: Path | None, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value).splitlines()


def wrote(folder: Path, text: str) -> Path:
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    return folder / "c.yaml"


def set_keys(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name).model_fields_set for name in config.model_fields_set if name != "task"}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_door_takes_it(name: str, tmp_path: Path) -> None:
    beside, value = told(name)
    ours, other = [*beside, house(name, value)], [*beside, f"{name}={value}"]
    expected = load_config(None, ours)
    assert expected != load_config(None, beside)
    file = wrote(tmp_path, yaml_text.dump(plain(*other)))
    doors = load_config(None, other), load_config(file), read_config(plain(*other)), load_config(file, [f"{name}={value}"])
    for config in doors:
        assert config == expected and set_keys(config) == set_keys(expected)
        assert (print_config(config), config.to_yaml()) == (print_config(expected), expected.to_yaml())
        assert config.of_training() == expected.of_training()
    assert name.split(".")[-1] not in keys_of(expected.model_dump(mode="json"), name.split(".")[:-1])


def keys_of(values: Any, path: list[str]) -> set[str]:
    for word in resolve_path(tuple(path)):
        values = values[word]
    return set(values)


@pytest.mark.parametrize("name", SPELLINGS)
def test_both_at_once_are_refused_with_both_places(name: str, tmp_path: Path) -> None:
    beside, value = told(name)
    ours = house(name, value)
    key = SPELLINGS[name]
    expected = f"{name}: expected each key once; received {key}, its other name, too ({ours}). Remove one of them."
    assert faults(None, *beside, ours, f"{name}={value}") == [f"{name}={value}: {expected}"]
    section, word = key.rpartition(".")[::2]
    mapping = {**plain(*beside, ours)}
    level = mapping
    for part in section.split("."):
        level = level[part]
    level[name.rpartition(".")[2]] = yaml_text.read(value).values
    with pytest.raises(ConfigError, match=rf"{re.escape(name)}: expected each key once; received {re.escape(key)}, its other"):
        read_config(mapping)
    text = yaml_text.dump(mapping)
    lines = {
        spelt: 1 + text.splitlines().index(next(row for row in text.splitlines() if row.strip().startswith(f"{spelt}:")))
        for spelt in (word, name.rpartition(".")[2])
    }
    file = wrote(tmp_path, text)
    second = lines[name.rpartition(".")[2]]
    assert f"{file}:{second}: {name}: expected each key once; received {key}, its other name, too ({file}:" in faults(file)[0]


def test_lines_of_a_file_that_says_both(tmp_path: Path) -> None:
    file = wrote(tmp_path, "train:\n  max_steps: 5\n  epochs: 2\n  updates: 5\n")
    do = "Remove one of them."
    assert faults(file) == [
        f"{file}:4: train.updates: expected each key once; received train.max_steps, its other name, too ({file}:2). {do}"
    ]


def test_an_override_wins_over_the_file_in_either_spelling(tmp_path: Path) -> None:
    """A run's own config has every key: to go on for longer is to set one of them, under whatever name."""
    file = wrote(tmp_path, "train: {updates: 5}\nmodel: {hidden_size: 8}\n")
    config = load_config(file, ["train.max_steps=7", "model.size=16"])
    assert (config.train.updates, config.model.size) == (7, 16)
    whole = wrote(tmp_path, config.to_yaml())
    assert load_config(whole, ["train.max_steps=9"]).train.updates == 9
    assert load_config(whole, ["train={max_steps: 3}", "train.epochs=2"]).train.updates == 3
    assert with_values(config, ["train.max_steps=4"], {}).train.updates == 4
    assert with_values(config, [], {"train.max_steps": 4}).train.updates == 4
    assert load_config(whole, ["train.max_steps=3", "train.max_steps=4"]).train.updates == 4
    assert load_config(whole, ["train.updates=3", "train={}", "train.max_steps=4"]).train.updates == 4


@pytest.mark.parametrize(
    ("words", "blamed"),
    [
        ("train={max_steps:\u00a05} train.updates=3", "train.updates"),
        ("train={updates:\u00a05} train.max_steps=3", "train.max_steps"),
        ("train={updates:\u00a05,max_steps:\u00a05}", "train.max_steps"),
    ],
)
def test_a_section_in_one_word_says_both(words: str, blamed: str) -> None:
    given = [word.replace("\u00a0", " ") for word in words.split(" ")]
    found = faults(None, *given)
    assert (
        len(found) == 1
        and found[0].startswith(f"{given[-1]}: {blamed}: expected each key once; ")
        and f"({given[0]})" in found[0]
    )


def test_a_look_under_two_names_is_one_look() -> None:
    words = [
        "task=classify",
        "classify.attention=self-attentive(8)",
        "classify.look.scope=window(2)",
        "classify.attention.dropout=0.1",
    ]
    look = load_config(None, words).classify.look  # type: ignore[union-attr]
    assert (look.score, look.scope, look.dropout) == ("self-attentive(8)", "window(2)", 0.1)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_wrong_value_is_told_of_the_name_that_was_written(name: str, tmp_path: Path) -> None:
    beside, _ = told(name)
    word = f"{name}=[no]"
    (found,) = faults(None, *beside, word)
    assert found.startswith(f"{word}: {name}: expected ") and "; received " in found
    file = wrote(tmp_path, yaml_text.dump(plain(*beside, word)))
    (found,) = faults(file)
    assert re.match(rf"{re.escape(str(file))}:\d+: {re.escape(name)}: expected ", found)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "train.max_steps=0",
            "train.max_steps: expected a whole number, at least 1, or null; received 0. Change it (the default: null).",
        ),
        (
            "data.freeze_vectors=yes",
            "data.freeze_vectors: expected true or false; received 'yes'. Change it (the default: false).",
        ),
        (
            "data.freeze_vectors=true",
            "data.freeze_vectors: expected no such key with task transduce, which does not use it; received True.",
        ),
        (
            "task=tag data.freeze_vectors=true",
            "data.freeze_vectors: expected a file of vectors to leave as they are; received none.",
        ),
        ("train.max_steps.a=3", "train.max_steps: expected a whole number, at least 1, or null; received a mapping."),
        ("train.max_steps=3 train.max_steps.a=3", "train.max_steps.a: expected train.max_steps to have keys; received 3."),
        (
            "task=classify classify.attention.scor=dot",
            "classify.attention.scor: expected a key of classify.attention; received 'scor'.",
        ),
        ("train.max_step=3", "Did you mean 'max_steps'?"),
        ("train.max-steps=3", "Did you mean 'max_steps'?"),
        ("train.update=3", "Did you mean 'updates'?"),
        ("model.self_attention.num_key_value_head=2", "Did you mean 'num_key_value_heads'?"),
        ("data.max_steps=3", "received 'max_steps'. Write train.max_steps; docs"),
        ("max_steps=3", "received 'max_steps'. Write train.max_steps; docs"),
        ("bptt=3", "Write language.bptt; docs"),
        ("data.attention=dot", "Write model.attention; docs"),
        ("train.batch_size=3", "Write train.batch_tokens (auto"),
    ],
)
def test_errors(words: str, told: str) -> None:
    assert any(told in fault for fault in faults(None, *words.split()))


def test_a_key_with_a_point_in_it_is_none() -> None:
    with pytest.raises(ConfigError, match=r"train\.max_steps: expected one of task, data"):
        read_config({"train.max_steps": 3})


def test_the_names_are_new_and_name_keys() -> None:
    assert len(set(SPELLINGS.values())) == len(SPELLINGS), "a key has one second name"
    for name, key in SPELLINGS.items():
        assert name.split(".")[0] == key.split(".")[0]
        assert find(tuple(key.split(".")))[2] is not None and resolve_path(tuple(name.split("."))) == tuple(key.split("."))
        assert find((*key.split(".")[:-1], name.split(".")[-1]))[2] is None, "a key of the house has this name"
        assert key not in keys_called(name.split(".")[-1]), "hinted at, and taken"
    assert set(SPELLINGS) >= NEGATED


def test_the_page_has_them() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/config.md").read_text(encoding="utf-8")
    for name, key in SPELLINGS.items():
        row = rf"\| `{key.split('.')[-1]}` \| .*; also written `{name.split('.')[-1]}`(, which says the opposite)? \|\n"
        assert next(bool(found[1]) for found in re.finditer(row, page)) == (name in NEGATED)


def test_writing_in_use_knows_no_other_names_yet() -> None:
    """`apply_decode` looks at keys by their names in the house."""
    assert not any(name.startswith("decode.") for name in SPELLINGS)
    assert apply_decode(Config(), {"beam": 2}).decode.beam == 2


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--train", "a.tsv", "train.max_steps=7", "--print-config"]) == 0
    told = capsys.readouterr().out
    assert "\n  updates: 7\n" in told and "max_steps" not in told
    assert run(["train", "--train", "a.tsv", "train.updates=7", "--print-config"]) == 0
    assert told == capsys.readouterr().out
