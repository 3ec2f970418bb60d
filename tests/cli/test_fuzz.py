"""Run folders of strangers and damaged data: a refusal that says so, or an answer; nothing else.  The long way: `python -m tests.fuzz`."""

from __future__ import annotations

import json
import random
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import regard
from regard.cli.main import run as command
from regard.core.errors import ConfigError, RegardError, RunFolderError
from regard.tasks.load_run import load_run

from .. import fuzz


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, fuzz.Base]:
    return fuzz.bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def run(base: dict[str, fuzz.Base], tmp_path: Path) -> Path:
    """A run of transduce, to be put out of shape."""
    shutil.copytree(base["transduce"].run, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("trial", fuzz.TRIALS, ids=lambda trial: trial.__name__)
def test_trials_end_in_an_answer_or_a_refusal(trial: fuzz.Trial, base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    for number in range(12 if trial.__name__ == "try_threads" else 40):
        name, outcome = trial(random.Random(f"7 {number}"), base, tmp_path)
        assert outcome.how in ("worked", "refused"), (name, outcome.told)


TOKENIZERS = {
    "an empty vocabulary": lambda t: t["tokenizer"]["model"].update(vocab={}),
    "numbers with a gap": lambda t: t["tokenizer"]["model"]["vocab"].update(new=10**6),
    "a number twice": lambda t: t["tokenizer"]["model"]["vocab"].update(new=5),
    "a number below 0": lambda t: t["tokenizer"]["model"]["vocab"].update(new=-1),
    "no unknown": lambda t: t["tokenizer"]["model"].update(unk_token="gone"),
    "an empty symbol": lambda t: t["tokenizer"]["model"]["vocab"].update({"": len(t["tokenizer"]["model"]["vocab"])}),
    "another model": lambda t: t["tokenizer"].update(
        model={"type": "BPE", "vocab": {"a": 0}, "merges": [["b", "c"]], "unk_token": "a"}
    ),
    "another word": lambda t: t.update(word="bpe(10)"),
    "a feature twice": lambda t: t.update(features=["A", "A"]),
    "half a character": lambda t: t.update(features=["\ud800"]),
    "a new version": lambda t: t.update(version=9),
}


@pytest.mark.parametrize("harm", TOKENIZERS)
def test_a_tokenizer_file_made_by_hand(harm: str, run: Path) -> None:
    path = run / "tokenizer.source.json"
    content = json.loads(path.read_text())
    TOKENIZERS[harm](content)
    path.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match=r"tokenizer\.source\.json"):
        regard.load(run)


def test_of_a_tokenizer_file_only_the_symbols_are_taken(run: Path) -> None:
    """What else the library's files may hold could end the process; it is not even looked at."""
    path, before = run / "tokenizer.source.json", regard.load(run).predict(["abc", "q"])
    content = json.loads(path.read_text())
    content["tokenizer"]["normalizer"] = {"type": "Replace", "pattern": {"String": "a"}, "content": "b" * 10**6}
    content["tokenizer"]["pre_tokenizer"] = {"type": "Whitespace"}
    content["tokenizer"]["truncation"] = {"max_length": 1, "direction": "Right", "strategy": "LongestFirst", "stride": 0}
    content["tokenizer"]["added_tokens"] = [{"id": 999, "content": "a", "special": True}]
    path.write_text(json.dumps(content))
    (run / "run.json").unlink()  # a stranger's has whatever hashes he likes
    after = regard.load(run).predict(["abc", "q"])
    assert [(p.text, p.tokens, p.source_tokens) for p in after] == [(p.text, p.tokens, p.source_tokens) for p in before]


@pytest.mark.parametrize("kind", ["deep", "pipe", "device", "large"])
@pytest.mark.parametrize("name", ["tokenizer.source.json", "config.yaml", "model.safetensors", "metrics.jsonl", "run.json"])
def test_a_file_that_is_none_or_has_no_end(name: str, kind: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = run / name
    path.unlink()
    if kind == "deep":
        path.write_text("[" * 200_000)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(10 << 30)  # of zeros, which take no room on the disk
    with fuzz.patience(20):
        told = [command(["info", str(run)]), command(["predict", str(run), str(run / "README.md")])]
    assert set(told) <= {0, 2} and (told == [2, 2] or name not in ("tokenizer.source.json", "config.yaml"))


@pytest.mark.parametrize(
    "word",
    ["size: 100000", "encoder_layers: 1000", "embedding: 2000000000", "size: 1000000000", "attention: additive(2147483647)"],
)
def test_a_net_larger_than_its_weights_is_refused_before_it_is_made(word: str, run: Path) -> None:
    """`size: 100000` would take 120 GB; the most that this process ever held hardly grows."""
    text = (run / "config.yaml").read_text()
    key = word.partition(":")[0]
    lines = [f"  {word}" if line.startswith(f"  {key}:") else line for line in text.split("\n")]
    if key == "attention":
        lines = [line.replace("score: additive", "score: additive(2147483647)", 1) for line in text.split("\n")]
    (run / "config.yaml").write_text("\n".join(lines))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunFolderError):
        regard.load(run)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


@pytest.mark.parametrize(
    "words", [["model.size=100000"], ["model.size=2147483647"], ["model.encoder_layers=1000", "model.size=20000"]]
)
def test_a_net_that_no_memory_holds_is_not_trained(words: list[str], base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    assert command(["train", "--train", str(base["transduce"].data[0]), "--out", str(tmp_path / "x"), *words]) == 2
    assert not (tmp_path / "x").exists()


def test_whatever_else_fails_while_a_folder_is_opened(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (KeyError("x"), ZeroDivisionError(), RuntimeError("PyTorch says no"), MemoryError()):

        def fail(*args: object, error: Exception = error, **more: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("regard.tasks.transduce.task.open_transducer", fail)
            with pytest.raises(RunFolderError, match=r"a run folder as regard train makes it|a net of about"):
                load_run(run)


def test_a_number_of_a_state_that_was_changed_is_seen(run: Path) -> None:
    """Whatever number: the state is hashed.  One of an older Regard has no hash, and goes on."""
    (path,) = run.glob("checkpoints/step-*/state.json")
    whole = json.loads(path.read_text())
    changed = json.loads(path.read_text())
    changed["progress"]["tokens"] += 1
    path.write_text(json.dumps(changed))
    with pytest.raises(RunFolderError, match="numbers that were changed"):
        regard.train(run / "config.yaml", run, resume=True)
    del whole["check"], whole["arithmetic"]
    path.write_text(json.dumps(whole))
    assert regard.train(run / "config.yaml", run, resume=True).outcome.step == 2


def test_an_optimizers_numbers_are_those_of_the_net(run: Path) -> None:
    (path,) = run.glob("checkpoints/step-*/optimizer.safetensors")
    whole = load_file(path)
    name = next(n for n in whole if n.endswith(":exp_avg"))
    harms = [
        {**whole, f"{name}x": whole[name].clone()},
        {n: t for n, t in whole.items() if n != name},
        {**whole, name: whole[name].long()},
    ]
    for tensors in (*harms, {**whole, name: torch.zeros(3)}):
        save_file(tensors, path)
        with pytest.raises(RunFolderError, match=r"optimizer\.safetensors"):
            regard.train(run / "config.yaml", run, resume=True)


@pytest.mark.parametrize("task", fuzz.MODELS)
def test_a_packed_run_answers_alike_and_holds_no_data(task: str, base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    given, mine = base[task], tmp_path / "mine"
    shutil.copytree(given.run, mine)
    (mine / "data.tsv").write_text("a secret\n")
    (mine / "notes.json").write_text('{"kind": "regard symbols"}')
    assert command(["pack", str(mine), str(tmp_path / "packed")]) == 0
    names = {str(p.relative_to(tmp_path / "packed")) for p in (tmp_path / "packed").rglob("*") if p.is_file()}
    assert not names & {"data.tsv", "notes.json"} and not any(n.startswith(("checkpoints", "corpus")) for n in names)
    shutil.rmtree(mine)
    told = [fuzz.called("predict", str(run), str(given.new)) for run in (given.run, tmp_path / "packed")]
    assert told[0] == told[1] and told[0].how == "worked"
    assert command(["info", str(tmp_path / "packed")]) == 0 and command(["pack", str(given.run), str(tmp_path / "packed")]) == 2


def test_a_run_says_what_made_it(base: dict[str, fuzz.Base], capsys: pytest.CaptureFixture[str]) -> None:
    from hashlib import sha256

    given = base["transduce"]
    found = json.loads((given.run / "run.json").read_text())
    assert found["data"] == {str(given.data[0]): sha256(given.data[0].read_bytes()).hexdigest()}
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0] or found["versions"]["torch"] == torch.__version__
    assert (
        {"regard", "python", "numpy"} <= found["versions"].keys() and found["begun"] <= found["ended"] and found["sessions"] == 1
    )
    assert f"made with: regard {found['versions']['regard']}, torch" in (given.run / "README.md").read_text()
    assert command(["info", str(given.run)]) == 0
    told = capsys.readouterr().out
    assert f"regard {found['versions']['regard']}, torch" in told and found["begun"] in told


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_a_run_goes_on_with_the_threads_that_it_began_with(base: dict[str, fuzz.Base], tmp_path: Path) -> None:
    """Whatever the machine would take now, and it says so: sums of other threads are rounded otherwise."""
    from regard import runs
    from regard.config import read_config

    values = {**base["transduce"].config, "train": {"updates": 4, "checkpoint_every": 2, "validate_every": 4, "samples": 0}}
    said: list[str] = []
    used: list[int] = []

    def say(line: str) -> None:
        said.append(line)
        used.append(torch.get_num_threads())
        if line.startswith("step 2/") and not stopped:
            stopped.append(line)
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)

    stopped: list[str] = []
    config = read_config({**values, "train": {**values["train"], "report_every": 1}})
    torch.set_num_threads(2)
    with pytest.raises(RegardError, match="SIGTERM"):
        runs.train(config, tmp_path / "run", say=say)
    (state,) = (tmp_path / "run").glob("checkpoints/step-*/state.json")
    kept = json.loads(state.read_text())["arithmetic"]
    assert kept == {"threads": 2, "precision": "float32", "cpu": torch.backends.cpu.get_cpu_capability()}
    torch.set_num_threads(1)
    used.clear()
    runs.train(config, tmp_path / "run", resume=True, say=say)
    assert "note: 2 threads as the run began, not 1: other threads would round sums otherwise." in said
    assert 2 in used and torch.get_num_threads() == 1


def test_how_it_writes_may_change_when_a_run_goes_on(run: Path) -> None:
    """decode.* but valid_beam, and what is shown: no weight depends on it.  A key that the run's config lacks counts as its default."""
    regard.train(run / "config.yaml", run, resume=True)
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("  beam: 5\n", "").replace("  max_extra: 20\n", ""))
    (state,) = run.glob("checkpoints/step-*/state.json")
    content = json.loads(state.read_text())
    del content["check"], content["fingerprint"]["config"]["decode"]["beam"], content["fingerprint"]["config"]["train"]["clip"]
    state.write_text(json.dumps(content))
    words = ["train", "--resume", "--out", str(run)]
    assert command([*words, "decode.beam=2", "decode.length_penalty=1.0", "decode.max_extra=7", "train.samples=1"]) == 0
    assert "beam: 2\n" in (run / "config.yaml").read_text() and regard.load(run).config.decode.beam == 2
    assert command([*words, "decode.valid_beam=2"]) == 2
    with pytest.raises((RunFolderError, ConfigError), match=r"train\.clip"):
        regard.train({**fuzz_values(run), "train": {**fuzz_values(run)["train"], "clip": 0.5}}, run, resume=True)


def fuzz_values(run: Path) -> dict[str, dict[str, object]]:
    from regard.config import yaml_text

    values: dict[str, dict[str, object]] = yaml_text.read((run / "config.yaml").read_text()).values
    return values
