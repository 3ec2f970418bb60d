"""Configs: what they may say, where errors stand, and that what is written is read back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from regard.config import Config, load_config, read_config
from regard.config.docs import page
from regard.config.mechanisms import SCORES as TABLE
from regard.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SCORES = " | ".join([*(known.usage(word) for word, known in TABLE.items()), "package.module:Class"])


def faults(*overrides: str, path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value).splitlines()


def wrote(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    config = load_config()
    assert config == Config() == read_config({})
    assert (config.task, config.data.train, config.model.size, config.train.learning_rate) == ("transduce", (), 256, 1e-3)
    assert config.model.attention is not None and config.model.attention.score == "additive"
    assert config.model.self_attention.score == "scaled"


def test_every_key_has_a_default_and_a_doc_line() -> None:
    for section in (Config, *(type(getattr(Config(), s)) for s in ("data", "model", "train", "decode"))):
        for key, field in section.model_fields.items():
            assert not field.is_required(), key
            assert field.description and "\n" not in field.description, key


def test_a_file_with_comments_a_bom_and_an_empty_section(tmp_path: Path) -> None:
    config = load_config(wrote(tmp_path, "\ufeff# g2p\r\ndata:\r\n  train: a.tsv   # one\r\ntrain:\r\nmodel: {size: 12}\r\n"))
    assert (config.data.train, config.model.size, config.train) == (("a.tsv",), 12, Config().train)
    assert load_config(wrote(tmp_path, "")) == Config()


def test_numbers_and_words_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    config = load_config(wrote(tmp_path, "data: {train: [no, on, 12:30]}\ntrain: {learning_rate: 1e-3, clip: 5}"))
    assert config.data.train == ("no", "on", "12:30")
    assert (config.train.learning_rate, config.train.clip) == (1e-3, 5.0)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model.attention=none", "model.context=all", "model.context_use=input"],
        ["model.family=transformer", "model.self_attention.scope=window(3) | causal", "model.tie=output", "model.heads=8"],
        ["data.train=[no, '1e-3', '007', ~/a.tsv, '#x']", "data.source=Größe", "data.target='2'", "train.learning_rate=1e-07"],
        ["model.attention={score: scaled + additive(64), heads: 2, bias: true}", "data.features=3", "data.joint=true"],
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, overrides: list[str]) -> None:
    config = load_config(None, overrides)
    assert load_config(wrote(tmp_path, config.to_yaml())) == config
    assert load_config(wrote(tmp_path, config.to_yaml())).to_yaml() == config.to_yaml()


def test_difference() -> None:
    one = load_config(None, ["model.size=8", "model.attention=dot", "model.encoder=lstm"])
    two = load_config(None, ["model.attention=none", "model.size=8", "data.train=x"])
    assert one.difference(one) == []
    told = one.difference(two)
    assert "data.train: [] here, ['x'] there" in told
    assert "model.encoder: lstm here, bilstm there" in told
    assert "model.attention.score: dot here, nothing there" in told
    assert not any("size" in line for line in told)


def test_attention_forms() -> None:
    short, long = (
        load_config(None, ["model.attention=additive(64)"]),
        load_config(None, ["model.attention={score: additive(size=64)}"]),
    )
    assert short == long
    assert load_config(None, ["model.attention=none"]).model.attention is None
    for base in ("additive(64)", "{score: additive(64)}"):
        look = load_config(None, [f"model.attention={base}", "model.attention.scope=window(3)"]).model.attention
        assert look is not None and (look.score, look.scope) == ("additive(64)", "window(3)")


def test_a_look_that_names_no_score_has_its_places_own() -> None:
    scores = {}
    for family in ("recurrent", "transformer"):
        for more in ([], ["model.attention.weighting=sparsemax"]):
            look = load_config(None, [f"model.family={family}", *more]).model.attention
            assert look is not None
            scores[family, bool(more)] = look.score
    assert scores == {
        ("recurrent", False): "additive",
        ("recurrent", True): "additive",
        ("transformer", False): "scaled",
        ("transformer", True): "scaled",
    }


def test_overrides_win_in_order_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    path = wrote(tmp_path, "model: {size: 8}\ndata: {train: [a, b]}")
    config = load_config(
        path, ["model.size=16", "model.size=24", "data.train=[c]"], train=["d", "e"], valid=["f"], task="transduce"
    )
    assert (config.model.size, config.data.train, config.data.valid) == (24, ("d", "e"), ("f",))


def test_all_faults_at_once_each_with_its_place(tmp_path: Path) -> None:
    data, model = "data:\n  unicod: nfc\n  train: [a, 3]\n", "model:\n  encoder: bigruu\n  size: 2.5\n  attention: additve\n"
    path = wrote(tmp_path, f"task: transduc\n{data}{model}epochs: 3\n")
    told = faults("train.clip=x", "decode.n_best=9", "foo", path=path)
    assert [line.removeprefix(f"{tmp_path}/").split(" expected")[0] for line in told] == [
        "c.yaml:1: task:",
        "c.yaml:3: data.unicod:",
        "c.yaml:4: data.train[1]:",
        "c.yaml:6: model.encoder:",
        "c.yaml:7: model.size:",
        "c.yaml:8: model.attention.score:",
        "c.yaml:9: epochs:",
        "train.clip=x: train.clip:",
        "decode.n_best=9: decode.n_best:",
        "foo:",
    ]
    assert told[1].endswith("Did you mean 'unicode'?")
    assert told[3].endswith(
        "| birnn | bigru | bilstm | bigru-reset-before | bilstm-peephole | bilstm-peephole-full | package.module:Class; "
        "received 'bigruu'. Choose one of these. Did you mean 'bigru'?"
    )
    assert "expected a whole number, at least 1; received 2.5" in told[4]
    assert told[5].endswith("Did you mean 'additive'?")
    assert told[6].endswith("Write train.epochs; docs/config.md lists the keys.")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.dropout=1", "a number, at least 0, below 1"),
        ("train.threads=0", "a whole number, at least 1, at most 1024, or null"),
        ("data.lowercase=1", "true or false"),
        ("data.lowercase=no", "true or false"),
        ("data.source=true", "a whole number, at least 1, or text"),
        ("data.train={a: 1}", "a file name, or a list of them"),
        ("train.learning_rate=.nan", "a number, above 0"),
        ("train.learning_rate=.inf", "a number, above 0"),
        ("model.size='256'", "a whole number, at least 1"),
        ("model.size=true", "a whole number, at least 1"),
        ("model=3", "a mapping"),
        ("model.attention=3", "none, a score, or a mapping"),
        ("model.attention=null", "a score, a mapping, or none"),
        ("model.attention.heads=0", "a whole number, at least 1, or null"),
        ("model.self_attention=none", SCORES),
        ("data.source_tokenizer=bpe", "bpe(size) with size: a whole number, at least 1"),
        ("model.size.x=3", "a whole number, at least 1"),
        ("model.attention.score.x=3", "text"),
        ("model.size=[1", "a YAML value"),
        ("=3", "section.key=value"),
        ("model..size=3", "section.key=value"),
    ],
)
def test_values_that_are_refused(override: str, expected: str) -> None:
    (told,) = faults(override)
    assert told.startswith(f"{override}: ") and f"expected {expected}; received " in told


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["data.joint=true", "data.source_tokenizer=word"], "data.joint"),
        (["model.tie=all"], "model.tie"),
        (["data.format=lines", "data.train=[a]"], "data.train"),
        (["data.source=2"], "data.source"),
        (["model.family=transformer", "model.size=255", "model.heads=5"], "model.size"),
        (["model.family=transformer", "model.heads=7"], "model.heads"),
        (["model.family=transformer", "model.self_attention.heads=7"], "model.self_attention.heads"),
        (["model.family=transformer", "model.attention=none"], "model.attention"),
        (["model.family=transformer", "model.encoder=gru"], "model.encoder"),
        (["model.family=transformer", "model.attention.project=false"], "model.attention.project"),
        (["model.family=transformer", "model.positions=learned", "model.max_positions=100"], "model.max_positions"),
        (["model.family=transformer", "model.positions=rotary", "model.size=20"], "model.positions"),
        (["model.family=transformer", "model.attention.groups=3"], "model.attention.groups"),
        (["model.attention.groups=2"], "model.attention.groups"),
        (["model.heads=8"], "model.heads"),
        (["model.self_attention=dot"], "model.self_attention"),
        (["model.context=all"], "model.context"),
        (["model.context_use=state"], "model.context_use"),
        (["model.input_feeding=false"], "model.input_feeding"),
        (["model.attention=none", "model.input_feeding=true"], "model.input_feeding"),
        (["model.attention=none", "model.order=luong"], "model.order"),
        (["model.attention.heads=3"], "model.attention.heads"),
        (["model.attention.heads=2", "model.attention.project=false"], "model.attention.project"),
        (["model.attention.bias=true"], "model.attention.bias"),
        (["model.attention.out=false"], "model.attention.out"),
        (["model.attention=additive + dot", "model.attention.project=false"], "model.attention.score"),
        (["train.schedule=inverse-sqrt"], "train.warmup"),
        (["decode.n_best=6"], "decode.n_best"),
        (["decode.max_ratio=0", "decode.max_extra=0"], "decode.max_extra"),
    ],
)
def test_keys_that_do_not_go_together(overrides: list[str], key: str) -> None:
    (told,) = faults(*overrides)
    place, what, _ = told.split(": ", 2)
    assert what == key and place in overrides


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.joint=true", "data.source_tokenizer=bpe(90)", "data.target_tokenizer=bpe(size=90)", "model.tie=all"],
        ["model.family=transformer", "model.embedding=7"],
        ["model.order=luong", "model.input_feeding=false"],
        ["model.attention=dot", "model.encoder=lstm"],
        ["model.attention={score: dot, project: true, bias: true, out: false}"],
        ["model.family=transformer", "model.positions=rotary", "model.self_attention={heads: 2, groups: 1}"],
        ["decode.n_best=6", "decode.sample=true"],
        ["train.schedule=inverse-sqrt", "train.warmup=10"],
    ],
)
def test_keys_that_go_together(overrides: list[str]) -> None:
    assert load_config(None, overrides) != Config()


def test_what_stands_in_for_a_refused_key_is_not_held_against_others() -> None:
    assert len(faults("model.family=transformer", "model.size=big", "model.heads=7")) == 1
    assert len(faults("model.attention=noen", "model.context=all")) == 1
    assert len(faults("model.attention=noen", "decode.n_best=9")) == 2


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("model:\n  size: 3\n  size: 4\n", 3, "each key once; received a second one (the first: line 2)"),
        ("data:\n  train: a: b\n", 2, "expected YAML"),
        ("data:\n\ttrain: a\n", 2, "expected YAML"),
        ("data: [\n", 2, "expected YAML"),
        ("a: 1\nb: \x00\n", 2, "expected YAML"),
        ("- 1\n", 1, "sections, as in `model:`"),
        ("just words\n", 1, "sections, as in `model:`"),
        ("model:\n  size: !!python/object:os.system 3\n", 2, "a value tagged"),
        ("data:\n  train: &x [a]\n  valid: *x\n", 3, "an alias"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, text: str, line: int, part: str) -> None:
    path = wrote(tmp_path, text)
    told = faults(path=path)
    assert told[0].startswith(f"{path}:{line}: ") and part in told[0]


def test_of_a_key_given_twice_only_the_second_is_told(tmp_path: Path) -> None:
    assert len(faults(path=wrote(tmp_path, "model:\n  size: 3\n  size: x\n"))) == 1


def test_deep_and_multiplied_yaml_is_refused_at_once(tmp_path: Path) -> None:
    assert "nested too deeply" in faults(path=wrote(tmp_path, "a: " + "[" * 5000))[0]
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert any("an alias" in line for line in faults(path=wrote(tmp_path, bomb)))


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    path = wrote(tmp_path, "")
    (told,) = faults(path=tmp_path / "c.yml")
    assert "no such file" in told and "Did you mean 'c.yaml'?" in told
    path.write_bytes(b"task: \xff\n")
    assert "expected UTF-8; received byte 0xff at 6" in faults(path=path)[0]
    assert str(tmp_path) in faults(path=tmp_path)[0]


def test_a_config_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_config().model.size = 3  # type: ignore[misc]  # frozen: that is what is tested


def test_the_docs_are_up_to_date() -> None:
    assert (ROOT / "docs" / "config.md").read_text(encoding="utf-8") == page(), "run scripts/config-docs"
    done = subprocess.run([sys.executable, ROOT / "scripts" / "config-docs", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_docs_name_every_key() -> None:
    text = page()
    for section in ("data", "model", "train", "decode"):
        for key in type(getattr(Config(), section)).model_fields:
            assert f"| `{key}` |" in text


def test_a_config_needs_no_torch() -> None:
    code = "import sys, regard.config as c; c.load_config(); assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
