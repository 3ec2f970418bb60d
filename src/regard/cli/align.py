"""`regard align`: which source word each target word comes from, line for line."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.core.errors import DataError, UsageError, message
from regard.core.printable import printable

if TYPE_CHECKING:
    from regard.tasks.align_pairs import AlignedPair
    from regard.tasks.base import Predictor


class LinkFormat(StrEnum):
    """How alignments are written."""

    pharaoh = "pharaoh"
    tsv = "tsv"
    jsonl = "jsonl"


class Shift(StrEnum):
    """Which step a word's look is read from."""

    none = "0"
    one = "1"
    auto = "auto"


class Symmetrization(StrEnum):
    """How two directions are made one."""

    intersection = "intersection"
    union = "union"
    grow_diag = "grow-diag"
    grow_diag_final = "grow-diag-final"
    grow_diag_final_and = "grow-diag-final-and"


Pairs = Annotated[
    list[str], typer.Argument(metavar="FILE [FILE2]", help="Pairs as training has them, in columns or line for line.")
]
Gold = Annotated[str | None, typer.Option(metavar="GOLD", help="Links that people made (i-j sure, ipj possible), for figures.")]
ValidGold = Annotated[
    str | None, typer.Option(metavar="GOLD", help="Such links of the first pairs, to choose by; no figure counts these.")
]


def align(
    run: options.Run,
    files: Pairs,
    look: Annotated[str | None, typer.Option(metavar="NAME", help="A look at the source (default: the last).")] = None,
    head: Annotated[str, typer.Option(metavar="N|mean|best", help="Which head; best: on --valid-gold.")] = "mean",
    shift: Annotated[
        Shift, typer.Option(help="0: as a word was written; 1: as it was read then; auto: on --valid-gold.")
    ] = Shift.none,
    reverse: Annotated[
        Path | None, typer.Option("--reverse", metavar="RUN2", help="A run from target to source, to be symmetrized with.")
    ] = None,
    symmetrize: Annotated[
        Symmetrization | None, typer.Option("--symmetrize", help="How both become one (default: grow-diag-final-and).")
    ] = None,
    format: Annotated[
        LinkFormat, typer.Option(help="pharaoh: i-j, from 0; tsv: a line a link; jsonl: everything.")
    ] = LinkFormat.pharaoh,
    gold: Gold = None,
    valid_gold: ValidGold = None,
    base: Annotated[int, typer.Option(min=0, max=1, metavar="0|1", help="From what the gold files count words.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="OUT", help="A new file for the links; figures go to stdout then.")] = None,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Align the words of pairs by where a model looks.

    Each target word is linked to the source word that it looked at most, in forced decoding. FILE is what training reads.
    """
    say, chosen = options.teller(quiet), _head(head)
    _refuse(chosen, shift, symmetrize, reverse, valid_gold)
    path, way = _new(out), (symmetrize or Symmetrization.grow_diag_final_and).value
    model = options.open_model(run, None, trust=trust, threads=threads, device=device, say=say)
    back = options.open_model(reverse, None, trust=trust, device=device, say=say) if reverse else None
    asked = {"look": look, "head": chosen, "shift": shift.value if shift is Shift.auto else int(shift.value)}
    found, right = _align(model, back, files, asked, way, (gold, valid_gold), base, say)
    links = _write(found, format, path)
    if right:
        _tell(links[-len(right) :], right, say if path is None else lambda line: print(printable(line)))
    if path is not None:
        say(f"{path} is written.")


def _align(
    model: Predictor,
    back: Predictor | None,
    files: list[str],
    asked: Mapping[str, Any],
    way: str,
    gold: tuple[str | None, str | None],
    base: int,
    say: options.Say,
) -> tuple[Iterator[AlignedPair], list[Any]]:
    """The alignments, as they are made, and the gold links of the last of them, by which they are judged."""
    from regard.tasks import align_pairs as pairs

    forward, backward = pairs.as_pair_model(model), None if back is None else pairs.as_pair_model(back)
    items = pairs.read_aligned_pairs(forward, files)
    right, held = (pairs.read_gold_of(file, items, base=base, first=i == 1) if file else [] for i, file in enumerate(gold))
    if right and len(held) == len(right):
        do = "Choose on the first of them alone."
        raise DataError(message("--valid-gold", f"fewer lines than the {len(right):,} of --gold", "as many", do))
    choice = pairs.LookChoice(**asked, gold=held)
    if backward is None:
        return pairs.align(forward, items, choice, say), right[len(held) :]
    return pairs.align_both(forward, backward, items, choice, way, say), right[len(held) :]


def _write(found: Iterator[AlignedPair], format: LinkFormat, path: Path | None) -> list[Any]:
    """The links, written as they come."""
    links = []
    with _writing(path) as write:
        for line, pair in enumerate(found, 1):
            write(WRITERS[format](line, pair))
            links.append(pair.links)
    return links


def _refuse(
    head: int | str, shift: Shift, symmetrize: Symmetrization | None, reverse: Path | None, valid_gold: str | None
) -> None:
    """UsageError for options that need another one."""
    if symmetrize is not None and reverse is None:
        raise UsageError(message("--symmetrize", "a run of the other direction", "none", "Name it: --reverse RUN2."))
    if valid_gold is None and (head == "best" or shift is Shift.auto):
        do = "Name them, or a head and a shift."
        raise UsageError(message("--head best, --shift auto", "gold links to choose by (--valid-gold GOLD)", "none", do))


def _head(word: str) -> int | str:
    if word in ("mean", "best"):
        return word
    if not word.isdecimal():
        raise UsageError(message("--head", "a number from 0, mean or best", repr(word), "Write --head 0."))
    return int(word)


def _new(out: Path | None) -> Path | None:
    """A path where nothing is yet."""
    if out is None:
        return None
    from regard.view.save import claim

    return claim(out, suffixes=(out.suffix.lower(),))


def _tell(found: list[Any], right: list[Any], say: Callable[[str], None]) -> None:
    from regard.metrics.alignment import MEANINGS, alignment_figures

    say(f"{'pairs':<9} {len(found):,}")
    for name, value in alignment_figures(found, right).items():
        say(f"{name:<9} {value:<8.4f} {MEANINGS[name]}")


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[Callable[[str], None]]:
    if path is None:
        from regard.cli.lines import write_stdout

        yield write_stdout
        sys.stdout.flush()
        return
    from regard.core.atomic_files import atomic

    with atomic(path) as file:
        binary: IO[bytes] = file
        yield lambda text: (binary.write(text.encode()), None)[1]


def _pharaoh(line: int, pair: AlignedPair) -> str:
    from regard.data.word_links import pharaoh

    return pharaoh(pair.links) + "\n"


def _tsv(line: int, pair: AlignedPair) -> str:
    each = ((i, j, pair.source[i], pair.target[j], f"{pair.weights[j, i]:.6f}") for i, j in sorted(pair.links))
    return "".join("\t".join(map(str, (line, *cells))) + "\n" for cells in each)


def _jsonl(line: int, pair: AlignedPair) -> str:
    words = {"source": list(pair.source), "target": list(pair.target)}
    weights = [[round(float(x), 6) for x in row] for row in pair.weights]
    return json.dumps({"line": line, **words, "links": sorted(pair.links), "weights": weights}, ensure_ascii=False) + "\n"


WRITERS: Mapping[LinkFormat, Callable[[int, AlignedPair], str]] = {
    LinkFormat.pharaoh: _pharaoh,
    LinkFormat.tsv: _tsv,
    LinkFormat.jsonl: _jsonl,
}
