"""`regard plot`: what was reported of runs is drawn whole, and who lacks what is said."""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from regard.cli.main import run
from regard.training.history import place, read_history
from regard.view.curves import lay_out
from regard.view.curves_page import html

CLASSES = "task: classify\nmodel: {size: 8}\n"
STEPS = (4, 8, 12, 16)


def make_run(folder: Path, figure: str = "exact", *, config: str = "", losses: tuple[float, ...] = (3.0, 2.0, 1.0, 1.5)) -> Path:
    """A run folder with a report and a validation in each of its epochs, whose best is the one of the least loss."""
    folder.mkdir()
    (folder / "config.yaml").write_text(config or f"train: {{metric: {figure}}}\n", encoding="utf-8")
    rows = []
    for number, (step, loss) in enumerate(zip(STEPS, losses, strict=False), 1):
        common = {"step": step, "epoch": number, "seconds": step / 2}
        rows.append({"kind": "train", **common, "loss": loss + 1, "learning_rate": 0.1 / number})
        rows.append({"kind": "valid", **common, "loss": loss, figure: 1 / loss, "best": loss == min(losses[:number])})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_every_report_and_validation_is_in_its_panel_and_the_kept_one_is_marked(tmp_path):
    panels, notes = lay_out([read_history(make_run(tmp_path / "a"))])
    assert [(panel.figure, panel.small) for panel in panels] == [("loss", False), ("exact", False), ("learning_rate", True)]
    loss, exact, rate = (panel.curves[0] for panel in panels)
    assert loss.training == [(4, 4.0), (8, 3.0), (12, 2.0), (16, 2.5)] and loss.validation[2] == loss.kept == (12, 1.0)
    assert exact.training == [] and exact.kept == (12, 1.0) and rate.kept is None
    assert notes == []
    over_time, _ = lay_out([read_history(tmp_path / "a")], ["exact"], axis="seconds")
    assert over_time[0].curves[0].kept == (6.0, 1.0)


def test_a_rate_that_never_changes_has_no_panel(tmp_path):
    made = make_run(tmp_path / "a")
    text = (made / "metrics.jsonl").read_text("utf-8")
    (made / "metrics.jsonl").write_text(re.sub(r'"learning_rate": [\d.]+', '"learning_rate": 0.1', text), encoding="utf-8")
    assert [panel.figure for panel in lay_out([read_history(made)])[0]] == ["loss", "exact"]


def test_rows_stand_within_their_epoch_as_their_updates_do():
    rows = [{"step": step, "epoch": epoch} for step, epoch in ((5, 1), (10, 1), (15, 2), (20, 2), (25, 3))]
    assert place(rows, "epochs") == [0.5, 1.0, 1.5, 2.0, 2.5]  # the third epoch is not over
    assert place(rows, "updates") == [5, 10, 15, 20, 25] and place(rows, "seconds") == [None] * 5


def test_runs_of_other_tasks_and_at_their_beginning_are_drawn_and_said(tmp_path, capsys):
    one, other = make_run(tmp_path / "一", "exact"), make_run(tmp_path / "b", "accuracy", config=CLASSES)
    begun = make_run(tmp_path / "begun", losses=(2.0,))
    first = (begun / "metrics.jsonl").read_text("utf-8").splitlines()[0]
    (begun / "metrics.jsonl").write_text(first + "\n", encoding="utf-8")
    bare = make_run(tmp_path / "bare", losses=())
    assert run(["plot", *map(str, (one, other, begun, bare)), "--out", str(tmp_path / "page.html")]) == 0
    told = capsys.readouterr().err
    assert "begun has no validation yet." in told and "bare has reported nothing yet." in told
    assert "exact: b (classify) has none." in told and "accuracy: 一 (transduce) has none." in told
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    pictures = [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page)]
    assert [len(picture.findall(".//circle[@class='kept']")) for picture in pictures] == [2, 1, 1, 0]
    assert [len(picture.findall(".//polyline")) for picture in pictures] == [5, 1, 1, 3]
    assert [len(picture.findall(".//circle[@class='training']")) for picture in pictures] == [1, 0, 0, 1]


def test_a_page_draws_points_where_they_are(tmp_path):
    runs = [read_history(make_run(tmp_path / "<a>"))]
    page = html(lay_out(runs, ["loss"])[0], runs, axis="updates")
    assert "<a>" not in page and "&lt;a&gt;: 3 at 4 updates" in page
    line = re.search(r'class="validation" points="([^"]+)"', page)
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line[1].split()]
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    assert max(steps) - min(steps) < 0.2 and points[2][1] == max(y for _, y in points)  # the least loss is lowest


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_pictures_are_files_and_the_same_each_time(tmp_path, ending):
    pytest.importorskip("matplotlib", reason="the extra plots draws")
    made = make_run(tmp_path / "a")
    for name in ("one", "two"):
        assert run(["plot", str(made), "--out", str(tmp_path / f"{name}.{ending}"), "--x", "epochs"]) == 0
    assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_page_needs_no_matplotlib_and_a_picture_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    made = make_run(tmp_path / "a")
    assert run(["plot", str(made), "--out", str(tmp_path / "a.html")]) == 0
    assert run(["plot", str(made), "--out", str(tmp_path / "a.svg")]) == 1
    assert "Run: pip install -e '.[plots]'. A page (.html)" in capsys.readouterr().err and not (tmp_path / "a.svg").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["RUN/../rum"],
            "rum: expected a run folder, as regard train makes it; received no such folder. Name the folder of a run.",
        ),
        (["RUN", "--metric", "exat"], "received 'exat'. Choose one of these. Did you mean 'exact'?"),
        (["BARE"], "expected a run that has reported something; received none"),
        (["RUN", "DAMAGED"], "metrics.jsonl:2 is damaged: expected JSON lines; received a figure that is no number"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, capsys, words, told):
    make_run(tmp_path / "run")
    make_run(tmp_path / "bare", losses=())
    damaged = make_run(tmp_path / "damaged") / "metrics.jsonl"
    damaged.write_text(damaged.read_text("utf-8").replace('"loss": 3.0', '"loss": "3.0"'), encoding="utf-8")
    places = {"RUN": "run", "BARE": "bare", "DAMAGED": "damaged"}
    for name, folder in places.items():
        words = [word.replace(name, str(tmp_path / folder)) for word in words]
    assert run(["plot", *words, "--out", str(tmp_path / "a.html")]) == 2
    assert told in capsys.readouterr().err and not (tmp_path / "a.html").exists()
