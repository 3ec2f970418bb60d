"""Bad input to captions: each message names the file, the line and what to do; and the doors: predict, evaluate, view, ensembles."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import regard
from regard import runs as fit
from regard.cli.main import run
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.columns import Layout
from regard.data.images import read_image, write_png
from regard.data.row_parser import RecordError
from regard.tasks.caption.data import merged, read_arrays, read_captioned, read_images
from regard.tasks.caption.demo_data import scenes
from regard.view import page, plot, terminal

MODEL = {"decoder": "gru", "embedding": 8, "size": 12}
TRAIN = {"epochs": 1, "batch_tokens": 200, "learning_rate": 1e-2, "samples": 0, "threads": 1}


def fill(folder: Path, count: int = 30) -> list[str]:
    """Pictures and their table."""
    train = scenes(1, count)[0]
    for i, scene in enumerate(train):
        (folder / f"{i}.png").write_bytes(write_png(scene.pixels))
    (folder / "t.tsv").write_text("".join(f"{i}.png\t{s.caption}\n" for i, s in enumerate(train)), encoding="utf-8")
    return [s.caption for s in train]


def faults(files: list[Path]) -> list[str]:
    return [str(x) for x in read_captioned([str(f) for f in files], Layout()) if isinstance(x, RecordError)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caption")
    fill(folder, 60)
    values = {"task": "caption", "data": {"train": [str(folder / "t.tsv")]}, "model": MODEL, "train": TRAIN}
    fit.train(
        read_config(values | {"caption": {"channels": 4}, "decode": {"max_extra": 9, "min_length": 2}}),
        folder / "run",
        say=lambda line: None,
    )
    return folder


BAD = {
    "a missing image": ("0.png\ta\nno.png\tb\n", ["t.tsv:2", "no.png", "no such name", "Correct the path"]),
    "an image that does not open": ("0.png\ta\nbroken.png\tb\n", ["t.tsv:2", "broken.png", "an image that opens", "not whole"]),
    "no image at all": ("0.png\ta\nt.tsv\tb\n", ["t.tsv:2", "t.tsv", "no PNG, PPM or PGM"]),
    "another size": ("0.png\ta\nsmall.png\tb\n", ["t.tsv:2", "48 x 48 pixels, as 0.png", "t.tsv:1", "40 x 48", "one size"]),
    "an empty caption": ("0.png\t \n", ["t.tsv:1", "a caption with text in it", "an empty caption", "Correct the line"]),
    "no caption": ("0.png\n", ["t.tsv:1", "a caption with text in it", "an empty caption"]),
    "no name": ("\ta\n", ["t.tsv:1", "the name of an image file", "none"]),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_line_at_fault_is_named(fault, tmp_path):
    fill(tmp_path, 3)
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:100])
    (tmp_path / "small.png").write_bytes(write_png(np.zeros((48, 40, 3), np.uint8)))
    table, parts = BAD[fault]
    (tmp_path / "t.tsv").write_text(table, encoding="utf-8")
    (found,) = faults([tmp_path / "t.tsv"])
    assert all(part in found for part in parts), found


RECORDS = {
    "another key": ('{"file": "0.png", "captions": "a"}', ["x.jsonl:1", "the keys file and caption", "Did you mean 'caption'?"]),
    "a number": ('{"file": "0.png", "caption": 3}', ["x.jsonl:1", "a string or a list of strings under caption"]),
    "no JSON": ("{", ["x.jsonl:1", "a JSON object"]),
    "half a pair": ('{"file": "0.png", "caption": "a \\ud83d"}', ["x.jsonl:1", "whole characters", "half a surrogate pair"]),
    "a name that no file has": ('{"file": "a\\u0000b", "caption": "a"}', ["x.jsonl:1", "an image file", "null"]),
    "an empty caption among others": ('{"file": "0.png", "caption": ["a", ""]}', ["x.jsonl:1", "an empty caption"]),
}


@pytest.mark.parametrize("fault", RECORDS)
def test_a_record_at_fault_is_named(fault, tmp_path):
    fill(tmp_path, 3)
    record, parts = RECORDS[fault]
    (tmp_path / "x.jsonl").write_text(record + "\n", encoding="utf-8")
    (found,) = faults([tmp_path / "x.jsonl"])
    assert all(part in found for part in parts), found


def test_several_captions_and_a_json_list(tmp_path):
    fill(tmp_path, 3)
    records = [{"file": "0.png", "caption": ["a", "b"]}, {"file": "1.png", "caption": "c"}, {"file": "0.png", "caption": "d"}]
    (tmp_path / "x.json").write_text(json.dumps(records), encoding="utf-8")
    found = merged(read_captioned([str(tmp_path / "x.json")], Layout()))
    assert [(item.source, item.captions) for item in found] == [("0.png", ("a", "b", "d")), ("1.png", ("c",))]
    (tmp_path / "x.json").write_text(json.dumps([*records, {"file": "9.png", "caption": "e"}]), encoding="utf-8")
    assert "x.json, element 4" in faults([tmp_path / "x.json"])[0]
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="a JSON list of objects"):
        faults([tmp_path / "x.json"])


ARRAYS = {
    "pickled objects": ({"features": np.array([{"a": 1}], dtype=object)}, ["pickled objects", "numpy.savez"]),
    "a wrong rank": ({"features": np.zeros(3)}, ["array 'features'", "(N, D), (N, K, D) or (N, H, W, D)", "of shape (3,)"]),
    "text": ({"features": np.array(["a"])}, ["(N, D)", "<U1"]),
    "two arrays": ({"a": np.zeros((1, 2)), "b": np.zeros((1, 2))}, ["one array, or one called images or features", "a, b"]),
    "nan": ({"features": np.array([[0.0], [np.nan]])}, ["row 1", "finite numbers"]),
    "images of floats": ({"images": np.zeros((2, 4, 4, 3))}, ["images (N, H, W, 3) of bytes", "float64"]),
}


@pytest.mark.parametrize("fault", ARRAYS)
def test_arrays_at_fault(fault, tmp_path):
    arrays, parts = ARRAYS[fault]
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError) as error:
        read_arrays(str(tmp_path / "x.npz"))
    assert all(part in str(error.value) for part in parts), error.value


def test_beside_arrays_names_are_only_shown(tmp_path):
    """Rows that differ are different images; rows that do not are one, with all its captions."""
    np.savez(tmp_path / "x.npz", features=np.array([[0.0], [1.0], [0.0]]))
    (tmp_path / "t.tsv").write_text("photo\ta cat\nphoto\ta dog\nphoto\ta cow\n", encoding="utf-8")
    found = merged(read_captioned([str(tmp_path / "t.tsv"), str(tmp_path / "x.npz")], Layout()))
    assert [(x.source, x.captions) for x in found] == [("photo", ("a cat", "a cow")), ("photo [1]", ("a dog",))]


def test_an_image_is_one_whatever_it_is_called(tmp_path):
    """So that validation has none that training saw, and each caption of it counts; blanks between words are one."""
    fill(tmp_path, 1)
    (tmp_path / "t.tsv").write_text("0.png\ta cat\n./0.png\ta  cow\n", encoding="utf-8")
    found = merged(read_captioned([str(tmp_path / "t.tsv")], Layout(format="tsv")))
    assert [(x.source, x.captions) for x in found] == [("0.png", ("a cat", "a cow"))]


def test_a_photograph_that_was_taken_upright_is_upright(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow reads what is no 8-bit PNG")
    pixels = np.zeros((4, 8, 3), dtype=np.uint8)
    pixels[:, :4] = 255
    turned = image.Exif()
    turned[0x0112] = 6  # a viewer turns it by a quarter, clockwise
    image.fromarray(pixels).save(tmp_path / "a.tiff", exif=turned)
    assert (read_image(tmp_path / "a.tiff") == np.rot90(pixels, -1)).all()


def test_lines_without_a_caption_or_an_image_are_answered(tmp_path):
    fill(tmp_path, 1)
    (tmp_path / "x.jsonl").write_text('{"file": "0.png", "caption": null}\n\n{"file": "0.png"}\n', encoding="utf-8")
    found = list(read_images(str(tmp_path / "x.jsonl"), Layout()))
    assert [(x.source, x.seen is not None) for x in found] == [("0.png", True), ("", False), ("0.png", True)]


def test_sixteen_bits_are_scaled(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow reads what is no 8-bit PNG")
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    image.fromarray(ramp).save(tmp_path / "deep.png")
    assert (read_image(tmp_path / "deep.png") == (ramp >> 8)[..., None]).all()
    image.fromarray(ramp.astype(np.float32)).save(tmp_path / "deep.tiff")
    with pytest.raises(DataError, match="numbers whose range it does not say"):
        read_image(tmp_path / "deep.tiff")


def test_no_npz_and_counts_that_differ(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"an \.npz of numbers"):
        read_arrays(str(tmp_path / "x.npz"))
    with pytest.raises(DataError, match="no such name"):
        read_arrays(str(tmp_path / "y.npz"))
    np.savez(tmp_path / "x.npz", features=np.zeros((2, 3)))
    (tmp_path / "x.txt").write_text("a\nb\nc\n", encoding="utf-8")
    with pytest.raises(DataError, match="3 captions and 2 rows"):
        faults([tmp_path / "x.txt", tmp_path / "x.npz"])
    with pytest.raises(DataError, match="one file of captions"):
        faults([tmp_path / "x.npz"])


@pytest.mark.parametrize(
    ("shape", "grid"), [((2, 5), (1, 1, 5)), ((2, 9, 5), (3, 3, 5)), ((2, 8, 5), (1, 8, 5)), ((2, 2, 3, 5), (2, 3, 5))]
)
def test_features_of_each_rank(shape, grid, tmp_path):
    np.savez(tmp_path / "x.npz", np.ones(shape, dtype=np.float16))
    found = read_arrays(str(tmp_path / "x.npz"))
    assert found.shape[1:] == grid and found.dtype == np.float32


CONFIGS = {
    "a penalty on draws": ({"model": {"attention": {"weighting": "hard"}}, "caption": {"doubly_stochastic": 1.0}}, "drawn"),
    "draws of what draws nothing": (
        {"model": {"attention": {"weighting": "gumbel"}}, "caption": {"draws": 2}},
        "no place is drawn",
    ),
    "a penalty without a look": ({"model": {"attention": "none"}, "caption": {"doubly_stochastic": 1.0}}, "an attention"),
    "words to tie": ({"model": {"tie": "all"}}, "no words to tie"),
    "layers that nothing has": ({"model": {"encoder_layers": 2}}, "family: transformer"),
    "an encoder": ({"model": {"encoder": "bigru"}}, "does not use it"),
    "a key of another task": ({"tag": {}}, "only with task: tag"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_configs_that_do_not_fit(case):
    values, part = CONFIGS[case]
    with pytest.raises(ConfigError, match=re.escape(part)):
        read_config({"task": "caption", "data": {"train": ["x.tsv"]}, **values})


def test_the_command_line(trained, tmp_path, capsys):
    runs, image = str(trained / "run"), str(trained / "0.png")
    assert run(["predict", runs, image]) == 0 and capsys.readouterr().out.count("\n") == 1
    listed = tmp_path / "list.txt"
    listed.write_text(f"{image}\n\n{trained / '1.png'}\n", encoding="utf-8")
    assert run(["predict", runs, str(listed)]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 4 and lines[1] == "" and lines[0]
    assert run(["evaluate", runs, str(trained / "t.tsv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["metrics"]) == {"exact", "bleu", "chrf", "loss"} and found["items"] == 54
    assert run(["info", runs]) == 0 and "caption" in capsys.readouterr().out
    listed.write_text("no.png\n", encoding="utf-8")
    assert run(["predict", runs, str(listed)]) == 2 and "list.txt:1" in capsys.readouterr().err
    small = tmp_path / "small.png"
    small.write_bytes(write_png(np.zeros((20, 20, 3), np.uint8)))
    assert run(["predict", runs, str(small)]) == 2
    assert "an image of 6 x 6 cells of 8 pixels" in capsys.readouterr().err
    assert run(["predict", runs, image, "--with", runs]) == 0 and capsys.readouterr().out


def test_it_is_seen_in_terminal_page_and_picture(trained, tmp_path, capsys):
    runs, image = str(trained / "run"), str(trained / "0.png")
    assert run(["view", runs, image]) == 0
    shown = capsys.readouterr().out
    assert "decoder.0.cross" in shown and "largest weight" in shown
    assert run(["view", runs, image, "--out", str(tmp_path / "x.html")]) == 0
    html = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "img-src data:" in html and '"rows":6' in html and "data:image/png;base64," in html
    pytest.importorskip("matplotlib", reason="pictures need the extra plots")
    for name in ("x.png", "x.svg"):
        assert run(["view", runs, "--text", image, "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 1000


def test_arrays_and_items_of_other_kinds(trained):
    model = regard.load(trained / "run")
    pixels = scenes(1, 60)[0][0].pixels
    one, other = model.predict([str(trained / "0.png"), pixels])
    assert one.text == other.text and one.score == pytest.approx(other.score) and one.details["grid"] == [6, 6]
    assert len(model.predict([pixels], n_best=3, beam=3)[0]) == 3
    assert model.predict([""])[0].text == ""
    grey = np.repeat(pixels[..., :1], 3, 2)
    assert model.predict([grey])[0].text == model.predict([grey[..., :1]])[0].text
    assert model.predict([np.concatenate([pixels, pixels[..., :1]], -1)])[0].text == one.text, "transparency is dropped"
    strange = np.zeros((4, 4, 2), np.uint8), np.full((6, 6, 5), np.nan), np.full((6, 6, 5), 1e300)
    for bad in (3, np.zeros((2, 2)), np.zeros((4, 4, 3), dtype=np.int64), *strange):
        with pytest.raises(DataError, match="an image to caption"):
            model.predict([bad])
    with pytest.raises(DataError, match="features of 2 x 2 cells"):
        model.predict([np.zeros((2, 2, 5), np.float32)])


def test_a_prediction_without_an_image_shows_the_heat_alone(told, tmp_path):
    made = told(["1,1", "1,2", "2,1", "2,2"], ["a", "b", "</s>"], details={"grid": [2, 2]})
    drawn = terminal.draw(made, width=60, color=False).split("\n")
    assert drawn[1].startswith("a 0.58") and drawn[2].startswith("▒▒·") and len(drawn) == 6
    page.write([[made]], tmp_path / "x.html", title="x")
    assert "img-src" not in (tmp_path / "x.html").read_text(encoding="utf-8")
    pytest.importorskip("matplotlib", reason="pictures need the extra plots")
    plot.write(made, tmp_path / "x.png")


def test_names_begin_where_the_config_says(tmp_path):
    (tmp_path / "seen").mkdir()
    (tmp_path / "told").mkdir()
    fill(tmp_path / "seen", 40)
    table = (tmp_path / "seen" / "t.tsv").rename(tmp_path / "told" / "t.tsv")
    values = {"task": "caption", "data": {"train": [str(table)]}, "model": MODEL, "train": TRAIN, "decode": {"max_extra": 9}}
    values["caption"] = {"channels": 4, "images": str(tmp_path / "seen")}
    fit.train(read_config(values), tmp_path / "run", say=lambda line: None)
    model = regard.load(tmp_path / "run")
    assert model.evaluate([str(table)])["items"] == 36
