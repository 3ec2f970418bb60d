"""Image files to pixels and back.  PNG, PPM and PGM need nothing but zlib; what else Pillow opens (JPEG, GIF ...) needs Pillow."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.text_files import missing

Pixels = NDArray[np.uint8]  # H W 3: red, green, blue
ENDINGS = (".png", ".ppm", ".pgm", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
MARK = b"\x89PNG\r\n\x1a\n"
NUMBERS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by kind of PNG: grey, colour, palette, and the first two with transparency
PILLOW = "Save it as an 8-bit PNG, or run: pip install -e '.[images]' (Pillow opens more)."
MOST = 1 << 28  # bytes of pixels: more than that is a bomb, not a picture
LARGE = 1 << 14  # bytes of pixels from which Pillow, where it is installed, is worth its call
ORIENTATION, SHORT = 0x0112, 3  # a field of EXIF, and the kind of its value


class Unreadable(ValueError):
    """Why bytes are no image that can be read: (what was received, what to do)."""


def read_image(path: str | Path) -> Pixels:
    """The pixels of a file.  Grey becomes colour, transparency is dropped.  DataError where it is missing or does not open."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise missing(str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        received = getattr(error, "strerror", None) or str(error)
        raise DataError(message(f"{str(path)!r}", "an image file", received, "Name another file.")) from error
    try:
        return decode_image(raw)
    except Unreadable as error:
        received, do = error.args
        raise DataError(message(str(path), "an image that opens", received, do)) from error


def decode_image(raw: bytes) -> Pixels:
    """The pixels of an image file's bytes.  Raises Unreadable."""
    if raw.startswith(MARK):
        return _png(raw)
    if raw[:2] in (b"P5", b"P6"):
        return _netpbm(raw)
    return _by_pillow(raw, "no PNG, PPM or PGM" if raw else "an empty file")


def write_png(pixels: Pixels) -> bytes:
    """The bytes of a PNG of such pixels."""
    tall, wide = pixels.shape[:2]
    rows = np.concatenate([np.zeros((tall, 1), dtype=np.uint8), np.ascontiguousarray(pixels).reshape(tall, wide * 3)], 1)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", wide, tall, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    made = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts]
    return MARK + b"".join(made)


def _png(raw: bytes) -> Pixels:
    """PNG specification, W3C 2003, sections 5 (chunks), 9 (filters) and 11.2 (kinds of pixel)."""
    parts = _chunks(raw)
    if len(parts.get(b"IHDR", b"")) != 13:
        raise Unreadable("a damaged PNG (no header)", "Save it again.")
    wide, tall, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    if bits != 8 or kind not in NUMBERS or interlaced:
        return _by_pillow(raw, "an interlaced PNG" if interlaced else f"a PNG of {bits} bits a number")
    count = NUMBERS[kind]
    if not wide or not tall or tall * (wide * count + 1) > MOST:
        raise Unreadable(f"a PNG of {wide} x {tall} pixels", "Give a smaller image.")
    try:
        unpacker = zlib.decompressobj()
        lines = unpacker.decompress(parts.get(b"IDAT", b""), tall * (wide * count + 1))
    except zlib.error as error:
        raise Unreadable(f"a damaged PNG ({error})", "Save it again.") from error
    if len(lines) != tall * (wide * count + 1):
        raise Unreadable(f"a PNG that ends after {len(lines) // (wide * count + 1)} of {many(tall, 'line')}", "Save it again.")
    filtered = np.frombuffer(lines, dtype=np.uint8).reshape(tall, -1)
    slow = filtered[:, 0].max() in (3, 4) and filtered.size > LARGE  # filters that take Python a loop over bytes
    pixels = _quickly(raw) if slow else None
    if pixels is None:
        pixels = _coloured(_unfiltered(filtered, count).reshape(tall, wide, count), kind, parts)
    return _turned(pixels, _orientation(parts.get(b"eXIf", b"")))


