"""Images in and out, cells, the doubly stochastic penalty, and the generated shapes: against numbers that a person can check."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import numpy as np
import pytest
import torch

from regard.config import read_config
from regard.data.images import MARK, Unreadable, decode_image, write_png
from regard.tasks.caption.builder import captioner
from regard.tasks.caption.demo_data import COLOURS, KINDS, SIDE, UNSEEN, Scene, Shape, cells, named, scenes
from regard.tasks.caption.grid import Grid
from regard.tasks.caption.layers import Convolved, GridEncoder, GridPositions
from regard.tasks.caption.network import doubly_stochastic

RANDOM = np.random.default_rng(1)
PIXELS = RANDOM.integers(0, 256, (11, 7, 3), dtype=np.uint8)


def png(kind: int, rows: list[bytes], wide: int, *, palette: bytes = b"", interlaced: int = 0, bits: int = 8) -> bytes:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", wide, len(rows), bits, kind, 0, 0, interlaced))]
    parts += [(b"PLTE", palette)] if palette else []
    parts += [(b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return MARK + b"".join(struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts)


def test_a_png_comes_back_as_it_was():
    assert (decode_image(write_png(PIXELS)) == PIXELS).all()


def test_a_png_of_ours_is_what_pillow_reads():
    image = pytest.importorskip("PIL.Image", reason="the oracle is Pillow")
    assert (np.asarray(image.open(io.BytesIO(write_png(PIXELS)))) == PIXELS).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P"])
def test_pngs_of_pillow_are_read_as_pillow_reads_them(mode):
    """Its encoder takes all five filters; a smooth picture makes it use them."""
    image = pytest.importorskip("PIL.Image", reason="the oracle is Pillow")
    smooth = np.add.outer(np.arange(40), 3 * np.arange(31))[..., None] + RANDOM.integers(0, 9, (40, 31, 3))
    made = image.fromarray((smooth % 256).astype(np.uint8)).convert(mode)
    buffer = io.BytesIO()
    made.save(buffer, "PNG")
    assert (decode_image(buffer.getvalue()) == np.asarray(made.convert("RGB"))).all()


def test_the_five_filters_by_hand():
    """One grey row 10 20 30, then rows of each filter that say 11 22 33 all the same."""
    rows = [bytes([0, 10, 20, 30]), bytes([1, 11, 11, 11]), bytes([2, 0, 0, 0])]
    rows += [bytes([3, 11 - 5, 22 - (11 + 22) // 2, 33 - (22 + 33) // 2]), bytes([4, 0, 0, 0])]
    assert decode_image(png(0, rows, 3))[..., 0].tolist() == [[10, 20, 30], *[[11, 22, 33]] * 4]


def test_a_palette_by_hand():
    assert decode_image(png(3, [bytes([0, 1, 0])], 2, palette=bytes([1, 2, 3, 9, 8, 7]))).tolist() == [[[9, 8, 7], [1, 2, 3]]]


def test_colours_that_a_palette_lacks_are_black():
    assert decode_image(png(3, [bytes([0, 0, 255])], 2, palette=bytes([1, 2, 3]))).tolist() == [[[1, 2, 3], [0, 0, 0]]]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_what_stands_behind_the_end_of_a_png_is_no_part_of_it():
    """Files restored to whole blocks, pictures cropped in place, lines that a camera adds."""
    made = write_png(PIXELS)
    for behind in (bytes(512), b"written by a camera of ours\n", write_png(PIXELS[:3])[9:], chunk(b"IDAT", b"more")):
        assert (decode_image(made + behind) == PIXELS).all()
    damaged = bytearray(made[:33] + chunk(b"tEXt", b"Comment\0hello") + made[33:])
    damaged[33 + 10] ^= 1
    assert (decode_image(bytes(damaged)) == PIXELS).all()  # a part that can be done without


def exif(orientation: int, order: str) -> bytes:
    head, fields = (b"II*\0", "<") if order == "little" else (b"MM\0*", ">")
    other = struct.pack(f"{fields}HHII", 0x0110, 2, 2, 0x41410000)
    return (
        head + struct.pack(f"{fields}IH", 8, 2) + other + struct.pack(f"{fields}HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    )


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_turned_as_its_exif_says(orientation, order):
    """What Pillow does to the same picture; of the filters that Pillow reads for us too."""
    image, ops = (pytest.importorskip(f"PIL.{x}", reason="the oracle is Pillow") for x in ("Image", "ImageOps"))
    rows = [bytes([4, *RANDOM.integers(0, 256, 7 * 3)]) for _ in range(5)]
    for made in (write_png(PIXELS), png(2, rows, 7), png(2, [bytes([4, *RANDOM.integers(0, 256, 300)]) for _ in range(90)], 100)):
        turned = made[:33] + chunk(b"eXIf", exif(orientation, order)) + made[33:]
        assert (decode_image(turned) == np.asarray(ops.exif_transpose(image.open(io.BytesIO(turned))))).all()
    broken = write_png(PIXELS)[:33] + chunk(b"eXIf", exif(9, order)[: 20 + orientation]) + write_png(PIXELS)[33:]
    assert (decode_image(broken) == PIXELS).all()


def test_large_pngs_are_the_same_with_pillow_and_without(monkeypatch):
    image = pytest.importorskip("PIL.Image", reason="the oracle is Pillow")
    smooth = np.add.outer(np.arange(90), 3 * np.arange(80))[..., None] + RANDOM.integers(0, 9, (90, 80, 4))
    for mode in ("RGBA", "RGB", "L", "LA"):
        buffer = io.BytesIO()
        image.fromarray(smooth.astype(np.uint8), "RGBA").convert(mode).save(buffer, "PNG")
        quick = decode_image(buffer.getvalue())
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "PIL", None)
            assert (decode_image(buffer.getvalue()) == quick).all()


def test_a_header_that_claims_too_much_is_refused():
    image = pytest.importorskip("PIL.Image", reason="Pillow reads what is no 8-bit PNG")
    buffer = io.BytesIO()
    image.new("L", (8, 8)).save(buffer, "BMP")
    raw = bytearray(buffer.getvalue())
    raw[18:26] = struct.pack("<ii", 20_000, 20_000)
    deep = png(2, [b"\0" * 9], 1, bits=16)
    huge = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 16, 2, 0, 0, 0))
    for claimed in (bytes(raw), deep[:8] + huge + deep[33:]):
        with pytest.raises(Unreadable) as error:
            decode_image(claimed)
        assert "20000" in str(error.value.args[0]) or "exceeds limit" in str(error.value.args[0])


def test_ppm_and_pgm_by_hand():
    assert decode_image(b"P6 # a comment\n2 1\n255\n" + bytes(range(6))).tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert decode_image(b"P5 1 2 255 " + bytes([7, 9])).tolist() == [[[7] * 3], [[9] * 3]]


@pytest.mark.parametrize(
    ("raw", "received"),
    [
        (b"", "an empty file"),
        (b"hello", "no PNG, PPM or PGM"),
        (MARK + b"x", "no header"),
        (write_png(PIXELS)[:-30], "is not whole"),
        (write_png(PIXELS)[:50] + b"\0" + write_png(PIXELS)[51:], "is not whole"),
        (png(0, [b"\0\1"], 2), "ends after 0 of 1 line"),
        (png(0, [b"\7\1\1"], 2), "filter 7"),
        (png(3, [b"\0\5"], 1), "palette"),
        (b"P6 " + b"9" * 5000 + b" 1 255 ", "header is damaged"),
        (png(0, [], 1 << 20), "1048576 x 0 pixels"),
        (png(2, [b"\0" * 4], 1)[:16] + struct.pack(">II", 1 << 30, 1 << 30) + png(2, [b"\0" * 4], 1)[24:], "is not whole"),
        (png(0, [], 4), "4 x 0 pixels"),
        (b"P6 2 2 255 \0", "ends before its 2 x 2 pixels"),
        (b"P6 2 2 65535 " + bytes(24), "not of 8 bits"),
    ],
)
def test_what_is_no_image_says_why(raw, received):
    with pytest.raises(Unreadable) as error:
        decode_image(raw)
    assert received in str(error.value.args[0]) and error.value.args[1]


def test_cells_of_pixels_are_the_image_again():
    """The cells, put together as `Convolved` does, are the image: its first layer sees what the image shows."""
    grid = Grid(2, 3, 3 * 16, 4)
    image = torch.arange(8 * 12 * 3).float().view(8, 12, 3)
    cut = image.view(2, 4, 3, 4, 3).transpose(1, 2).reshape(1, 6, -1)
    seen = []
    net = Convolved(grid, 5, channels=2)
    net.layers[0].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    assert net(cut).shape == (1, 6, 5) and (seen[0][0].permute(1, 2, 0) == image).all()


@pytest.mark.parametrize(("kernel", "reach"), [(1, 0), (3, 1)])
def test_a_place_sees_its_cell_and_of_its_neighbours_what_the_kernel_takes(kernel, reach):
    """Before the norm, which is over the whole image, a pixel changes its own place, and those beside it where blocks are joined."""
    torch.manual_seed(0)
    net, image = Convolved(Grid(5, 5, 3 * 64, 8), 5, channels=8, kernel=kernel), torch.rand(1, 25, 3 * 64)
    seen = []
    net.layers.register_forward_hook(lambda module, given, out: seen.append(out[0]))
    net(image)
    net(image.index_add(1, torch.tensor([12]), torch.ones(1, 1, 3 * 64)))
    changed = (seen[0] != seen[1]).any(0)
    wanted = torch.zeros(5, 5, dtype=torch.bool)
    wanted[2 - reach : 3 + reach, 2 - reach : 3 + reach] = True
    assert torch.equal(changed, wanted)


def test_a_place_is_its_row_and_its_column():
    made = GridPositions(Grid(2, 3, 1), 4)
    found = made(torch.zeros(1, 6, 4))[0].view(2, 3, 4)
    assert torch.equal(found[1, 2], made.rows[1, 0] + made.columns[0, 2])


def test_the_whole_is_the_mean_of_what_is_there():
    x = torch.tensor([[[1.0], [3.0], [100.0]]])
    found = GridEncoder(1)(x, torch.tensor([[True, True, False]]))
    assert found.final.tolist() == [[2.0]] and found.states[0, 2, 0] == 0


def test_what_a_config_says_of_draws_is_what_is_done():
    caption = {"entropy": 0.3, "draws": 3}
    model = {"size": 8, "embedding": 4, "attention": {"score": "additive", "weighting": "hard"}}
    config = read_config({"task": "caption", "data": {"train": ["x.npz"]}, "model": model, "caption": caption})
    made = captioner(config, Grid(2, 2, 5), 9)
    assert (made.entropy, made.draws) == (0.3, 3)


def test_doubly_stochastic_by_hand():
    """Two words, three places: takes of 1.5, 0.5 and 0 cost 0.25 + 0.25 + 1; the padding behind them costs nothing."""
    weights = torch.tensor([[[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]], requires_grad=True)
    found = doubly_stochastic(2.0)({"decoder.0.cross": weights, "decoder.0.self": weights}, torch.tensor([[True, True, False]]))
    found.backward()
    assert found.item() == pytest.approx(2 * 1.5) and float(weights.grad[0, 0, 2].abs().sum()) == 0


def test_shapes_that_are_held_back_are_in_every_validation_picture_and_in_no_other():
    train, valid = scenes(3, 400)
    assert len(train) == 360 and len(valid) == 40
    pairs = [{(s.colour, s.kind) for s in scene.shapes} for scene in train]
    assert not any(set(UNSEEN) & pair for pair in pairs)
    assert all(set(UNSEEN) & {(s.colour, s.kind) for s in scene.shapes} for scene in valid)
    assert set().union(*pairs) == {(c, k) for c in COLOURS for k in KINDS} - set(UNSEEN)


def test_a_caption_says_what_the_picture_shows():
    for scene in scenes(4, 200)[0]:
        assert scene.pixels.shape == (SIDE, SIDE, 3) and scene.pixels.dtype == np.uint8
        for shape in scene.shapes:
            _, left, bottom, right = shape.box
            middle = scene.pixels[bottom - 2, (left + right) // 2].astype(int)  # every kind covers it but a ring's is at its edge
            assert np.abs(middle - COLOURS[shape.colour]).max() < 60
        if len(scene.shapes) == 2:
            one, other = scene.shapes
            axis = 0 if " above " in scene.caption else 1
            assert one.box[axis] < other.box[axis] and f"{one.name} " in scene.caption and scene.caption.endswith(other.name)


def test_which_word_names_which_shape():
    one, other = Shape("red", "circle", (0, 0, 8, 8)), Shape("red", "square", (20, 9, 36, 25))
    scene = Scene(np.zeros((SIDE, SIDE, 3), np.uint8), (one, other), "a red circle above a red square")
    assert named(scene, scene.caption.split()) == [None, one, one, None, None, other, other]
    assert cells(one, 6, 6) == {0} and cells(other, 6, 6) == {r * 6 + c for r in (2, 3, 4) for c in (1, 2, 3)}
