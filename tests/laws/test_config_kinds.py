"""Law: whatever stands at whatever key of a config, it is taken, or refused with an error that says where and what; nothing else."""

from __future__ import annotations

import contextlib

import pytest

from regard.config import load_config, read_config
from regard.core.errors import ConfigError
from regard.tasks.registry import TASKS
from tests.fuzz import KEYS

KINDS = [
    None,
    True,
    -1,
    2,
    1.5,
    1e-320,
    1e300,
    2**64,
    10**40,
    "",
    "a:B",
    "\x00",
    [],
    [None],
    {},
    {"a": {"b": []}},
]  # one of each kind


def nested(key: str, value: object) -> dict[str, object]:
    """`{"a": {"b": value}}` of a.b."""
    for part in reversed(key.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("key", KEYS)
def test_every_key_with_every_wrong_kind(key: str, tmp_path: object) -> None:
    """As a mapping of Python."""
    task = key.partition(".")[0] if key.partition(".")[0] in TASKS else "transduce"
    for value in KINDS:
        try:
            read_config({"task": task, **nested(key, value)})
        except ConfigError as error:
            assert ": expected " in str(error) and "; received " in str(error), (key, value)


@pytest.mark.parametrize("key", KEYS[::5])
def test_overrides_of_every_kind(key: str) -> None:
    """As a word of the command line, whose value is YAML, bytes that are none included."""
    for text in (
        "",
        "[",
        "{a: ",
        "\udcff",
        "*a",
        "!!python/object:os.system x",
        "1" * 5000,
        "[" * 2000,
        ".nan",
        "1e999",
        "\x00",
        "- a: b",
    ):
        with contextlib.suppress(ConfigError):
            load_config(None, [f"{key}={text}"])
        with pytest.raises(ConfigError):
            load_config(None, [f"{key}\udcff{text}=1"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("caption.kernel=2", "expected 1 | 3; received 2. Choose one of these."),
        ("caption.patch=3", "expected 1 | 2 | 4 | 8"),
        ("task=[tag]", "expected text; received"),
        ("train.seed=18446744073709551616", "below 18446744073709551616"),
        ("train.threads=10000000000", "at most 1024"),
        ("decode.batch_size=10000000000000000000", "at most 2147483647"),
        ("decode.beam=1000000000", "at most 10000"),
        ("model.encoder_layers=10000000000000000000", "at most 1000"),
        ("decode.temperature=1e-320", "at least 1e-30"),
        ("decode.max_ratio=1e20", "at most 1000000.0"),
        ("decode.length_penalty=1e12", "at most 10"),
        ("data.source_tokenizer=bpe(100000000000000000000)", "at most 2147483647"),
        ("model.attention.scope=window(100000000000000000000)", "at most 2147483647"),
        (f"train.seed={'1' * 5000}", "a number of at most 100 digits; received one of 5,000"),
    ],
)
def test_ends_of_numbers_are_told(word: str, said: str) -> None:
    task = word.partition(".")[0]
    with pytest.raises(ConfigError) as caught:
        load_config(None, [word], task=task if task in TASKS else None)
    assert said in str(caught.value)


def test_more_to_write_than_there_are_places() -> None:
    """`min_length` beyond what learned positions leave: nothing could be written."""
    values = {"family": "transformer", "positions": "learned", "max_positions": 31}
    data = {"max_source_length": 30, "max_target_length": 30}
    with pytest.raises(ConfigError, match=r"decode\.min_length: expected at most 30"):
        read_config({"model": values, "data": data, "decode": {"min_length": 60}})
    read_config({"model": values, "data": data, "decode": {"min_length": 30}})
