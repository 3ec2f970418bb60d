"""Tables of images and captions as public data sets have them, and archives that are damaged."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from regard.core.errors import DataError
from regard.data.columns import Layout
from regard.data.images import write_png
from regard.data.row_parser import RecordError
from regard.tasks.caption.data import merged, read_arrays, read_captioned, read_images

COCO = {
    "images": [{"id": 7, "file_name": "0.png"}, {"id": 8, "file_name": "1.png"}],
    "annotations": [{"image_id": i, "caption": text} for i, text in ((7, "a cat"), (8, "a cow, two"), (7, "a dog"))],
}
TABLES = {
    "Flickr8k.token.txt": "0.png#0\ta cat\n1.png#0\ta cow, two\n0.png#1\ta dog\n",
    "captions.txt": "image,caption\n0.png,a cat\n1.png,a cow, two\n0.png,a dog\n",  # of Kaggle's Flickr8k, without quotes here
    "quoted.csv": 'file_name,text\n"0.png","a cat"\n1.png,"a cow, two"\n0.png,a dog\n',
    "results.csv": "image_name| comment_number| comment\n0.png| 0| a cat\n1.png| 0| a cow, two\n0.png| 1| a dog\n",
    "headed.tsv": "image\tcaption\n0.png\ta cat\n1.png\ta cow, two\n0.png\ta dog\n",
    "coco.json": json.dumps(COCO),
    "metadata.jsonl": "".join(
        json.dumps({"file_name": name, "text": text}) + "\n"
        for name, text in (("0.png", "a cat"), ("1.png", "a cow, two"), ("0.png", "a dog"))
    ),
}


@pytest.fixture
def folder(tmp_path):
    for i in range(2):
        (tmp_path / f"{i}.png").write_bytes(write_png(np.full((8, 8, 3), 50 * i, np.uint8)))
    return tmp_path


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_as_data_sets_have_them(name, folder):
    (folder / name).write_text(TABLES[name])
    found = merged(read_captioned([str(folder / name)], Layout()))
    assert [(item.source, item.captions) for item in found] == [("0.png", ("a cat", "a dog")), ("1.png", ("a cow, two",))]
    assert [item.source for item in read_images(str(folder / name), Layout())] == ["0.png", "1.png", "0.png"]


def test_columns_of_a_csv_by_name(folder):
    (folder / "x.csv").write_text("id;photo;said\n1;0.png;a cat\n")
    (found,) = read_captioned([str(folder / "x.csv")], Layout(source="photo", target="said"))
    assert (found.source, found.captions) == ("0.png", ("a cat",))


def test_faults_name_the_line_and_the_fix(folder):
    (folder / "big.png").write_bytes(write_png(np.zeros((9, 8, 3), np.uint8)))
    (folder / "x.csv").write_text("n,image,caption\n1,0.png,a\n2\n3,9.png,b\n4,big.png,c\n5,1.png,\n")
    faults = [str(fault) for fault in read_captioned([str(folder / "x.csv")], Layout()) if isinstance(fault, RecordError)]
    told = zip(faults, ("x.csv:3: expected 3 cells", "x.csv:4: ", "x.csv:5: big.png", "x.csv:6: expected a caption"), strict=True)
    assert all(part in fault for fault, part in told), faults
    assert "mogrify" in faults[2]
    (folder / "y.txt").write_text("0.png,a cat\n")
    (fault,) = read_captioned([str(folder / "y.txt")], Layout())
    assert isinstance(fault, RecordError) and "the first line says so: image,caption" in str(fault)
    (folder / "z.json").write_text(json.dumps({**COCO, "annotations": [{"image_id": 99, "caption": "a"}, 3]}))
    missing, no_object = read_captioned([str(folder / "z.json")], Layout())
    assert "z.json, element 1" in str(missing) and "the name of an image file" in str(missing)
    assert "z.json, element 2" in str(no_object)


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def rewritten(change, **kinds):
    """An .npz whose array's bytes were changed."""
    plain, buffer = io.BytesIO(), io.BytesIO()
    np.save(plain, np.ones((3, 4), dtype=np.float32))
    with zipfile.ZipFile(buffer, "w", **kinds) as archive:
        archive.writestr("features.npy", change(plain.getvalue()))
    return buffer.getvalue()


def scrambled():
    raw = bytearray(saved(features=np.arange(4000.0).reshape(1000, 4)))
    raw[300:400] = bytes(100)
    return bytes(raw)


def marked(at, value):
    """A field of both headers of the archive set: 6 are flags (1: encrypted), 8 is the method."""
    raw = bytearray(saved(features=np.ones((3, 4))))
    for sign, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        begin = raw.index(sign) + at + shift
        raw[begin : begin + 2] = value.to_bytes(2, "little")
    return bytes(raw)


ARCHIVES = {
    "packed bytes that are none": (scrambled, ""),
    "a method that nobody knows": (lambda: marked(8, 77), ""),
    "encrypted": (lambda: marked(6, 1), "encrypted"),
    "a header that is no Python": (lambda: rewritten(lambda raw: raw.replace(b"{'descr'", b"{'descr\n")), ""),
    "a header without a shape": (lambda: rewritten(lambda raw: raw.replace(b"'shape'", b"'shade'")), ""),
    "more than there is": (
        lambda: rewritten(lambda raw: raw.replace(b"(3, 4), }        ", b"(300000000000, 4)}")),
        "4,800,000,000,000 bytes",
    ),
    "cut short": (lambda: rewritten(lambda raw: raw[:-7]), "in 41"),
    "no array at all": (lambda: rewritten(lambda raw: b"hello"), ""),
    "one array without a name": (lambda: rewritten(lambda raw: raw)[30 + len("features.npy") :][:176], ""),
}


@pytest.mark.parametrize("fault", list(ARCHIVES))
def test_archives_that_are_damaged(fault, tmp_path):
    made, said = ARCHIVES[fault]
    (tmp_path / "x.npz").write_bytes(made())
    with pytest.raises(DataError, match=r"x\.npz.*: expected an \.npz of numbers") as error:
        read_arrays(str(tmp_path / "x.npz"))
    assert said in str(error.value)