def _coloured(numbers: NDArray[np.uint8], kind: int, parts: dict[bytes, bytes]) -> Pixels:
    """What the numbers of each pixel mean.  Colours that a palette lacks are black, as in other readers (PNG, section 11.2.2)."""
    if kind == 3:
        given = np.frombuffer(parts.get(b"PLTE", b""), dtype=np.uint8)
        if not len(given) or len(given) % 3 or len(given) > 768:
            raise Unreadable("a damaged PNG (its palette)", "Save it again.")
        palette = np.zeros((256, 3), dtype=np.uint8)
        palette[: len(given) // 3] = given.reshape(-1, 3)
        return palette[numbers[..., 0]]
    return np.ascontiguousarray(numbers[..., :3]) if numbers.shape[2] > 2 else np.repeat(numbers[..., :1], 3, 2)


def _orientation(exif: bytes) -> int:
    """1 to 8, as EXIF (2.32, section 4.6.4 A) has it; 1, upright, where it says nothing that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 10:
        return 1
    (at,) = struct.unpack(f"{order}I", exif[4:8])
    fields = struct.unpack(f"{order}H", exif[at : at + 2])[0] if at + 2 <= len(exif) else 0
    for begin in range(at + 2, min(at + 2 + 12 * fields, len(exif) - 11), 12):
        name, kind, _, value = struct.unpack(f"{order}HHIH", exif[begin : begin + 10])
        if (name, kind) == (ORIENTATION, SHORT):
            return int(value) if 1 <= value <= 8 else 1
    return 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """As a viewer shows it: 2-4 are mirrored, half a turn, upside down; 5-8 the same of rows and columns exchanged."""
    if orientation > 4:
        pixels = pixels.transpose(1, 0, 2)
    wide, tall = {2: (-1, 1), 3: (-1, -1), 4: (1, -1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1)}.get(orientation, (1, 1))
    return np.ascontiguousarray(pixels[::tall, ::wide])


def _chunks(raw: bytes) -> dict[bytes, bytes]:
    """The parts of a PNG by name, those of one name joined, up to its end (section 5.6): what was written behind is no part of it."""
    parts: dict[bytes, bytes] = {}
    at = len(MARK)
    while at + 12 <= len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        body = raw[at + 8 : at + 8 + size]
        whole = len(body) == size and zlib.crc32(kind + body) == int.from_bytes(raw[at + 8 + size : at + 12 + size], "big")
        if not whole and not (kind[0] & 32 and len(body) == size):  # a part that can be done without may be damaged
            raise Unreadable(f"a damaged PNG (its part {kind!r} is not whole)", "Copy or save it again.")
        if kind == b"IEND":
            break
        if whole:
            parts[kind] = parts.get(kind, b"") + body
        at += 12 + size
    return parts


def _unfiltered(lines: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Lines as they were before each was told by its difference from its neighbours.  count: bytes of a pixel."""
    made = np.zeros((len(lines), lines.shape[1] - 1), dtype=np.uint8)
    above = np.zeros_like(made[0])
    for i, line in enumerate(lines):
        kind, row = int(line[0]), line[1:]
        if kind == 1:  # the difference from the pixel on the left: a sum along the line, which wraps round as bytes do
            row = np.cumsum(row.reshape(-1, count), 0, dtype=np.uint8).ravel()
        elif kind == 2:
            row = row + above
        elif kind in (3, 4):
            row = _one_by_one(row.tolist(), above.tolist(), count, kind)
        elif kind:
            raise Unreadable(f"a damaged PNG (filter {kind})", "Save it again.")
        made[i] = above = row
    return made


def _one_by_one(row: list[int], above: list[int], count: int, kind: int) -> NDArray[np.uint8]:
    """Filters 3 (mean of left and above) and 4 (Paeth), in which each byte depends on the one before."""
    for i, up in enumerate(above):
        left, corner = (row[i - count], above[i - count]) if i >= count else (0, 0)
        if kind == 3:
            guess = (left + up) // 2
        else:
            far = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if far[0] <= far[1] and far[0] <= far[2] else up if far[1] <= far[2] else corner
        row[i] = (row[i] + guess) & 255
    return np.array(row, dtype=np.uint8)


def _netpbm(raw: bytes) -> Pixels:
    """PGM (P5) and PPM (P6) of 8 bits: a header of words, of which `#` begins a comment, one blank, then the pixels."""
    words, at = list[bytes](), 0
    while len(words) < 4 and at < len(raw):
        if raw[at : at + 1] == b"#":
            at = raw.find(b"\n", at) % (len(raw) + 1)
        elif raw[at : at + 1].isspace():
            at += 1
        else:
            end = at
            while end < len(raw) and not raw[end : end + 1].isspace():
                end += 1
            words.append(raw[at:end])
            at = end
    if len(words) < 4 or not all(word.isdigit() and len(word) < 10 for word in words[1:]) or int(words[3]) != 255:
        do = "Save it again, with 255 as its largest value."
        raise Unreadable("a PPM or PGM whose header is damaged, or not of 8 bits", do)
    wide, tall, count = int(words[1]), int(words[2]), 3 if words[0] == b"P6" else 1
    body = raw[at + 1 : at + 1 + wide * tall * count]
    if not wide or not tall or len(body) < wide * tall * count:
        raise Unreadable(f"a file that ends before its {wide} x {tall} pixels do", "Copy or save it again.")
    pixels = np.frombuffer(body, dtype=np.uint8).reshape(tall, wide, count)
    return pixels if count == 3 else np.repeat(pixels, 3, 2)


def _quickly(raw: bytes) -> Pixels | None:
    """The pixels of a PNG as they are stored, by Pillow; None where it is not installed, or does not read them."""
    try:
        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(raw)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:  # ours reads it then, or says what is wrong
        return None


def _by_pillow(raw: bytes, what: str) -> Pixels:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise Unreadable(what, PILLOW) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(raw)) as image:
                wide, tall = image.size
                if wide * tall * 3 > MOST:
                    raise Unreadable(f"an image of {wide} x {tall} pixels", "Give a smaller image.")
                deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
                if deep:  # 16 bits, which `convert` would clip
                    grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
                    return _turned(np.repeat(grey[..., None], 3, 2), image.getexif().get(ORIENTATION, 1))
                if image.mode in ("I", "F"):
                    raise Unreadable(f"{what}, of numbers whose range it does not say", "Save it as an 8-bit PNG.")
                return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))  # as a viewer turns it
    except Unreadable:
        raise
    except Exception as error:  # a decoder of bytes that anybody may have written raises what it likes
        raise Unreadable(f"{what} ({str(error).split(' <')[0] or type(error).__name__})", "Save it as an 8-bit PNG.") from error
