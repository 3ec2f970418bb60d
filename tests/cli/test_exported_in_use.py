"""What `regard export` made, where the commands take a run: the same answers, and PyTorch is not imported for them."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import regard
from regard import exported
from regard.cli.main import run as command
from regard.export import folder as exports
from regard.export.folder import export_run
from regard.runtime.folder import WEIGHTS
from regard.tasks.answer_json import of_hypothesis, of_scored, of_source

from . import small
from .serving import running

AWAY = {"torch"}
BARRED = """
import sys
class Barrier:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in AWAY:
            raise ImportError(f"{name} is barred here")
sys.meta_path.insert(0, Barrier())
from regard.cli.main import main
main()
""".replace("AWAY", repr(AWAY))
SERVING = BARRED.replace(repr(AWAY), repr(AWAY | {"yaml", "sacrebleu", "jaxtyping"}))  # docker/needs.py has none of them
TEXTS = [*small.words(6, 3), "Ω≈", "bada gu", "x"]
MADE = {"phones": small.transducer, "again": lambda folder: small.transducer(folder, train={"seed": 2}), "tags": small.tagger}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Runs, each with what was exported of it."""
    made, place = {}, tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "MADE_UP", 30)
        for name, make in MADE.items():
            run = make(place / name)
            export_run(run, place / f"{name}.out", say=lambda line: None)
            made[name] = run, place / f"{name}.out"
    return made


def without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BARRED, *map(str, words)], capture_output=True, text=True, timeout=60)


