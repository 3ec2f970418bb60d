"""Classes of the user's: named by a config, found, refused with the reason, and never run out of a stranger's folder."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import regard
from regard.attention import Score, Weighting
from regard.build import networks, user_classes
from regard.cli.main import run
from regard.config import load_config, mechanisms, read_config, trust
from regard.config.mechanisms import Word
from regard.core.errors import ConfigError, RunFolderError
from regard.tasks.load_run import load_run
from regard.tasks.transduce.demo_data import dates

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import pathlib
pathlib.Path(r"{mark}").write_text("this ran")
from torch import nn, zeros
from regard.attention import Everywhere, Inner, Score, Softmax, Weighting
from regard.core.errors import ConfigError

class Near(Score):
    same_width = True
    def __init__(self, by: float = 1.0, *, shift: float = 0.0):
        super().__init__()
        self.by, self.shift = nn.Parameter(zeros(()) + by), shift
    def form(self, query, memory, at):
        return Inner(2 * self.by * query, memory.keys, self.shift - self.by * memory.keys.square().sum(-1)[:, :, None])

class Sized(Near):
    same_width = False
    def __init__(self, query_size, key_size, size, *, heads):
        super().__init__()
        self.sizes = query_size, key_size, size, heads

class Picky(Near):
    def __init__(self, by):
        raise ConfigError("Picky: no.") if by == 1 else ZeroDivisionError("by nought")

class Unfinished(Score):
    pass

class Asks(Weighting):
    def __init__(self, heads): ...

class All(Everywhere): ...
class Soft(Softmax): ...
number = 3
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of the user's in the current folder, with a name that no test had before; RAN is written when it is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = f"planted_{next(COUNT)}"
    path = tmp_path / f"{name}.py"
    path.write_text(CODE.replace("{mark}", str(tmp_path / "RAN")), encoding="utf-8")
    yield path
    sys.modules.pop(name, None)


COUNT = itertools.count()


def made(word: str, **more: object) -> torch.nn.Module:
    return networks.make_attention(**{"score": word, "query_size": 4, "memory_size": 4, **more}).score  # type: ignore[arg-type]  # any words


# The words


def test_a_class_stands_where_a_word_does() -> None:
    assert str(mechanisms.scope("~m:A&causal|(m:B|window( 1 ))")) == "~m:A & causal | m:B | window(1)"
    assert mechanisms.weighting("m:A(0.5)") == Word("m:A", (0.5,))
    config = read_config({"model": {"attention": {"score": "m:A(2)", "scope": "causal & m:B", "weighting": "x.y:C"}}})
    assert load_config(None, ["model.attention={score: m:A(2), scope: causal & m:B, weighting: x.y:C}"]) == config
    assert [n.key for n in trust.find_user_classes(config)] == [
        "model.attention.score",
        "model.attention.scope",
        "model.attention.weighting",
    ]
    assert trust.modules(config) == ["m", "x.y"]
    assert not trust.find_user_classes(load_config(None, train=["c:wrong.tsv"]))


@pytest.mark.parametrize("look", ["attention", "self_attention", "past"])
@pytest.mark.parametrize("noun", ["score", "scope", "weighting"])
def test_a_class_is_seen_wherever_it_stands(look: str, noun: str) -> None:
    family = "transformer" if look == "self_attention" else "recurrent"
    config = read_config({"model": {"family": family, look: {noun: "m:A"}}})
    assert trust.find_user_classes(config) == [trust.Named(f"model.{look}.{noun}", "m:A", "m")]


def test_every_class_that_can_be_read_can_be_seen() -> None:
    """`trust.named` searches text, so it must see whatever the reader reads."""
    for text in ("m:A", "(m:A)", "~(~m:A)", "causal&m:A", "causal|m:A(1,a=2)", "\tm:A\n", "ｍ:Ａ", "é.ß:Ñ"):
        (leaf, *_) = [w for w in mechanisms.leaves(mechanisms.scope(text)) if w.module]
        config = read_config({"model": {"attention": {"scope": text}}})
        assert trust.modules(config) == [leaf.module]


# The classes


def test_what_a_constructor_gets(beside: Path) -> None:
    m = beside.stem
    score = made(f"{m}:Near(0.25, shift=2)")
    assert (score.by.item(), score.shift) == (0.25, 2)
    assert made(f"{m}:Sized").sizes == (4, 4, 4, 1)
    assert made(f"{m}:Sized(7)", query_size=6, memory_size=5, heads=2).sizes == (3, 3, 7, 2)
    assert [type(t).__name__ for t in made(f"{m}:Near + general").terms] == ["Near", "General"]
    look = networks.make_attention(scope=f"~{m}:All | causal", weighting=f"{m}:Soft", query_size=4, memory_size=4)
    assert type(look.scope.a.a).__name__ == "All" and type(look.weighting).__name__ == "Soft"
    assert (sys.path[-1], sys.path[0]) == (str(beside.parent), sys.path[0]) and sys.path[0] != str(beside.parent)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("{m}:Nearr", "expected a class Nearr in .*no such class .*Near, .*Did you mean 'Near'"),
        ("{m}x:Near", "expected a module {m}x; received none in .*nor among what is installed.*Did you mean '{m}'"),
        ("{m}.scores:Near", "expected a module {m}.scores; received none in"),
        ("{m}:number", "expected a Score; received no class at all"),
        ("{m}:Soft", r"expected a Score; received a class of Softmax. Write class Soft\(regard.attention.Score\)"),
        ("{m}:Near(1, 2, 3)", r"expected {m}:Near\(by\?, shift\?\); received '{m}:Near\(1, 2, 3\)'"),
        ("{m}:Near(bye=1)", "Did you mean 'by'"),
        ("{m}:Near(1, by=1)", "Give it what it takes"),
        ("{m}:Sized(heads=2)", r"expected {m}:Sized\(size\?\)"),
        ("{m}:Picky", r"expected {m}:Picky\(by\)"),
        ("{m}:Picky(1)", "^Picky: no.$"),
        ("{m}:Picky(2)", r"received ZeroDivisionError: by nought \({m}.py:\d+\)"),
        ("{m}:Unfinished", "received TypeError: Can't instantiate abstract class Unfinished"),
        ("broken:X", r"expected a module broken that can be imported; received NameError: .*'torhc'.* \(broken.py:2\)"),
        ("lacks:X", "a module lacks that can be imported; received ModuleNotFoundError: No module named 'absent'"),
        ("unclear:X", r"received SyntaxError: .*\(unclear.py, line 1\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_had(beside: Path, word: str, told: str) -> None:
    for name, text in {"broken": "\ntorhc.x", "lacks": "import absent", "unclear": "def"}.items():
        Path(f"{name}.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told.replace("{m}", beside.stem)):
        made(word.replace("{m}", beside.stem))


def test_each_kind_in_its_own_place(beside: Path) -> None:
    m = beside.stem
    for kinds in ({"score": f"{m}:Soft"}, {"scope": f"causal & {m}:Near"}, {"weighting": f"{m}:All"}):
        with pytest.raises(ConfigError, match=r"expected a (Score|Scope|Weighting);"):
            networks.make_attention(query_size=4, memory_size=4, **kinds)
    with pytest.raises(ConfigError, match="expected a constructor that a Weighting can have; received one that asks for heads"):
        user_classes.make_instance(Word(f"{m}:Asks"), Weighting, {})
    assert issubclass(user_classes.find_class(Word(f"{m}:Near"), Score), Score)


def test_equal_widths_are_asked_for(beside: Path) -> None:
    for word in ("dot", f"general + {beside.stem}:Near"):
        with pytest.raises(ConfigError, match="queries and keys of one width; received queries of width 4 and keys of width 5"):
            made(word, memory_size=5, project=False)
        made(word, memory_size=5, project=True)
        made(word, memory_size=5)
    made(f"{beside.stem}:Sized", memory_size=5)


# The runs


@pytest.fixture
def trained(beside: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """A run that names the planted module, as it would come from somewhere else: nothing has been imported yet."""
    pairs, _ = dates(3, 40)
    Path("t.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    sizes = "encoder: gru, decoder: gru, size: 8, embedding: 4"
    Path("c.yaml").write_text(
        f"data: {{train: t.tsv}}\nmodel: {{{sizes}, attention: '{beside.stem}:Near(0.5) + general'}}\ntrain: {{epochs: 1, samples: 0}}\n",
        encoding="utf-8",
    )
    assert run(["train", "c.yaml", "--out", "run"]) == 0
    told = capfd.readouterr().err
    assert f"note: model.attention.score names {beside.stem}:Near, code that is not Regard's" in told
    assert f"regard predict run FILE --trust {beside.stem} " in told
    assert Path("RAN").exists()
    Path("RAN").unlink()
    del sys.modules[beside.stem]
    sys.path[:] = [p for p in sys.path if p != str(beside.parent)]
    return beside


LOADS = {
    "predict": ["predict", "run", "t.tsv"],
    "with another": ["predict", "run", "t.tsv", "--with", "run"],
    "evaluate": ["evaluate", "run", "t.tsv"],
    "view": ["view", "run", "--text", "5/7/99"],
    "resume": ["train", "--resume", "--out", "run"],
    "resume by name": ["train", "run/config.yaml", "--resume", "--out", "run"],
    "resume with a key": ["train", "--resume", "--out", "run", "train.epochs=1"],
}


@pytest.mark.parametrize("command", LOADS)
def test_a_strangers_code_does_not_run(trained: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    m = trained.stem
    for given in ([], ["--trust", "other"], ["--trust", f"{m}.more"], ["--trust", m[:-1]]):
        assert run([*LOADS[command], *given]) == 2
        out, err = capfd.readouterr()
        assert out == "" and f"{Path('run/config.yaml')}: expected only words of Regard's own" in err
        assert f"{m}:Near in model.attention.score" in err and f"add --trust {m} (in Python" in err
        assert not Path("RAN").exists() and m not in sys.modules
    assert run([*LOADS[command], "--trust", "other", "--trust", m]) == 0
    assert Path("RAN").exists()


def test_from_python(trained: Path) -> None:
    m = trained.stem
    for load in (regard.load, load_run):
        with pytest.raises(RunFolderError, match=rf'trust=\("{m}",\)') as caught:
            load("run")
        assert caught.value.exit_code == 2 and not Path("RAN").exists() and m not in sys.modules
        with pytest.raises(RunFolderError, match=rf'trust=\("a", "{m}"\)'):
            load("run", trust=["a"])
    model = regard.load("run", trust=(m,))
    assert Path("RAN").exists() and model.predict(["5/7/99"])[0].source == "5/7/99"


def test_what_needs_no_code_runs_none(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`info` and `--print-config` only read; the card says whose code it is."""
    assert run(["info", "run"]) == 0 and run(["train", "--resume", "--out", "run", "--print-config"]) == 0
    told, card = capfd.readouterr().out, (Path("run") / "README.md").read_text(encoding="utf-8")
    assert not Path("RAN").exists() and trained.stem not in sys.modules
    assert f"{trained.stem}:Near(0.5) + general" in told and f"open the run with --trust {trained.stem}" in told
    assert f"code that is not Regard's, and runs where the model does: {trained.stem}:Near\n" in card
    assert f"regard predict run FILE --trust {trained.stem}\n" in card


