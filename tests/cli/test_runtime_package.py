"""`regard_runtime`, as its wheel holds it: built of Regard's modules, it runs where neither Regard nor PyTorch is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import regard
from regard.export import folder as exports
from regard.export.folder import export_run
from tests.laws.test_export import trained

ROOT = Path(__file__).resolve().parents[2]
BARRED = """
import sys
class Barrier:
    def find_spec(self, name, path=None, target=None):
        away = {"regard", "torch", "pydantic", "typer", "yaml", "sacrebleu", "matplotlib", "pyarrow", "jaxtyping"}
        if name.split(".")[0] in away:
            raise ImportError(f"{name} is barred here")
sys.meta_path.insert(0, Barrier())
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel of it would be unpacked to."""
    made = tmp_path_factory.mktemp("library")
    words = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(made), "build_ext", "--build-lib", str(made)]
    subprocess.run(words, cwd=ROOT / "runtime", check=True, capture_output=True)
    return made


def run(
    library: Path, code: str, *words: str, text: str = "", before: str = BARRED, **env: str
) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(library), "PATH": ""} | env
    return subprocess.run([sys.executable, "-c", before + code, *words], input=text, capture_output=True, text=True, env=env)


def test_every_module_of_it_can_be_imported(library):
    names = [".".join(p.relative_to(library).with_suffix("").parts) for p in sorted(library.rglob("*.py"))]
    assert {name.split(".")[0] for name in names} == {"regard_runtime"}
    assert len(names) > 100 and "regard_runtime.tasks.tag.predictor" in names
    done = run(
        library,
        f"import importlib\nfor name in {[n.removesuffix('.__init__') for n in names]!r}:\n    importlib.import_module(name)",
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", ["tag", "forecast", "transduce"])
def test_it_answers_as_regard(library, name, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "MADE_UP", 20)
    run_folder, items = trained(name, tmp_path)
    export_run(run_folder, tmp_path / "out", items=items, say=lambda line: None)
    given = [item.tolist() if hasattr(item, "tolist") else item for item in items]
    code = f"""
import json, regard_runtime
model = regard_runtime.load({str(tmp_path / "out")!r})
print(json.dumps([[p.text, p.score, sorted(p.attention)] for p in model.predict(json.loads({json.dumps(given)!r}))]))
"""
    done = run(library, code)
    assert done.returncode == 0, done.stderr[-2000:]
    for (text, score, looks), right in zip(json.loads(done.stdout), regard.load(run_folder).predict(items), strict=True):
        assert looks == sorted(right.attention) and (name == "forecast" or text == right.text)
        assert score is None or score == pytest.approx(right.score, abs=1e-4)


def test_what_is_slow_to_import_is_not(library, tmp_path, monkeypatch):
    """Where it is installed, too: what is barred above might be asked for and done without."""
    monkeypatch.setattr(exports, "MADE_UP", 20)
    run_folder, _ = trained("transduce", tmp_path)
    export_run(run_folder, tmp_path / "out", say=lambda line: None)
    code = f"""
import sys
sys.argv[1:] = [{str(tmp_path / "out")!r}, "--text", "ab"]
from regard_runtime.cli.run_exported import main
try:
    main()
finally:
    slow = {{"torch", "pydantic", "jaxtyping", "typer", "yaml", "huggingface_hub", "asyncio", "regard"}}
    print(sorted(slow & sys.modules.keys()))
"""
    done = run(library, code, before="")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["[]"]), done.stdout + done.stderr[-2000:]


def test_its_command_says_what_is_wrong(library, tmp_path):
    done = run(library, "from regard_runtime.cli.run_exported import main\nmain()", str(tmp_path), text="a\n")
    assert done.returncode == 2 and done.stderr.startswith(f"{tmp_path}") and "Traceback" not in done.stderr


def test_its_command_speaks_chinese(library, tmp_path):
    code = "from regard_runtime.cli.run_exported import main; main()"
    told = run(library, code, str(tmp_path / "none"), text="a\n", REGARD_LANG="zh", PYTHONIOENCODING="utf-8").stderr
    assert "应为由 regard export 生成的目录" in told, told