def test_commands_need_no_torch(folders, tmp_path):
    """Of a run they do: the barrier is at work."""
    run, folder = folders["phones"]
    lines = (run.parent / "words.tsv").read_text("utf-8").splitlines()[:9]
    (tmp_path / "gold.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    assert "torch is barred here" in without_torch("predict", run, "--text", "ba").stderr
    for words in (
        ("predict", folder, "--text", "bada", "--with", folders["again"][1]),
        ("view", folder, "--text", "bada"),
        ("view", folder, tmp_path / "gold.tsv", "--out", tmp_path / "page.html"),
        ("evaluate", folder, tmp_path / "gold.tsv", "--with", folders["again"][1]),
        ("score", folder, tmp_path / "gold.tsv"),
        ("info", folder),
    ):
        done = without_torch(*words)
        assert done.returncode == 0, (words, done.stderr[-2000:])
    assert lines[0].split("\t")[0] in (tmp_path / "page.html").read_text("utf-8")


def test_what_commands_say_is_what_they_say_of_the_run(folders, tmp_path, capsys):
    run, folder = folders["phones"]
    lines = (run.parent / "words.tsv").read_text("utf-8").splitlines()[:9]
    (tmp_path / "gold.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    for words in (
        ("view", "--text", "bada"),
        ("predict", "--text", "bada"),
        ("predict", "--text", "bada", "--n-best", "3", "--format", "tsv"),
    ):
        said = []
        for model in (run, folder):
            assert command([words[0], str(model), *words[1:], *(("--beam", "3") if "--n-best" in words else ())]) == 0
            said.append(capsys.readouterr().out)
        assert [line.split("\t")[-1] for line in said[0].splitlines()] == [line.split("\t")[-1] for line in said[1].splitlines()]
    figures = []
    for model in (run, folder):
        assert command(["evaluate", str(model), str(tmp_path / "gold.tsv"), "--json"]) == 0
        figures.append(json.loads(capsys.readouterr().out)["metrics"])
    assert figures[0] == pytest.approx(figures[1], abs=1e-4)


@pytest.mark.parametrize("mixed", [False, True])
def test_an_ensemble_of_exports_answers_as_that_of_the_runs(folders, mixed):
    runs = [regard.load(folders[name][0]) for name in ("phones", "again")]
    made = [exported.load(folders["phones"][1]), runs[1] if mixed else exported.load(folders["again"][1])]
    alone = [p.score for p in made[0].predict(TEXTS)]
    for way in ({"beam": 1}, {"beam": 3, "n_best": 3}, {"sample": True, "seed": 5}):
        right, told = (list(regard.Model.ensemble(models).stream(TEXTS, **way)) for models in (runs, made))
        assert [[p.text for p in best] for best in told] == [[p.text for p in best] for best in right]
        for a, b in zip((p for best in right for p in best), (p for best in told for p in best), strict=True):
            assert b.score == pytest.approx(a.score, abs=1e-4) and b.attention.keys() == a.attention.keys()
        assert [best[0].score for best in told] != alone


def test_without_torch_a_run_is_refused_by_name(folders):
    """As in an image that serves exported folders alone."""
    code = BARRED.replace(
        "from regard",
        "import importlib.util as util\nutil.find_spec = lambda name: None if name == 'torch' else 1\nfrom regard",
        1,
    )
    for verb, *more in (("predict", "--text", "a"), ("serve", "--port", "0")):
        words = [sys.executable, "-c", code, verb, str(folders["tags"][0]), *more]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "expected an exported folder, as PyTorch is not installed here" in done.stderr


def test_info_says_what_an_export_is(folders, capsys):
    assert command(["info", str(folders["tags"][1])]) == 0
    said = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["task"].strip() == "tag" and said["precision"].strip() == "float32" and "0 of them other texts" in said["proved"]


@pytest.mark.parametrize("words", [("export", "--out", "x"), ("pack", "x")])
def test_nothing_else_is_made_of_an_export(folders, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command([words[0], str(folders["tags"][1]), *words[1:]]) == 2
    assert "an exported folder, which is used and not made anything else of" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_bytes_are_not_asked_of_an_export(folders, capsys):
    for verb in (["predict", str(folders["tags"][1]), "--text", "a"], ["serve", str(folders["tags"][1]), "--port", "0"]):
        assert command([*verb, "--precision", "int8"]) == 2
        assert "Export the run again with --precision int8" in capsys.readouterr().err


def test_whoever_may_read_the_folder_may_read_its_weights(folders):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folders["tags"][1].iterdir()}
    assert len(modes) == 1, WEIGHTS


def test_a_server_of_exports_never_imports_torch(folders):
    """Several, each answered as from Python, bit for bit, alone and side by side."""
    pytest.importorskip("starlette", reason="needs the extra `serve`: pip install '.[serve]' in the checkout")
    words = [f"{name}={folder}" for name, (_, folder) in folders.items()]
    models = {name: exported.load(folder) for name, (_, folder) in folders.items()}
    with running(sys.executable, "-c", SERVING, "serve", "--port", "0", *words) as served:
        for name, model in models.items():
            for texts in (TEXTS, TEXTS[:1]):
                right = [[{**of_hypothesis(p), **of_source(p)} for p in best] for text in texts for best in model.stream([text])]
                told = served.ask("/v1/predict", {"texts": texts, "model": name})[1]["predictions"]
                assert told == json.loads(json.dumps(right))
        asked = {"texts": TEXTS[:2], "model": "phones", "attention": True, "options": {"beam": 3, "n_best": 2}}
        for text, best in zip(TEXTS, served.ask("/v1/predict", asked)[1]["predictions"], strict=False):
            (right,) = models["phones"].stream([text], beam=3, n_best=2)
            assert [p["attention"] for p in best] == [{n: w.tolist() for n, w in p.attention.items()} for p in right]
        pairs = [["bada", "b a d a"], ["gu", "g u"]]
        told = served.ask("/v1/score", {"pairs": pairs, "model": "phones"})[1]["scores"]
        alone = [models["phones"].score([tuple(pair)])[0] for pair in pairs]
        assert told == json.loads(json.dumps([of_scored(each) for each in alone]))
        assert served.end() == 0


def test_a_run_and_an_export_are_served_together(folders):
    pytest.importorskip("starlette", reason="needs the extra `serve`: pip install '.[serve]' in the checkout")
    run, folder = folders["phones"]
    with running(
        sys.executable, "-m", "regard", "serve", f"run={run}", f"export={folder}", "--port", "0", "--threads", "1"
    ) as served:
        one, two = (served.ask("/v1/predict", {"texts": TEXTS, "model": name})[1] for name in ("run", "export"))
        assert [[p["text"] for p in best] for best in one["predictions"]] == [
            [p["text"] for p in best] for best in two["predictions"]
        ]
        assert one["model"]["version"] != two["model"]["version"]
