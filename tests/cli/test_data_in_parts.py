"""Data in parts and sources that are mixed, from the command to the run: the same weights as from one file, and exact resume."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from regard import load, runs
from regard.check.examine import examine
from regard.config import Config, read_config
from regard.core.errors import ConfigError, DataError
from regard.data.token_store import CORPUS, Corpus, share_store
from regard.tasks import registry

SMALL = {"size": 16, "embedding": 8, "encoder_layers": 1, "encoder": "bigru", "decoder": "gru"}


def rows(count: int, seed: int, letters: str = "abcdef") -> list[str]:
    draw = random.Random(seed)
    words = ["".join(draw.choices(letters, k=draw.randint(3, 7))) for _ in range(count)]
    return [f"{word}\t{word[::-1]}\n" for word in words]


def config(
    train: list[Path | str], valid: Path, task: str = "transduce", data: dict[str, Any] | None = None, **more: Any
) -> Config:
    section = {"train": list(map(str, train)), "valid": [str(valid)], **(data or {})}
    settings = {
        "updates": 12,
        "validate_every": 6,
        "checkpoint_every": 2,
        "batch_tokens": 60,
        "samples": 0,
        "metric": "loss",
        **more,
    }
    model = SMALL if task == "transduce" else {"size": 16, "embedding": 8}
    return read_config({"task": task, "data": section, "model": model, "train": settings})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made = rows(60, 1)
    (tmp_path / "parts").mkdir()
    for i, at in ((1, 0), (2, 20), (10, 40)):
        (tmp_path / "parts" / f"part-{i}.tsv").write_text("".join(made[at : at + 20]))
    (tmp_path / "whole.tsv").write_text("".join(made))
    (tmp_path / "other.tsv").write_text("".join(rows(12, 3)))
    (tmp_path / "valid.tsv").write_text("".join(rows(10, 2)))
    return tmp_path


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def test_parts_give_the_run_of_one_file(files: Path) -> None:
    heard = list[str]()
    runs.train(config([files / "parts"], files / "valid.tsv"), files / "run", say=heard.append)
    runs.train(config([files / "whole.tsv"], files / "valid.tsv"), files / "one", say=heard.append)
    assert weights(files / "run") == weights(files / "one")
    assert any("parts: 3 parts, part-1.tsv to part-10.tsv." in line for line in heard)
    model = load(files / "run")
    pattern = str(files / "parts" / "*.tsv")
    assert model.evaluate([pattern])["metrics"] == model.evaluate([str(files / "whole.tsv")])["metrics"]


def test_the_doctor_reads_parts_as_the_whole(files: Path) -> None:
    part, whole = files / "parts" / "part-10.tsv", files / "whole.tsv"
    for path in (part, whole):
        with path.open("a") as file:
            file.write("no target\n")
    folder, one = examine([str(files / "parts")]), examine([str(whole)])
    assert (folder.rows, folder.lines) == (one.rows, one.lines) == (60, 61)
    assert [finding.kind for finding in folder.findings] == [finding.kind for finding in one.findings]
    assert [(file, line) for file, line, *_ in folder.bad] == [(str(part), 21)]


@pytest.mark.parametrize("data", [{"weights": {"whole": 1, "other": 3}}, {"temperature": 5.0}])
def test_a_mixture_that_was_stopped_goes_on_exactly(files: Path, data: dict[str, Any]) -> None:
    sources = [files / "whole.tsv", files / "other.tsv"]
    made, heard = config(sources, files / "valid.tsv", data=data, report_every=3), list[str]()
    runs.train(made, files / "whole-run", say=heard.append)
    told = next(line for line in heard if line.startswith("mixed: an epoch is 72 items"))
    assert ("18 from" in told and "54 from" in told) == ("weights" in data)

    def stop(line: str) -> None:
        if line.startswith("step 9"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train(made, files / "stopped", say=stop)
    runs.train(made, files / "stopped", resume=True, say=heard.append)
    assert weights(files / "stopped") == weights(files / "whole-run")
    assert any(f"lies in tokens in {files / 'stopped' / CORPUS} already" in line for line in heard)


def test_a_task_in_memory_mixes_too(files: Path) -> None:
    for name, label, count in (("a", "x", 30), ("b", "y", 10), ("held", "x", 5)):
        (files / f"{name}.tsv").write_text("".join(f"{row.partition(chr(9))[0]}\t{label}\n" for row in rows(count, count)))
    heard, sources = list[str](), [files / "a.tsv", files / "b.tsv"]
    made = config(sources, files / "held.tsv", "classify", data={"weights": {"a": 0.5, "b": 0.5}}, updates=3, validate_every=3)
    runs.train(made, files / "run", say=heard.append)
    assert any(line.startswith("mixed: an epoch is 40 items, 20 from") for line in heard)


def test_mixtures_that_cannot_be_are_refused(files: Path) -> None:
    one, two = files / "whole.tsv", files / "other.tsv"
    for sources, data, expected in (
        ([one], {"temperature": 5.0}, "two sources or more, to be mixed"),
        ([one, two], {"temperature": 5.0, "weights": {"whole": 1, "other": 1}}, "weights or a temperature"),
        ([one, two], {"weights": {"whole": 1, "others": 1}}, r"'others', which none is called.*Did you mean 'other'"),
        ([one, two], {"weights": {"whole": 1, "other": 0}}, "a mapping of names to numbers above 0"),
        ([one, two], {"temperature": 2.0, "format": "lines"}, "line-aligned files, which are one"),
    ):
        with pytest.raises(ConfigError, match=expected):
            config(sources, files / "valid.tsv", data=data)
    long = files / "long.tsv"
    long.write_text(f"{'a' * 50}\tb\n")
    made = config([one, long], files / "valid.tsv", data={"temperature": 5.0, "max_source_length": 20})
    with pytest.raises(DataError, match=r"long\.tsv: expected items to mix; received none that is learnt from"):
        runs.train(made, files / "run", say=lambda line: None)


def test_another_process_finds_the_store_and_never_writes_into_it(files: Path) -> None:
    runs.train(config([files / "parts"], files / "valid.tsv", updates=1), files / "run", say=lambda line: None)
    own = files / "own"
    own.mkdir()
    share_store(files / "run", own)
    assert (own / CORPUS).is_symlink() and len(Corpus.open(own / CORPUS)) == 60
    before = (files / "run" / CORPUS / "tokens.bin").read_bytes()
    for name in ("tokenizer.source.json", "tokenizer.target.json"):
        (own / name).write_bytes((files / "run" / name).read_bytes())
    task, heard = registry.of("transduce"), list[str]()
    for train, shared in ((files / "parts", True), (files / "other.tsv", False)):
        settled, data = runs._fitted(task, config([train], files / "valid.tsv"), lambda line: None)
        task.ready(settled, data, own, heard.append, fresh=False)
        assert (own / CORPUS).is_symlink() == shared and any("lies in tokens" in line for line in heard)
    assert (files / "run" / CORPUS / "tokens.bin").read_bytes() == before and len(Corpus.open(own / CORPUS)) == 12


def test_a_named_folder_keeps_tokens_for_other_runs(files: Path) -> None:
    data, heard = {"store": str(files / "stores"), "workers": 2}, list[str]()
    for run in ("first", "second"):
        runs.train(config([files / "parts"], files / "valid.tsv", data=data, updates=1), files / run, say=heard.append)
    assert len(list((files / "stores").iterdir())) == 1 and not (files / "second" / CORPUS).exists()
    assert sum("lies in tokens in" in line for line in heard) == 1
