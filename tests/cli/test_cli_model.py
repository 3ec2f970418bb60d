"""`predict`, `evaluate` and `view` around a model that answers each source with its letters turned round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.cli.main import run
from regard.config import Config, load_config
from regard.core.errors import RunFolderError
from regard.tasks.base import TaskPrediction
from regard.tasks.options import AnswerOptions, EvaluationOptions
from regard.tasks.transduce.predictor import Transducer


class FakeModel(Transducer):
    """It reads by the config alone, and knows the letters a to f; `asked` keeps the arguments of the last call."""

    config: Config = load_config(None, train=["train.tsv"])
    asked: dict[str, Any] = {}  # noqa: RUF012 - shared on purpose
    set: list[str] = []  # noqa: RUF012 - likewise

    def __init__(self, *folders: Path) -> None:
        self.folders, self.folder = folders, folders[0]

    @classmethod
    def load(cls, folder: Path, *, trust: Iterable[str] = (), precision: str = "float32", device: str = "cpu") -> FakeModel:
        if not Path(folder).name.startswith("run"):
            raise RunFolderError(f"{folder}: not a run")
        return cls(Path(folder))

    def line(self, text: str) -> str:
        return text

    def decided(self, settings: list[str]) -> FakeModel:
        type(self).set = list(settings)
        return self

    @classmethod
    def ensemble(cls, models: list[FakeModel]) -> FakeModel:
        return cls(*(m.folder for m in models))

    def stream(
        self, items: Iterable[Any], options: AnswerOptions, *, attention: bool = True, say: Any = None
    ) -> Iterator[list[TaskPrediction]]:
        given = {name: value for name, value in vars(options).items() if value is not None}
        type(self).asked = asked = given | {"attention": attention, "folders": self.folders}
        for item in items:
            source, features = (item, ()) if isinstance(item, str) else (item.source, item.features)
            yield [self.answer(source, features, rank, attention=asked["attention"]) for rank in range(asked.get("n_best") or 1)]
        if say:
            say("1 source was cut.")

    @staticmethod
    def answer(source: str, features: tuple[str, ...], rank: int, *, attention: bool) -> TaskPrediction:
        if not source:
            return TaskPrediction("", 0.0)
        text = source[::-1] + "'" * rank
        tokens, sources = (*text, "</s>"), (*source, "</s>")
        weights = np.full((1, len(tokens), len(sources)), 1 / len(sources), dtype=np.float32)
        looks = {"decoder.0.cross": weights} if attention else {}
        unknown = tuple(dict.fromkeys(c for c in source if c not in "abcdef"))
        return TaskPrediction(text, -1.5 - rank, tokens, sources, looks, source, features, unknown)

    def evaluate(self, files: list[str], options: EvaluationOptions, *, errors: Path | None = None) -> dict[str, Any]:
        type(self).asked = {"files": files, "beam": options.beam, "errors": errors, "folders": len(self.folders)}
        if errors:
            errors.write_text("kind\n")
        metrics, signatures = {"exact": 0.875, "bleu": 31.25, "loss": float("nan")}, {"bleu": "nrefs:1|tok:13a"}
        return {"metrics": metrics, "items": 1234, "signatures": signatures}


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakeModel]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("regard.tasks.load_run.load_run", FakeModel.load)
    monkeypatch.setattr("regard.tasks.ensembles.make_ensemble", FakeModel.ensemble)
    return FakeModel


@pytest.fixture
def lines(tmp_path: Path) -> str:
    """Three lines, the second of them empty, the last with two symbols never seen and without an end."""
    Path(name := "in.txt").write_text("abc\tignored\n\nfaxxy", encoding="utf-8")
    return name


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> tuple[str, str]:
    assert run(list(args)) == code
    return tuple(capsys.readouterr())  # type: ignore[return-value]  # a pair


def test_text_is_line_for_line_and_unseen_symbols_are_told_once(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    told, said = out(capsys, "predict", "run", lines)
    assert told == "cba\n\nyxxaf\n"
    assert said.splitlines() == [
        "1 source was cut.",
        "Symbols of the input that training never saw, with the number of lines: 'x' (1), 'y' (1).",
    ]
    assert FakeModel.asked["n_best"] == 1 and FakeModel.asked["attention"] is False


def test_tsv(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    told, _ = out(capsys, "predict", "run", lines, "--format", "tsv", "--n-best", "2")
    assert told.splitlines() == [
        "1\t1\t-1.500000\tcba",
        "1\t2\t-2.500000\tcba'",
        "2\t1\t0.000000\t",
        "2\t2\t0.000000\t",
        "3\t1\t-1.500000\tyxxaf",
        "3\t2\t-2.500000\tyxxaf'",
    ]


def test_jsonl(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    told, _ = out(capsys, "predict", "run", lines, "--format", "jsonl")
    first, empty, last = map(json.loads, told.splitlines())
    assert first == {
        "line": 1,
        "source": "abc",
        "features": [],
        "unknown": [],
        "source_tokens": ["a", "b", "c", "</s>"],
        "predictions": [{"text": "cba", "score": -1.5, "tokens": ["c", "b", "a", "</s>"]}],
    }
    assert empty["predictions"] == [{"text": "", "score": 0.0, "tokens": []}] and last["unknown"] == ["x", "y"]


def test_a_prediction_stays_on_its_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("in.jsonl").write_text(json.dumps({"source": "a\nb\tc\rd"}) + "\n")
    assert out(capsys, "predict", "run", "in.jsonl")[0] == "d\\rc\tb\\na\n"
    assert out(capsys, "predict", "run", "in.jsonl", "--format", "tsv")[0] == "1\t1\t-1.500000\td\\rc\\tb\\na\n"


def test_options_reach_the_model(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    args = ["--with", "run2", "--with", "run3", "--beam", "7", "--batch-size", "5", "--n-best", "6", "--format", "tsv"]
    out(capsys, "predict", "run", lines, *args)
    assert FakeModel.asked == {
        "beam": 7,
        "n_best": 6,
        "batch_size": 5,
        "attention": False,
        "folders": (Path("run"), Path("run2"), Path("run3")),
    }


def test_more_than_the_beam_holds(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    told, said = out(capsys, "predict", "run", lines, "--n-best", "6", "--format", "tsv", code=2)
    assert (told, said) == ("", "--n-best: expected at most as many as the beam holds (5); received 6. Add --beam 6.\n")


def test_a_narrow_beam_gives_what_it_holds(
    capsys: pytest.CaptureFixture[str], lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeModel, "config", load_config(None, ["decode.n_best=3"]))
    out(capsys, "predict", "run", lines, "--beam", "2", "--format", "tsv")
    assert FakeModel.asked["n_best"] == 2


def test_a_model_of_two_plain_files_reads_whole_lines(
    capsys: pytest.CaptureFixture[str], lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeModel, "config", load_config(None, train=["a.de", "a.en"]))
    assert out(capsys, "predict", "run", lines)[0].splitlines()[0] == "derongi\tcba"
    Path("in.tsv").write_text("abc\tignored\n")
    assert out(capsys, "predict", "run", "in.tsv")[0] == "cba\n"


def test_attention_for_numpy(capsys: pytest.CaptureFixture[str], lines: str, tmp_path: Path) -> None:
    out(capsys, "predict", "run", lines, "--format", "tsv", "--n-best", "2", "--attention", "a.npz")
    with np.load("a.npz", allow_pickle=False) as found:
        assert {*found} == {"tokens.json"} | {f"{line}.{rank}.decoder.0.cross" for line in (1, 3) for rank in (1, 2)}
        assert found["1.2.decoder.0.cross"].shape == (1, 5, 4)
        tokens = json.loads(found["tokens.json"])
    assert [(t["line"], t["rank"]) for t in tokens] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert tokens[1]["tokens"] == ["c", "b", "a", "'", "</s>"] and tokens[1]["score"] == -2.5
    out(capsys, "predict", "run", lines, "--format", "tsv", "--n-best", "2", "--attention", "b.npz")
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz", "in.txt"]


def test_attention_as_json_lines(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    out(capsys, "predict", "run", lines, "--attention", "a.jsonl")
    rows = [json.loads(line) for line in Path("a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [np.shape(row["attention"].get("decoder.0.cross", ())) for row in rows] == [(1, 4, 4), (0,), (1, 6, 6)]
    assert rows[0]["source_tokens"] == ["a", "b", "c", "</s>"]


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["predict", "run", "in.txt", "--attention", "old.npz"], "Remove it or choose another name"),
        (["predict", "run", "in.txt", "--attention", "new.txt"], "a name that ends in .npz or .jsonl"),
        (["predict", "run", "in.txt", "--attention", "no/new.npz"], "a folder that exists"),
        (["evaluate", "run", "in.txt", "--errors", "old.tsv"], "Remove it or choose another name"),
        (
            ["evaluate", "run", "in.txt", "--errors", "half.tsv"],
            "'half.kinds.tsv', which exists. Remove it or choose another name",
        ),
        (["view", "run", "in.txt", "--out", "old.html"], "Remove it or choose another name"),
        (["view", "run", "in.txt", "--out", "new.jpg"], ".html"),
        (["view", "run"], "expected FILE or --text TEXT; received neither"),
        (["view", "run", "in.txt", "--text", "abc"], "expected FILE or --text TEXT; received both"),
        (["view", "run", "empty.txt"], "expected at least one line"),
        (["view", "run", "--text", " "], "--text: expected a text with something in it"),
        (["view", "run", "in.txt", "--out", "new.svg", "--n-best", "2"], "a picture shows one answer"),
        (["predict", "run", "in.txt", "--text", "abc"], "expected FILE or --text TEXT; received both"),
        (["predict", "run", "in.txt", "--n-best", "3"], "Add --format tsv, or --format jsonl."),
        (["predict", "run", "in.txt", "--n-best", "9"], "at most as many as the beam holds (5); received 9. Add --beam 9."),
        (["predict", "run", "model.size=3"], "model.size=3: expected decode.KEY=VALUE"),
        (["evaluate", "run", "in.txt", "decod.beam=3"], "Did you mean 'decode'?"),
        (["predict", "nor", "in.txt"], "nor: not a run"),
        (["predict", "run", "absent.txt"], "absent.txt"),
    ],
)
def test_what_is_refused(capsys: pytest.CaptureFixture[str], lines: str, args: list[str], part: str) -> None:
    for name in ("old.npz", "old.tsv", "old.html", "half.kinds.tsv"):
        Path(name).write_text("mine")
    Path("empty.txt").write_text("")
    told, said = out(capsys, *args, code=2)
    assert not told and part in said and "Traceback" not in said
    assert {p.name for p in Path().iterdir()} == {"in.txt", "empty.txt", "old.npz", "old.tsv", "old.html", "half.kinds.tsv"}
    assert all(p.read_text() == "mine" for p in Path().glob("old.*"))


def test_nothing_is_left_of_an_attention_file_that_failed(capsys: pytest.CaptureFixture[str], lines: str, tmp_path: Path) -> None:
    Path("in.txt").write_bytes(b"abc\n\xff\n")
    told, said = out(capsys, "predict", "run", "in.txt", "--attention", "a.npz", code=2)
    assert told == "cba\n" and "in.txt:2" in said
    assert [p.name for p in tmp_path.iterdir()] == ["in.txt"]


def test_evaluate_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    told, said = out(capsys, "evaluate", "run", "a.de", "a.en", "--beam", "3", "--errors", "e.tsv")
    assert FakeModel.asked == {"files": ["a.de", "a.en"], "beam": 3, "errors": Path("e.tsv"), "folders": 1}
    assert told.splitlines() == [
        "items    1,234",
        "exact    0.875    share of items that are right",
        "bleu     31.25    BLEU, 0-100",
        "loss     -        nats a target token, end included",
        "bleu     nrefs:1|tok:13a",
    ]
    assert said == "What went wrong is in e.tsv, its kinds are in e.kinds.tsv.\n"
    told, said = out(capsys, "evaluate", "run", "a.tsv", "--json")
    assert json.loads(told)["metrics"] == {"exact": 0.875, "bleu": 31.25, "loss": None} and not said


def test_view_in_the_terminal(capsys: pytest.CaptureFixture[str], lines: str) -> None:
    told, _ = out(capsys, "view", "run", "--text", "abc")
    assert told.startswith("abc → cba   (-1.500)\n") and "decoder.0.cross" in told
    told, _ = out(capsys, "view", "run", lines)
    assert told.count("decoder.0.cross") == 2  # the empty line is left out


def test_view_as_a_page_and_as_a_picture(capsys: pytest.CaptureFixture[str], lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from regard.view import page, plot

    made: list[Any] = []
    monkeypatch.setattr(page, "write", lambda found, path, title: made.append((len(found), len(found[0]), path, title)))
    monkeypatch.setattr(plot, "write", lambda prediction, path: made.append((prediction.text, path)) or ["A font is missing."])
    _, said = out(capsys, "view", "run", lines, "--out", "p.html")
    assert said == "1 source was cut.\np.html is written.\n"
    _, said = out(capsys, "view", "run", lines, "--out", "p.SVG")
    assert said.splitlines() == [
        "A picture shows the first line of the file; cut out others with head, tail or sed to see them.",
        "1 source was cut.",
        "A font is missing.",
        "p.SVG is written.",
    ]
    assert made == [(2, 5, Path("p.html"), "run: where it looked"), ("cba", Path("p.SVG"))]


def test_head_may_close_the_pipe(tmp_path: Path) -> None:
    Path("in.txt").write_text("abc\n" * 50_000)
    code = (
        "import sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('fakes', {str(Path(__file__))!r}); fakes = u.module_from_spec(spec)\n"
        "sys.modules['fakes'] = fakes; spec.loader.exec_module(fakes)\n"
        "import regard.tasks.load_run as module; module.load_run = fakes.FakeModel.load\n"
        "from regard.cli.main import main; main()"
    )
    args = [sys.executable, "-c", code, "predict", "run", "in.txt"]
    with subprocess.Popen(
        args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == b"cba\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
