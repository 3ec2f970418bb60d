"""What keys that are left out become, beside the recipe of each kind of data, at five sizes of it.

Claim: the default road (no recipe, no key but the columns) is within three points of the recipe of that kind of data, and takes at most
half of its CPU time on small files.  The rules are in src/regard/training/auto_values.py.

Protocol: 200, 1,000, 4,000, 20,000 and 100,000 items, drawn from the training file by a fixed seed (all there is, where there is less),
judged on at most 500 items of the validation file, which also chose the model that was kept.  Each by the defaults and by the recipe; one
thread.  Figures are those of validation while training (greedy).  Seconds of CPU, for the machine may have other work.

    python studies/defaults.py --only pronunciation 1000 --seeds 1      # some of it; without --only everything: more than a day
    python studies/defaults.py --quick
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study import Row, Study, median
from trainings import DATA, drawn, trained

from regard.tasks.transduce.demo_data import dates

ROOT = Path(__file__).parents[1]
HELD = 500  # validation items
SIZES = [200, 1000, 4000, 20_000, 100_000]


@dataclass(frozen=True)
class Kind:
    """Data of one kind.  files, valid: line-aligned; columns: what both roads are told of them."""

    recipe: str
    files: tuple[str, ...]
    valid: tuple[str, ...]
    columns: tuple[str, ...] = ()
    task: str = "transduce"
    header: bool = False


SNIPS = ("in", "out", "label")
KINDS = {
    "pronunciation": Kind("g2p", ("g2p/cmudict/train.tsv.gz",), ("g2p/cmudict/valid.tsv",)),
    "inflection": Kind(
        "inflection",
        ("inflection/conll2018/turkish_train_high.tsv.gz",),
        ("inflection/conll2018/turkish_valid.tsv",),
        ("data.features=3",),
    ),
    "dates": Kind("inflection", (), ()),
    "translation": Kind(
        "translate-rnn",
        ("multi30k/train.en.gz", "multi30k/train.de.gz"),
        ("multi30k/valid.en", "multi30k/valid.de"),
        ("train.metric=bleu",),
    ),
    "classify": Kind(
        "classify", ("cls/sst2/train.tsv.gz",), ("cls/sst2/valid.tsv",), ("data.source=2", "data.target=1"), "classify"
    ),
    "tag": Kind(
        "tag",
        (*(f"slot/snips/train.{part}" + (".gz" if part != "label" else "") for part in SNIPS),),
        (*(f"slot/snips/valid.{part}" for part in SNIPS),),
        (),
        "tag",
    ),
    "pair": Kind(
        "pair",
        ("pairs/sick/train.tsv.gz",),
        ("pairs/sick/valid.tsv",),
        ("data.source=sentence_A", "data.target=entailment_judgment", "pair.second=sentence_B"),
        "pair",
        True,
    ),
}


def measured(name: str, size: int, road: str, seed: int, more: tuple[str, ...]) -> Row:
    """One training.  more: keys beside, of both roads."""
    kind = KINDS[name]
    with tempfile.TemporaryDirectory() as folder:
        train, valid = Path(folder) / "train", Path(folder) / "valid"
        train.mkdir(), valid.mkdir()
        if name == "dates":
            made = dates(1, size + 10 * HELD)
            files, held = [[str(at / "dates.tsv")] for at in (train, valid)]
            for path, pairs in ((files[0], made[0][:size]), (held[0], made[1][:HELD])):
                Path(path).write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
        else:
            files = drawn([DATA / file for file in kind.files], size, train, header=kind.header)
            held = drawn([DATA / file for file in kind.valid], HELD, valid, header=kind.header)
        recipe = str(ROOT / "configs" / f"{kind.recipe}.yaml") if road == "recipe" else None
        own = ("data.features=null",) if (name, road) == ("dates", "recipe") else ()
        task = None if road == "recipe" else kind.task
        return trained([*kind.columns, *own, *more], files, held, recipe=recipe, task=task, seed=seed)


def asked() -> tuple[list[str], list[int]]:
    """Kinds and sizes behind `--only`, taken off the command line; all of them without it."""
    if "--only" not in sys.argv:
        return list(KINDS), SIZES
    at = sys.argv.index("--only")
    rest = sys.argv[at + 1 :]
    words = rest[: next((i for i, word in enumerate(rest) if word.startswith("-")), len(rest))]
    del sys.argv[at : at + 1 + len(words)]
    sizes = [int(word) for word in words if word.isdigit()]
    return [word for word in words if not word.isdigit()] or list(KINDS), sizes or SIZES


def compared(rows: list[Row]) -> list[Row]:
    """Both roads side by side, the median of the seeds."""
    table = []
    for name, size in dict.fromkeys((row["kind"], row["size"]) for row in rows):
        here = [row for row in rows if (row["kind"], row["size"]) == (name, size)]
        line: dict[str, Any] = {"kind": name, "size": size, "figure": here[0]["figure"]}
        for road in ("recipe", "default"):
            found = [row for row in here if row["road"] == road]
            if found:
                line |= {road: median([row["reached"] for row in found]), f"{road} cpu": median([row["cpu"] for row in found])}
        table.append(line | {"fit": next((row["fit"] for row in here if row["road"] == "default"), "")})
    return table


def main() -> None:
    kinds, sizes = asked()
    study = Study(__file__, __doc__, full={"held": HELD}, quick={"held": HELD, "quick": 1})
    if study.quick:
        kinds, sizes = ["dates"], [60]
    elif not DATA.is_dir():
        raise SystemExit(f"error: {DATA}: expected the data of the recipes; received nothing. Set REGARD_DATA.")
    more = ("train.updates=3",) if study.quick else ()
    for name in kinds:
        for size in sizes:
            for road in ("default", "recipe"):
                for seed in study.seeds:
                    key = {"kind": name, "size": size, "road": road, "seed": seed}
                    study.run(key, lambda name=name, size=size, road=road, seed=seed: measured(name, size, road, seed, more))
    table = compared(study.rows)
    study.show("Defaults and recipes", table)
    both = [line for line in table if "recipe" in line and "default" in line and line["recipe"] > 0]
    slack = {"bleu": 2.0}
    near = all(line["default"] >= line["recipe"] - slack.get(line["figure"], 0.03) for line in both)
    study.claim("wherever both were run the defaults are within three points of the recipe (2 BLEU)", near)
    study.claim("they take no more time than it", all(line["default cpu"] <= line["recipe cpu"] for line in both))
    study.plot(lambda figure: draw(table, figure), size=(7, 4))
    study.end()


def draw(table: list[Row], figure: Any) -> None:
    axes = figure.subplots()
    for name in dict.fromkeys(line["kind"] for line in table):
        here = [line for line in table if line["kind"] == name and line["figure"] != "bleu"]
        for road, style in (("default", "-"), ("recipe", ":")):
            points = [(line["size"], line[road]) for line in here if road in line]
            axes.plot(*zip(*points, strict=True), style, marker="o", label=f"{name}, {road}") if points else None
    axes.set(xscale="log", xlabel="items to learn from", ylabel="figure on validation")
    axes.legend(fontsize=7)


if __name__ == "__main__":
    main()
