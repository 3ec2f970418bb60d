"""Pronunciation with every kind of attention: one small recipe, twenty-two mechanisms, three languages, parameters and time.

No paper has this table.  What stands beside it: SIGMORPHON 2020 task 1 (Gorman et al. 2020), words right on *test* for the task's own
LSTM and Transformer, each tuned for each language over 36 settings, beam 5.

Protocol: Icelandic, Hungarian and Greek, 3,600 words for training.  The recipe is configs/g2p.yaml made smaller (embeddings 64, states 96,
10 epochs, 300 tokens a batch); only what the row names differs.  Luong's order without input feeding where nothing else is said.
Nothing is selected: the weights after the last epoch are judged, by greedy search, on the 450 words of the validation file, of which
training knew nothing.  So the figures compare mechanisms; they are below what the full recipe reaches (benchmarks/results/quality-g2p.md).
Time: the processor's, of one training on one thread, reading and judging included; `jobs` trainings run side by side, and what else the
machine does costs the processor's time little, but not nothing.  The committed table was made in two sittings: the rows from "general,
input feeding" on ran beside other work, and their times are up to a third too long.

    python studies/mechanisms.py            # data: $REGARD_DATA, else ../shared/data beside the checkout; goes on where it stopped
    python studies/mechanisms.py --quick    # a made-up language
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from study import Row, Study, median

from regard.config import Config
from regard.runs import train

DATA = Path(os.environ.get("REGARD_DATA", Path(__file__).parents[2] / "shared" / "data")) / "g2p" / "sigmorphon2020"
TEST_WRONG = {"ice": (0.1000, 0.1022), "hun": (0.0533, 0.0533), "gre": (0.1889, 0.1889)}  # LSTM, Transformer
PLACES = 100  # letters of the longest word, with room
CELLS = {"encoder": "bilstm", "decoder": "lstm", "embedding": 64}
RECURRENT = CELLS | {"order": "luong", "input_feeding": False}
SELF = {"heads": 4, "feedforward": 192, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.2, "embedding_dropout": 0.0}


def look(score: str = "general", **words: Any) -> dict[str, Any]:
    return RECURRENT | {"attention": {"score": score, **words}}


MECHANISMS: dict[str, dict[str, Any]] = {
    "none (fixed vector)": CELLS | {"attention": "none"},
    "general": look(),
    "additive": look("additive"),
    "scaled, 4 heads": look("scaled", heads=4),
    "dot": look("dot", project=True),
    "location": look(f"location(max={PLACES})"),
    "cosine": look("cosine(0.1)", project=True),
    "general, sparsemax": look(weighting="sparsemax"),
    "general, local-m(3)": look(scope="local-m(3)"),
    "general, local-p(3)": look(scope="local-p(3)"),
    "general, hard by marginal": look(weighting="marginal"),
    "hard monotonic head": look() | {"head": "hard-monotonic"},
    "Transformer 2+2": {"family": "transformer", **SELF},
    "general, input feeding": look() | {"input_feeding": True},
    "location-sensitive": look("location-sensitive"),
    "general, hard by REINFORCE": look(weighting="hard"),
    "general, hard by Gumbel": look(weighting="gumbel"),
    "general, entmax-1.5": look(weighting="entmax15"),
    "concat": look("concat"),
    "Aaren 2+2": {"family": "aaren", **SELF},
    "additive, monotonic": look("additive", weighting="monotonic"),
    "additive, Bahdanau's order": CELLS | {"attention": "additive"},
}
FULL = {"languages": ["ice", "hun", "gre"], "size": 96, "epochs": 10, "jobs": 2}
QUICK = {"languages": ["toy"], "size": 16, "epochs": 1, "jobs": 1}


def trained(words: dict[str, Any], files: tuple[str, str], size: int, epochs: int, seed: int, threads: int) -> Row:
    """One training by the real trainer, in a folder that is thrown away: figures of the last weights, parameters, seconds."""
    config = Config.model_validate(
        {
            "data": {"train": files[0], "valid": files[1], "unicode": "nfd", "target_tokenizer": "space", "max_source_length": PLACES},
            "model": {"dropout": 0.3, "embedding_dropout": 0.3, **words, "size": size},
            "train": {
                "seed": seed, "threads": threads, "epochs": epochs, "batch_tokens": 300, "learning_rate": 0.003,
                "schedule": "inverse-sqrt", "warmup": 200, "validate_every": 10**9, "report_every": 10**9, "samples": 0,
            },
        }
    )  # fmt: skip
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run = train(config, Path(folder) / "run", say=said.append)
        seconds = time.process_time() - began
    parameters = next(int(line.split()[0].replace(",", "")) for line in said if " parameters; " in line)
    return {"parameters": parameters, "exact": run.metrics["exact"], "per": run.metrics["per"], "processor s": seconds}


def made_up(folder: Path) -> tuple[str, str]:
    """A language in which every letter has its sound, for --quick."""
    for part, count in (("train", 150), ("valid", 20)):
        random = Random(part)
        words = ["".join(random.choices("abcdef", k=random.randint(2, 6))) for _ in range(count)]
        (folder / part).with_suffix(".tsv").write_text("".join(f"{w}\t{' '.join(w.upper())}\n" for w in words), "utf-8")
    return str(folder / "train.tsv"), str(folder / "valid.tsv")


def measure(study: Study, folder: Path) -> None:
    """Every training that is not in the table yet, `jobs` at a time."""
    keys = [
        {"language": x, "mechanism": m, "seed": seed}
        for m in MECHANISMS for x in study["languages"] for seed in study.seeds
    ]  # fmt: skip
    files = {
        x: made_up(folder) if study.quick else tuple(str(DATA / f"{x}_{p}.tsv") for p in ("train", "valid"))
        for x in study["languages"]
    }
    left = [k for k in keys if not any(all(row[name] == v for name, v in k.items()) for row in study.rows)]

    def asked(key: Row) -> tuple[Any, ...]:
        threads = study.table.about["threads"]
        return MECHANISMS[key["mechanism"]], files[key["language"]], study["size"], study["epochs"], key["seed"], threads

    if study["jobs"] == 1:
        for key in left:
            study.run(key, partial(trained, *asked(key)))
        return
    with ProcessPoolExecutor(study["jobs"], multiprocessing.get_context("spawn")) as pool:
        begun: list[tuple[Row, Future[Row]]] = [(key, pool.submit(trained, *asked(key))) for key in left]
        try:
            for key, future in begun:
                study.run(key, future.result)
        finally:
            pool.shutdown(cancel_futures=True)


def draw(study: Study, rows: list[Row], figure: Any) -> None:
    axes = figure.subplots()
    order = sorted(rows, key=lambda row: row["exact, mean"])
    axes.barh(range(len(order)), [row["exact, mean"] for row in order], color="C0", alpha=0.5)
    for i, row in enumerate(order):
        for k, x in enumerate(study["languages"]):
            own = [r["exact"] for r in study.rows if (r["language"], r["mechanism"]) == (x, row["mechanism"])]
            axes.plot(own, [i] * len(own), f"C{k + 1}.", label="_" if i else x, markersize=4)
    least = min(r["exact"] for r in study.rows)
    axes.set(
        yticks=range(len(order)), yticklabels=[row["mechanism"] for row in order], xlabel="words right (bar: mean of medians)"
    )
    axes.set_xlim(max(0.0, least - 0.05), 1.0)
    axes.legend(loc="lower right", fontsize=8)


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    if not study.quick and not DATA.is_dir():
        raise SystemExit(f"error: {DATA}: expected the data of SIGMORPHON 2020 task 1; received nothing. Set REGARD_DATA.")
    with tempfile.TemporaryDirectory() as folder:
        measure(study, Path(folder))
    rows = []
    for name in MECHANISMS:
        own = {x: [r for r in study.rows if (r["language"], r["mechanism"]) == (x, name)] for x in study["languages"]}
        if not all(own.values()):
            continue
        exact, per = ({x: median([r[figure] for r in rs]) for x, rs in own.items()} for figure in ("exact", "per"))
        every = [r for rs in own.values() for r in rs]
        mean = {f"{k}, mean": sum(v.values()) / len(v) for k, v in (("exact", exact), ("per", per))}
        sizes = {"parameters": max(r["parameters"] for r in every), "processor s": median([r["processor s"] for r in every])}
        rows.append({"mechanism": name, **exact, **mean, **sizes})
    theirs = [
        {"mechanism": f"published {who} (test, tuned, beam 5)", **{x: 1 - TEST_WRONG[x][i] for x in study["languages"] if x in TEST_WRONG}}
        for i, who in enumerate(("LSTM", "Transformer"))
    ]  # fmt: skip
    study.show("Words right, median over seeds", [*theirs, *rows])
    by = {row["mechanism"]: row["exact, mean"] for row in rows}
    study.claim("the general score is right more often than the fixed vector", by["general"] > by["none (fixed vector)"])
    study.plot(lambda figure: draw(study, rows, figure), size=(8.0, 0.28 * len(rows) + 1.5))
    study.end()


if __name__ == "__main__":
    main()
