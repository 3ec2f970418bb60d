"""A heat map as a PNG, SVG or PDF file, drawn by matplotlib (the extra `plots`) with fonts that have the characters."""

from __future__ import annotations

import contextlib
import io
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from regard.core.atomic_files import write_bytes
from regard.core.errors import RegardError, message
from regard.view.label import clusters
from regard.view.overlay import Overlay, figure, overlay
from regard.view.picture import Drawable, Picture, choose
from regard.view.save import claim
from regard.view.vector import svg as svg

RAMP = ("#f4f2ed", "#cfe4df", "#84bfc2", "#3f8cab", "#2a578b", "#221e55")  # as on the page
STAMPS = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # left out, so that equal pictures are equal files
OF_THE_PROGRAM = ("backend", "backend_fallback", "interactive", "toolbar", "webagg.open_in_browser")  # they change no picture
BUNDLED = "DejaVu Sans"  # comes with matplotlib; has IPA, Greek, Cyrillic, Arabic
PREFERRED = (  # tried first, so that a text gets one good font and not the first that happens to have a character
    *("Noto Sans", "Charis SIL", "Doulos SIL"),
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB"),
    *("Heiti TC", "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback"),
    "Arial Unicode MS",
)


def write(prediction: Drawable, path: str | Path, *, name: str | None = None, head: int | None = None) -> list[str]:
    """Draw one layer into `path`, a new file that ends in .png, .svg or .pdf; what to tell the user (a font that is missing) comes back.

    `name`, `head`: as in `picture.choose`.  Errors: UsageError (as there; another suffix; a path that exists); RegardError where matplotlib
    is missing or the disk refuses.
    """
    path = claim(path, suffixes=(".png", ".svg", ".pdf"))
    picture = choose(prediction, name=name, head=head)
    down, across = picture.down.shown, picture.across.shown

    def draw() -> Any:
        laid = overlay(prediction, picture)
        return _figure(picture, down, across) if laid is None else _laid(laid, picture)

    data, notes = render(draw, path.suffix.lower()[1:], labels=(*down, *across))
    write_bytes(path, data)
    return notes


def render(draw: Callable[[], Any], kind: str, *, labels: Iterable[str] = (), size: int = 11) -> tuple[bytes, list[str]]:
    """A figure of matplotlib as a file of a kind (png, svg, pdf), and what to tell the user.

    draw: makes it; it is called where matplotlib's settings are its own, whatever a file in the current folder says.  labels: texts that
    need fonts; size: of texts, in points.  RegardError where matplotlib is missing.
    """
    try:
        import matplotlib
        from matplotlib import font_manager
    except ImportError as error:
        do = "Run: pip install -e '.[plots]'. A page (.html) and the terminal need no extra."
        raise RegardError(message("a picture as PNG, SVG or PDF", "matplotlib", "an environment without it", do)) from error
    wanted = {c for label in labels for c in label}
    families, missing = fonts(wanted, font_manager.fontManager.ttflist)
    if missing and _found_again(font_manager):
        families, missing = fonts(wanted, font_manager.fontManager.ttflist)
    buffer = io.BytesIO()
    style: Any = {
        **{key: value for key, value in matplotlib.rcParamsDefault.items() if key not in OF_THE_PROGRAM},
        "font.family": families,
        "font.size": size,
        "svg.hashsalt": "regard",
        "text.parse_math": False,
    }  # $ is a token too
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # said once, in `advice`
        draw().savefig(buffer, format=kind, dpi=200, bbox_inches="tight", metadata=STAMPS.get(kind))
    return buffer.getvalue(), [advice(missing)] if missing else []


def _found_again(font_manager: Any) -> bool:
    """Looks for fonts that were installed since matplotlib made its list, which it keeps on the disk; whether there are some."""
    manager = font_manager.fontManager
    known = {font.fname for font in manager.ttflist}
    fresh = [file for file in font_manager.findSystemFonts() if file not in known]
    for file in fresh:
        with contextlib.suppress(OSError, RuntimeError):  # a font that this matplotlib cannot open
            manager.addfont(file)
    return bool(fresh)


def _laid(laid: Overlay, picture: Picture) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return figure(laid, f"{picture.name} · {picture.head}", colours=LinearSegmentedColormap.from_list("regard", RAMP))


def _figure(picture: Picture, down: Sequence[str], across: Sequence[str]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    cell = 0.28 if max(len(down), len(across)) <= 40 else 0.2  # inches
    figure = Figure(figsize=(max(len(across) * cell + 1.4, 3.4), max(len(down) * cell + 1.2, 2.0)))
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("regard", RAMP)
    image = axes.imshow(picture.weights, vmin=0, vmax=1, cmap=colours, interpolation="nearest")
    axes.set_xticks(range(len(across)), across)
    # These are the labels that are turned below.
    axes.tick_params(top=False, bottom=False, left=False, labeltop=True, labelbottom=False)
    for tick in axes.get_xticklabels() if any(len(clusters(label)) > 2 for label in across) else ():
        tick.set_rotation(90 if len(clusters(tick.get_text())) > 1 else 0)
    axes.set_yticks(range(len(down)), down)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks([j - 0.5 for j in range(len(across) + 1)], minor=True)
    axes.set_yticks([i - 0.5 for i in range(len(down) + 1)], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.set_xlabel(f"{picture.name} · {picture.head}", fontsize=9, color="#666b74", loc="left")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18, pad=0.02, ticks=[0, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9, labelcolor="#666b74")
    return figure


def fonts(
    wanted: set[str], installed: Iterable[Any], charmap: Callable[[str], set[str]] | None = None
) -> tuple[list[str], set[str]]:
    """The font families that together have the characters `wanted`, and the characters that none of the `installed` fonts has.

    `installed`: matplotlib's font entries (`name`, `fname`, `weight`, `style`); `charmap` says which characters a font file has.
    """
    charmap = charmap or _charmap
    order = {family: place for place, family in enumerate((BUNDLED, *PREFERRED))}
    upright = (f for f in installed if f.style == "normal" and f.weight in (400, "normal", "regular"))
    plain = [f for f in upright if "Last Resort" not in f.name]
    families = [BUNDLED]
    missing = {c for c in wanted if not c.isspace()}
    for font in sorted(plain, key=lambda f: (order.get(f.name, len(order)), f.name)):
        if not missing:
            break
        has = charmap(font.fname)
        if missing & has:
            missing -= has
            families += [font.name] if font.name not in families else []
    return families, missing


def _charmap(file: str) -> set[str]:
    from matplotlib.ft2font import FT2Font

    try:
        return {chr(code) for code in FT2Font(file).get_charmap()}
    except (OSError, RuntimeError):  # a font that this matplotlib cannot open, such as one of coloured pictures
        return set()


def advice(missing: set[str]) -> str:
    """One sentence: which characters no installed font has, and what to install."""
    first = sorted(missing)
    named = " ".join(first[:6]) + (f" and {len(first) - 6} more" if len(first) > 6 else "")
    names = {unicodedata.name(c, "").split(" ")[0] for c in first}
    cjk = bool(names & {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "BOPOMOFO"})
    family, package = ("Noto Sans CJK", "fonts-noto-cjk") if cjk else ("the Noto fonts", "fonts-noto")
    fix = f"install {family} (on Debian and Ubuntu: apt-get install {package}) and draw it again, or write a page (.html) instead"
    return f"No installed font has {named}, so the picture shows boxes there: {fix}."