SPELLINGS = [
    "run/config.yaml",
    "./run/config.yaml",
    "run//config.yaml",
    "run/../run/config.yaml",
    "{here}/run/config.yaml",
    "link.yaml",
]


@pytest.mark.parametrize("out", ["run", "{here}/run", "./run", "to_run"])
@pytest.mark.parametrize("spelt", [*SPELLINGS, "hard.yaml", "to_run/config.yaml", "run/copy.yaml"])
def test_however_a_runs_own_config_is_spelt(trained: Path, spelt: str, out: str, capfd: pytest.CaptureFixture[str]) -> None:
    """In both doors: it is the run's, and so anybody's."""
    Path("link.yaml").symlink_to("run/config.yaml")
    Path("hard.yaml").hardlink_to("run/config.yaml")
    Path("to_run").symlink_to("run")
    Path("run/copy.yaml").write_bytes(Path("run/config.yaml").read_bytes())
    spelt, out = spelt.format(here=Path.cwd()), out.format(here=Path.cwd())
    assert run(["train", spelt, "--resume", "--out", out]) == 2
    assert "expected only words of Regard's own" in capfd.readouterr().err
    with pytest.raises(RunFolderError, match="expected only words of Regard's own"):
        regard.train(spelt, out, resume=True)
    with pytest.raises(RunFolderError, match="expected only words of Regard's own"):
        regard.train(load_config(spelt), out, resume=True)
    assert not Path("RAN").exists() and trained.stem not in sys.modules


