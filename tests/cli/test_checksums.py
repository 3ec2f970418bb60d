"""A run folder is what was written there, or is refused: a bit that flips must not change an answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.core.errors import RegardError, RunFolderError
from regard.tasks.quantization_report import parity
from regard.training import checkpoint, checksums

from .. import fuzz

TASKS = ("transduce", "classify", "pair", "forecast", "pretrain")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, fuzz.Base]:
    return fuzz.bases(tmp_path_factory.mktemp("bases"), only=TASKS)


@pytest.fixture
def run(base: dict[str, fuzz.Base], tmp_path: Path) -> Path:
    return copied(base["transduce"], tmp_path)


def copied(given: fuzz.Base, place: Path) -> Path:
    shutil.copytree(given.run, place / "run")
    return place / "run"


def flip(path: Path, at: int = -2) -> None:
    """One bit: of the last number of a file of tensors, of a letter somewhere else."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_a_bit_that_flips_in_a_file_that_answers_depend_on_is_seen(task: str, base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    given = base[task]
    names = [name for name in checksums.USED if (given.run / name).is_file()]
    assert "model.safetensors" in names and len(names) > 1
    for name in names:
        run = copied(given, tmp_path)
        flip(run / name) if not name.endswith(".json") else (run / name).write_bytes((run / name).read_bytes() + b" ")
        with pytest.raises(RunFolderError, match=rf"run/{name} is damaged: expected the bytes that were written there"):
            regard.load(run)
        assert command(["predict", str(run), str(given.new)]) == 2 and command(["pack", str(run), str(tmp_path / "out")]) == 2
        assert command(["info", str(run)]) == (0 if name.endswith(".safetensors") else 2)  # it reads no weights
        shutil.rmtree(run)


