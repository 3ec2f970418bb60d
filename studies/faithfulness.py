"""Is attention an explanation?  Of dates and pronunciations the answer rests on it; of a classified question much less.

Claim: where the answer is written from places of the source, erasing the most attended place costs more than one drawn at random, and
even weights change most answers (Wiegreffe & Pinter 2019, section 4); where a label is read off states that know the whole text, most
answers stay with even weights (Jain & Wallace 2019, section 4.2).

Protocol: the demo's dates (GRU 128, additive attention), configs/g2p.yaml on Georgian (SIGMORPHON 2020; LSTM 160, general attention),
configs/classify.yaml on TREC-6 (bidirectional LSTM 128, a key-only pool).  Each is trained as its config says; 300 texts that training
never saw are answered greedily, and `regard faithfulness` measures every look (DeYoung et al. 2020, section 4, with log-probabilities).

    python studies/faithfulness.py --seeds 1
    python studies/faithfulness.py --quick
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study import Row, Study, median
from trainings import DATA

from regard import runs
from regard.config import Config, load_config, read_config
from regard.config.loader import with_values
from regard.tasks.faithfulness import LookFindings, find_looks, measure
from regard.tasks.load_run import load_run
from regard.tasks.transduce.demo import CONFIG
from regard.tasks.transduce.demo_data import dates

CONFIGS = Path(__file__).parents[1] / "configs"
FULL = {"texts": 300, "pairs": 12_000, "updates": 100_000}
QUICK = {"texts": 4, "pairs": 60, "updates": 3}
SHOWN = ("most", "random", "least", "uniform", "permuted", "without 10%", "only 10%")


def of_dates(study: Study, folder: Path, words: list[str]) -> tuple[Config, list[str]]:
    """The config of a model, and texts that it will not see."""
    parts, files = dates(1, study["pairs"]), {}
    for name, part in zip(("train", "valid"), parts, strict=True):
        files[name] = [str(folder / f"{name}.tsv")]
        Path(files[name][0]).write_text("".join(f"{a}\t{b}\n" for a, b in part), "utf-8")
    return with_values(read_config({**CONFIG, "data": files}), words, {}), [source for source, _ in parts[1]]


def of_pronunciations(study: Study, folder: Path, words: list[str]) -> tuple[Config, list[str]]:
    year = DATA / "g2p" / "sigmorphon2020"
    train, valid = year / "geo_train.tsv", year / "geo_valid.tsv"
    config = load_config(str(CONFIGS / "g2p.yaml"), words, train=[str(train)], valid=[str(valid)])
    return config, [line.split("\t")[0] for line in valid.read_text("utf-8").splitlines()]


def of_questions(study: Study, folder: Path, words: list[str]) -> tuple[Config, list[str]]:
    whole = gzip.decompress((DATA / "cls" / "trec6" / "train.tsv.gz").read_bytes()).decode().splitlines(keepends=True)
    held = len(whole) // 10
    for name, lines in (("valid", whole[:held]), ("train", whole[held:])):
        (folder / f"{name}.tsv").write_text("".join(lines), "utf-8")
    files = [[str(folder / f"{name}.tsv")] for name in ("train", "valid")]
    columns = ["data.source=3", "data.target=1"]
    config = load_config(str(CONFIGS / "classify.yaml"), [*words, *columns], train=files[0], valid=files[1])
    return config, [line.rstrip("\n").split("\t")[2] for line in whole[:held]]


MODELS = {"dates": of_dates, "pronunciation": of_pronunciations, "questions": of_questions}


def findings(study: Study, name: str, seed: int) -> Iterator[LookFindings]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = [f"train.seed={seed}", "train.samples=0", *([f"train.updates={study['updates']}"] if study.quick else [])]
        config, texts = MODELS[name](study, folder, words)
        runs.train(config, folder / "run", say=lambda line: None)
        model = load_run(folder / "run")
        yield from measure(model, texts[: study["texts"]], find_looks(model, None), print)


def told(one: LookFindings) -> Row:
    """The figures of a look in one row."""
    drops = {f"loss, {name}": one.drops[name].mean for name in SHOWN}
    changed = {f"changed, {name}": share for name, share in one.changed.items()}
    tau = {} if one.tau is None else {"tau": one.tau.mean}
    return {**drops, "margin low": one.margin.low, **changed, **tau}


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    names = [name for name in MODELS if DATA.is_dir() or name == "dates"]
    names = names[::2] if study.quick else names
    heads: list[Row] = []
    for seed in study.seeds:
        for name in names:

            def measured(name: str = name, seed: int = seed) -> Row:
                first = next(findings(study, name, seed))  # of all heads of the first look; each of these nets has one
                return {"look": first.name, **told(first)}

            heads.append(study.run({"model": name, "seed": seed}, measured))
    for name in names:
        mine = [row for row in heads if row["model"] == name]
        used = all(row["margin low"] > 0 for row in mine)
        study.claim(f"{name}: the most attended place costs more than one at random, with every seed", used)
        even = max(row["changed, uniform"] for row in mine), min(row["changed, uniform"] for row in mine)
        if name == "questions":
            study.claim(f"{name}: even weights change at most a fifth of the labels", even[0] <= 0.2)
        else:
            study.claim(f"{name}: even weights change at least half of the answers", even[1] >= 0.5)
    study.plot(lambda figure: draw(figure, names, heads))
    study.end()


def draw(figure: Any, names: list[str], rows: list[Row]) -> None:
    """What each change costs, model by model; the median of the seeds."""
    axes = figure.subplots()
    for place, way in enumerate(("most", "random", "uniform", "permuted")):
        costs = [median([row[f"loss, {way}"] for row in rows if row["model"] == name]) for name in names]
        axes.bar([i + (place - 1.5) / 5 for i in range(len(names))], costs, width=0.2, label=way)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("loss, nats a token")
    axes.legend()


if __name__ == "__main__":
    main()
