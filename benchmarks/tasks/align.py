"""Word alignments of 100 gold pairs (Europarl, English-Spanish) beside other aligners, all from the same 5,488 pairs of text:
benchmarks/results/task-align.csv and .md.

    python benchmarks/tasks/align.py --work FOLDER --peers PEERS      # 13 minutes of trainings on one thread

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The text is the 5,388 pairs of the corpus and, behind them, the gold pairs
(without their links), for ours and for theirs.  PEERS: a folder with the links of that text by other aligners, fast_align.fwd and .rev,
eflomal.fwd and .rev; FOLDER/text.fast is what they read.  The guide of guided runs is eflomal's two directions, grow-diag.  Runs that
lie in FOLDER are not trained again.  One seed each.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from seeds import DATA, ROOT

from regard.data.symmetrize import WAYS, symmetrize
from regard.data.word_links import GoldLinks, Links, pharaoh, read_gold, read_links, turn
from regard.metrics.alignment import alignment_figures
from regard.tasks.align_pairs import LookChoice, align, as_pair_model, read_aligned_pairs
from regard.tasks.load_run import load_run

sys.path.insert(0, str(ROOT / "benchmarks"))
from tables import write

FOLDER, SHOWN = DATA / "align" / "europarl_en_es", 20
SIDES = ("en", "es")
DATA_KEYS = ("source_tokenizer=bpe(3000)", "target_tokenizer=bpe(3000)", "max_source_length=100", "max_target_length=100")
COMMON = (*(f"data.{key}" for key in DATA_KEYS), "train.batch_tokens=1500", "train.schedule=linear", "train.metric=loss")
GRU = (
    *("model.encoder=bigru", "model.decoder=gru", "model.embedding=96", "model.size=128", "model.dropout=0.2", "train.epochs=6"),
    *("train.learning_rate=0.003", "train.warmup=50", "train.validate_every=300"),
)
TRANSFORMER = (
    *("model.family=transformer", "model.size=128", "model.heads=2", "model.feedforward=256", "model.encoder_layers=2"),
    *("model.decoder_layers=1", "model.dropout=0.1", "train.epochs=8", "train.learning_rate=0.002", "train.warmup=100"),
    "train.validate_every=400",
)
RUNS = {  # keys, and whether it is guided
    "GRU, additive": ((*GRU, "model.attention=additive"), False),
    "GRU, general, local-p(10)": (
        (*GRU, "model.attention={score: general, scope: local-p(10)}", "model.order=luong", "train.epochs=5"),
        False,
    ),
    "Transformer": (TRANSFORMER, False),
    "GRU, additive, guided": ((*GRU, "model.attention=additive", "train.guided_weight=1"), True),
    "Transformer, guided a step later": ((*TRANSFORMER, "train.guided_shift=1"), True),
    "the same, guided_weight 2": ((*TRANSFORMER, "train.guided_shift=1", "train.guided_weight=2"), True),
}
BOTH = ("Transformer, guided a step later", "the same, guided_weight 2")


def text(side: str) -> list[str]:
    packed = gzip.decompress((FOLDER / f"corpus.{side}.gz").read_bytes()).decode()
    return packed.splitlines() + (FOLDER / f"dev.{side}").read_text("utf-8").splitlines()


def train(work: Path, name: str, back: bool) -> Path:
    """The run of a name, made where it is not there."""
    keys, guided = RUNS[name]
    sides = SIDES[::-1] if back else SIDES
    out = work / f"{name.replace(', ', '-').replace(' ', '-')}.{''.join(sides)}"
    if not (out / "model.safetensors").exists():
        more = (f"train.guided_alignment={work / f'guide.{sides[0]}{sides[1]}'}",) if guided else ()
        files = [word for kind, folder, stem in (("train", work, "text"), ("valid", FOLDER, "dev")) for s in sides
                 for word in (f"--{kind}", str(folder / f"{stem}.{s}"))]  # fmt: skip
        subprocess.run([sys.executable, "-m", "regard", "train", *files, "--out", str(out), *COMMON, *keys, *more], check=True)
    return out


def aligned(run: Path, back: bool, choice: LookChoice) -> list[Links]:
    """Links as English-Spanish."""
    model = as_pair_model(load_run(run))
    items = read_aligned_pairs(model, [str(FOLDER / f"dev.{side}") for side in (SIDES[::-1] if back else SIDES)])
    found = [pair.links for pair in align(model, items, choice, print)]
    return [turn(links) for links in found] if back else found


def diagonal(pairs: list[tuple[list[str], list[str]]]) -> list[Links]:
    return [frozenset((min(round(j * len(s) / len(t)), len(s) - 1), j) for j in range(len(t))) for s, t in pairs]


def ibm1(pairs: list[tuple[list[str], list[str]]], rounds: int = 5) -> list[Links]:
    """Model 1 of Brown et al. 1993 with an empty word, target given source; the likeliest source word of each target word."""
    table: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts, totals = defaultdict[tuple[str, str], float](float), defaultdict[str, float](float)
        for source, target in pairs:
            for t in target:
                each = [(s, table[s, t]) for s in ("", *source)]
                whole = sum(p for _, p in each)
                for s, p in each:
                    counts[s, t] += p / whole
                    totals[s] += p / whole
        table = defaultdict(float, {(s, t): count / totals[s] for (s, t), count in counts.items()})
    found = []
    for source, target in pairs:
        best = [(max(range(len(source)), key=lambda i, t=t: table[source[i], t]), j, t) for j, t in enumerate(target)]  # type: ignore[misc]
        found.append(frozenset((i, j) for i, j, t in best if table[source[i], t] >= table["", t]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    asked = parser.parse_args()
    work, texts = asked.work, {side: text(side) for side in SIDES}
    work.mkdir(exist_ok=True)
    for side in SIDES:
        (work / f"text.{side}").write_text("".join(f"{line}\n" for line in texts[side]), "utf-8")
    both = zip(*(texts[side] for side in SIDES), strict=True)
    (work / "text.fast").write_text("".join(f"{a} ||| {b}\n" for a, b in both), "utf-8")
    gold = read_gold(str(FOLDER / "dev.align"))
    rows: list[tuple[Any, ...]] = []

    def add(system: str, direction: str, how: str, links: list[Links], right: list[GoldLinks] = gold) -> None:
        figures = alignment_figures(links[-len(right) :], right)
        rows.append(
            (system, direction, how, len(right), *(f"{100 * figures[name]:.1f}" for name in ("aer", "precision", "recall", "f1")))
        )
        print(rows[-1], flush=True)

    pairs = [(a.split(), b.split()) for a, b in zip(*(texts[side] for side in SIDES), strict=True)]
    add("diagonal", "en-es", "", diagonal(pairs))
    models = ibm1(pairs), [turn(links) for links in ibm1([(b, a) for a, b in pairs])]
    add("IBM model 1, 5 rounds", "en-es", "", models[0])
    add("IBM model 1, 5 rounds", "es-en", "", models[1])
    add("IBM model 1, 5 rounds", "both", "grow-diag", [symmetrize(a, b, "grow-diag") for a, b in zip(*models, strict=True)])
    for peer in ("fast_align", "eflomal"):
        each = [[links for _, links in read_links(str(asked.peers / f"{peer}.{way}"))] for way in ("fwd", "rev")]
        add(peer, "en-es", "", each[0])
        add(peer, "es-en", "", each[1])
        for way in WAYS:
            add(peer, "both", way, [symmetrize(a, b, way) for a, b in zip(*each, strict=True)])
    grown = [symmetrize(a, b, "grow-diag") for a, b in zip(*each, strict=True)]
    (work / "guide.enes").write_text("".join(f"{pharaoh(links)}\n" for links in grown), "utf-8")
    (work / "guide.esen").write_text("".join(f"{pharaoh(turn(links))}\n" for links in grown), "utf-8")
    for name in RUNS:
        run = train(work, name, False)
        for shift in (0, 1):
            add(name, "en-es", f"mean of heads, shift {shift}", aligned(run, False, LookChoice(shift=shift)))
        chosen = aligned(run, False, LookChoice(head="best", shift="auto", gold=gold[:SHOWN]))
        add(name, "en-es", f"head and shift best on the first {SHOWN}", chosen, gold[SHOWN:])
    for name in BOTH:
        there, here = (aligned(train(work, name, back), back, LookChoice(shift=1)) for back in (False, True))
        add(name, "es-en", "mean of heads, shift 1", here)
        for way in WAYS:
            add(name, "both", way, [symmetrize(a, b, way) for a, b in zip(there, here, strict=True)])
    head = ("system", "direction", "how", "pairs", "AER", "precision", "recall", "F1")
    write("task-align", "Word alignments", "python benchmarks/tasks/align.py --work FOLDER --peers PEERS", head, rows)


if __name__ == "__main__":
    main()