def test_a_config_may_be_edited_but_not_into_another_net(base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    run, file = copied(base["pair"], tmp_path), str(base["pair"].new)
    edit(run / "config.yaml", "  heads: 2\n", "  heads: 4\n")  # the same weights would do, and mean something else
    with pytest.raises(RunFolderError, match=r"config\.yaml: expected model\.heads: 2; received model\.heads: 4\. Set it back"):
        regard.load(run)
    assert command(["info", str(run)]) == command(["predict", str(run), file]) == 2
    assert command(["train", "--from", str(run), "--train", str(base["pair"].data[0]), "--out", str(tmp_path / "x")]) == 2
    edit(run / "config.yaml", "  heads: 4\n", "  heads: 2\n")
    edit(run / "config.yaml", "  lowercase: false\n", "  lowercase: true\n")
    with pytest.raises(RunFolderError, match=r"data\.lowercase: false; received data\.lowercase: true"):
        regard.load(run)
    values = yaml.safe_load((run / "config.yaml").read_text().replace("lowercase: true", "lowercase: false"))
    values["decode"]["batch_size"], values["data"]["train"] = 3, ["moved.tsv"]
    values["data"]["source"], values["pair"]["second"] = 2, 1
    values["model"]["dropout"], values["train"]["updates"] = 0.5, 99
    (run / "config.yaml").write_text(yaml.safe_dump(values))
    assert regard.load(run).config.decode.batch_size == 3


def test_a_run_of_an_older_regard_has_no_hashes(run: Path) -> None:
    before = regard.load(run).predict(["abc"])[0].score
    content = json.loads((run / "run.json").read_text())
    del content["files"], content["config"]
    (run / "run.json").write_text(json.dumps(content))
    (state,) = run.glob("checkpoints/step-*/state.json")
    told = json.loads(state.read_text())
    del told["files"], told["check"]
    state.write_text(json.dumps(told))
    assert regard.load(run).predict(["abc"])[0].score == before
    (run / "run.json").unlink()
    assert regard.load(run).predict(["abc"])[0].score == before and command(["info", str(run)]) == 0
    assert command(["train", "--resume", "--out", str(run), "train.updates=3"]) == 0
    assert "model.safetensors" in json.loads((run / "run.json").read_text())["files"]


NAMES = ("step-00000002/model", "step-00000002/optimizer", "step-00000002/random", "best-00000002")


@pytest.mark.parametrize("name", NAMES)
def test_a_bit_that_flips_in_a_checkpoint_is_seen(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(run / "checkpoints" / f"{name}.safetensors")
    assert command(["train", "--resume", "--out", str(run), "train.updates=4"]) == 2
    assert f"{name}.safetensors is damaged: expected the bytes that were written there" in capsys.readouterr().err


def test_what_was_learnt_of_the_data_is_held_to_its_hash_when_a_run_goes_on(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weights of the run folder are a copy: the checkpoint has them, and puts them there again."""
    whole = (run / "model.safetensors").read_bytes()
    flip(run / "model.safetensors")
    assert command(["train", "--resume", "--out", str(run)]) == 0 and (run / "model.safetensors").read_bytes() == whole
    edit(run / "metrics.jsonl", '"step": 2', '"step": 7')
    assert command(["info", str(run)]) == 2 and "metrics.jsonl is damaged" in capsys.readouterr().err
    assert command(["train", "--resume", "--out", str(run)]) == 0 and "is not as the run left it" in capsys.readouterr().err
    edit(run / "tokenizer.source.json", '"char"', '"char" ')
    assert command(["train", "--resume", "--out", str(run)]) == 2
    assert "tokenizer.source.json is damaged" in capsys.readouterr().err


def test_a_run_is_whole_between_the_two_writings(
    base: dict[str, fuzz.Base], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when the new weights were announced, and the old ones lie there still."""
    given, run = base["transduce"], tmp_path / "run"
    values = {**given.config, "train": {**given.config["train"], "updates": 4, "validate_every": 1, "metric": "loss"}}
    copy, copies = checkpoint.run_files.copy, list[Path]()

    def killed(source: Path, path: Path) -> None:
        copies.append(source)
        if len(copies) == 2:
            raise RegardError("killed")
        copy(source, path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.run_files, "copy", killed)
        with pytest.raises(RegardError, match="killed"):
            runs.train(read_config(values), run, say=lambda line: None)
    assert len(json.loads((run / "run.json").read_text())["files"]["model.safetensors"]) == 2
    assert regard.load(run).predict(["abc"])
    runs.train(read_config(values), run, resume=True, say=lambda line: None)
    assert len(json.loads((run / "run.json").read_text())["files"]["model.safetensors"]) == 1 and regard.load(run)


def test_a_training_that_begins_again_forgets_the_hashes_of_one_that_never_began(base: dict[str, fuzz.Base], run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    (run / "model.safetensors").unlink()
    (run / "train.lock").touch()  # as a killed one leaves it
    edit(run / "run.json", '"tokenizer.source.json": [\n      "', '"tokenizer.source.json": [\n      "0')
    runs.train(read_config(base["transduce"].config), run, say=lambda line: None)
    assert regard.load(run).predict(["abc"])


def test_a_packed_run_is_held_to_its_hashes(run: Path, tmp_path: Path) -> None:
    assert command(["pack", str(run), str(tmp_path / "packed")]) == 0
    assert regard.load(tmp_path / "packed").predict(["abc"])
    flip(tmp_path / "packed" / "model.safetensors")
    with pytest.raises(RunFolderError, match=r"packed/model\.safetensors is damaged"):
        regard.load(tmp_path / "packed")


@pytest.mark.parametrize("task", ["transduce", "pretrain"])
def test_what_a_run_begins_with_is_held_to_its_hashes(
    task: str, base: dict[str, fuzz.Base], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = copied(base[task], tmp_path), base["classify" if task == "pretrain" else task].data[0]
    path = run / ("bert/model.safetensors" if task == "pretrain" else "model.safetensors")
    flip(path)
    more = ["--task", "classify"] if task == "pretrain" else []
    assert command(["train", "--from", str(run), "--train", str(data), "--out", str(tmp_path / "x"), *more]) == 2
    assert f"{path} is damaged" in capsys.readouterr().err


def test_a_shape_that_was_changed_counts_no_parameters(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(data.replace(b'"shape":[8', b'"shape":[9', 1))
    assert command(["info", str(run)]) == 2
    assert "a shape that is not as large as its numbers" in capsys.readouterr().err


def test_a_number_of_the_report_on_int8_that_was_changed_is_seen(run: Path) -> None:
    before = parity(run)
    assert before is not None
    report = json.loads((run / "int8.json").read_text())
    (run / "int8.json").write_text(json.dumps({**report, "changed": report["changed"] + 1}))
    assert parity(run) == before
    del report["check"]
    (run / "int8.json").write_text(json.dumps({**report, "changed": report["changed"] + 1}))  # an older Regard's
    assert parity(run) != before