def test_from_python_a_run_is_gone_on_with_by_those_who_trust_it(trained: Path) -> None:
    regard.train("run/config.yaml", "run", resume=True, trust=(trained.stem,))
    assert Path("RAN").exists()


def test_the_users_own_config_resumes(trained: Path) -> None:
    assert run(["train", "c.yaml", "--resume", "--out", "run"]) == 0 and Path("RAN").exists()


def test_what_cannot_be_built_leaves_nothing_behind(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "c.yaml", "model.attention=nowhere:X", "--out", "another"]) == 2
    assert "expected a module nowhere" in capfd.readouterr().err and not Path("another").exists()


def test_a_run_becomes_a_network_at_one_place_that_asks() -> None:
    """Only tasks build from a config: in training the user's own, and a run folder's where a task is told to `open` it; and only
    `tasks/load_run.py` tells it to, which refuses strangers right before."""
    builds, opens = set(), {}
    for path in (ROOT / "src").rglob("*.py"):
        calls = [ast.unparse(n.func) for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
        if {"build_seq2seq", "networks.recurrent", "networks.transformer"} & set(calls):
            builds.add(path.relative_to(ROOT / "src" / "regard").parts[0])
        if any(call.startswith("registry.of(") and call.endswith(".open") for call in calls):
            opens[path.name] = "refuse_strangers" in calls
    assert builds == {"tasks"} and opens == {"load_run.py": True}
