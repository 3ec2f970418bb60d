"""Law 10 for every task: each learns data that Regard makes, small and in seconds, well enough that chance cannot have done it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from regard import runs
from regard.config import read_config
from regard.tasks.base import Predictor
from regard.tasks.classify.demo import points
from regard.tasks.classify.demo_data import messages
from regard.tasks.forecast.demo_data import LAG, floods
from regard.tasks.forecast.demo_data import csv as river
from regard.tasks.load_run import load_run
from regard.tasks.pair.demo_data import claims
from regard.tasks.pretrain.demo_data import stories
from regard.tasks.read.demo_data import moves
from regard.tasks.tag.demo_data import SHOWN, tickets

TRAIN = {"samples": 0, "threads": 1, "precision": "float32"}


def trained(values: dict[str, Any], out: Path) -> tuple[dict[str, float | None], Predictor]:
    """The best validation figures of a config, and the model."""
    run = runs.train(read_config({**values, "train": TRAIN | values.get("train", {})}), out, say=lambda line: None)
    return run.metrics, load_run(out)


def test_tag(tmp_path):
    """Which 郑州 the journey goes to and which it leaves, in sentences that training never saw; a net to which each token is all there is
    cannot know."""
    data: dict[str, Any] = {}
    for name, part in zip(("train", "valid"), tickets(1, 1500), strict=True):
        rows = [[" ".join(s.tokens) for s in part], [" ".join(s.tags) for s in part], [s.label for s in part]]
        data[name] = [str(tmp_path / f"{name}.{i}") for i in range(3)]
        for file, lines in zip(data[name], rows, strict=True):
            Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    train = {"epochs": 3, "batch_tokens": 200, "learning_rate": 1e-2}
    model = {"encoder": "bigru", "embedding": 24, "size": 32, "dropout": 0.1}
    values = {"task": "tag", "data": data, "model": model, "train": train, "tag": {"letters": 8}}
    figures, found = trained(values, tmp_path / "run")
    assert (figures["slot_f1"] or 0) > 0.97 and (figures["sentence_accuracy"] or 0) > 0.9
    goes, leaves = (found.predict([" ".join(text)])[0].tokens[-2:] for text in SHOWN)
    assert goes == ("B-to", "I-to") and leaves == ("B-from", "I-from")
    alone = {"family": "transformer", "size": 32, "heads": 1, "encoder_layers": 1, "positions": "none", "feedforward": 64}
    values["model"] = {**alone, "self_attention": {"scope": "window(0)"}}
    figures, found = trained({**values, "tag": {"letters": 8, "head": "softmax"}}, tmp_path / "alone")
    goes, leaves = (found.predict([" ".join(text)])[0].tokens[-2:] for text in SHOWN)
    assert goes == leaves and (figures["sentence_accuracy"] or 0) < 0.5


def test_classify(tmp_path):
    """What a message is about, and which word says so: the look falls there, though nobody showed it."""
    data: dict[str, Any] = {}
    train, held = messages(1, 1500)
    for name, part in (("train", train), ("valid", held)):
        data[name] = [str(tmp_path / f"{name}.tsv")]
        Path(data[name][0]).write_text("".join(f"{m.text}\t{m.label}\n" for m in part), encoding="utf-8")
    model: dict[str, Any] = {
        "family": "transformer",
        "size": 32,
        "heads": 1,
        "feedforward": 64,
        "encoder_layers": 1,
        "dropout": 0.1,
    }
    model["self_attention"] = {"scope": "window(1)"}
    steps = {"epochs": 4, "batch_tokens": 300, "learning_rate": 5e-3}
    values = {"task": "classify", "data": data, "model": model, "train": steps, "classify": {"look": "self-attentive(32)"}}
    figures, found = trained(values, tmp_path / "run")
    assert (figures["accuracy"] or 0) > 0.97 and (figures["macro_f1"] or 0) > 0.97
    told = found.predict([m.text for m in held])
    assert sum(points(m, p) for m, p in zip(held, told, strict=True)) / len(held) > 0.8


def test_forecast(tmp_path):
    """High water follows the rain in the hills after `LAG` hours: better than any linear map of a column's own past, and a head has found
    the hour."""
    times, values = floods(1, 3000)
    data = {}
    for name, first, last in (("train", 0, 2600), ("valid", 2600, 3000)):
        data[name] = [str(tmp_path / f"{name}.csv")]
        Path(data[name][0]).write_text(river(times[first:last], values[first:last]), encoding="utf-8")
    model = {
        "family": "transformer",
        "size": 32,
        "heads": 4,
        "feedforward": 64,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.0,
    }
    train = {"epochs": 8, "batch_tokens": 1536, "learning_rate": 5e-3, "schedule": "inverse-sqrt", "warmup": 100}
    forecast = {"past": 36, "ahead": 12, "season": 24, "channels": "together", "level": "none"}
    values_of = {"task": "forecast", "data": data, "train": train, "forecast": forecast}
    model["self_attention"] = {"scope": "window(0)"}
    figures, found = trained({**values_of, "model": model}, tmp_path / "run")
    assert (figures["mse"] or 1) < 0.85 * (figures["linear_mse"] or 0) and (figures["mse"] or 1) < 0.6 * (
        figures["profile_mse"] or 0
    )
    (told,) = found.predict([values[-60:]])
    look = told.attention["decoder.0.cross"]
    assert max(np.mean([look[head, step, 36 + step - LAG] for step in range(12)]) for head in range(4)) > 0.5


def test_pair(tmp_path):
    """Whether a claim in English follows from a scene."""
    data: dict[str, Any] = {}
    for name, part in zip(("train", "valid"), claims(1, 8000), strict=True):
        data[name] = [str(tmp_path / f"{name}.tsv")]
        rows = ["\t".join(row) + "\n" for row in part if row[0].isascii() and row[1].isascii()]
        Path(data[name][0]).write_text("".join(rows), encoding="utf-8")
    values: dict[str, Any] = {
        "task": "pair",
        "data": data,
        "model": {"encoder": "bigru", "embedding": 24, "size": 24, "dropout": 0.0},
        "train": {"epochs": 8, "batch_tokens": 200, "learning_rate": 1e-2, "schedule": "inverse-sqrt", "warmup": 50},
        "pair": {"align": "dot", "overlap": False, "compose": False, "unseen": 0.0},
    }
    figures, _ = trained(values, tmp_path / "run")
    assert (figures["accuracy"] or 0) > 0.85


def test_read(tmp_path):
    """Where a thing is that is carried about, among a dozen names; some answers are names that training never saw."""
    model = {"encoder": "bigru", "embedding": 24, "size": 32, "dropout": 0.0}
    train = {"epochs": 2, "batch_tokens": 500, "learning_rate": 1e-2}
    for head, figure in (("span", "exact_match"), ("over", "accuracy")):
        data: dict[str, Any] = {}
        for name, seed, count in (("train", 1, 400), ("valid", 2, 20)):
            made = moves(seed, count, held=name == "valid", cloze=head == "over")
            text = "".join(f"{json.dumps(x)}\n" for x in made) if head == "over" else json.dumps({"data": [{"paragraphs": made}]})
            data[name] = [str(tmp_path / f"{head}.{name}.json")]
            Path(data[name][0]).write_text(text, encoding="utf-8")
        values = {"task": "read", "data": data, "model": model, "train": train, "read": {"head": head}}
        figures, _ = trained(values, tmp_path / head)
        assert (figures[figure] or 0) > 0.6, (head, figures)


def test_caption(tmp_path):
    """What stands in three of four cells, in reading order: soft and hard attention learn it, and look at the cell that they name."""
    random, data, words = np.random.default_rng(1), dict[str, Any](), np.array(["sun", "moon", "star", "cloud", ""])
    for name, count in (("train", 1500), ("valid", 150)):
        kinds = np.array([random.permutation([*random.integers(0, 4, 3), 4]) for _ in range(count)])
        np.savez(tmp_path / f"{name}.npz", features=np.eye(5)[kinds.reshape(-1, 2, 2)])
        lines = (" ".join(word for word in words[row] if word) for row in kinds)
        (tmp_path / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        data[name] = [str(tmp_path / f"{name}.txt"), str(tmp_path / f"{name}.npz")]
    model = {"decoder": "gru", "embedding": 12, "size": 32, "dropout": 0.0}
    train = {"batch_tokens": 200, "learning_rate": 1e-2, "label_smoothing": 0.0}
    for weighting, epochs in (("softmax", 5), ("hard", 10)):
        look = {"attention": {"score": "additive", "weighting": weighting}}
        values = {"task": "caption", "data": data, "model": model | look, "train": train | {"epochs": epochs}}
        figures, found = trained(values, tmp_path / weighting)
        assert (figures["exact"] or 0) > 0.9, (weighting, figures)
        cells = np.array([[2, 4], [0, 1]])
        (best,) = found.predict([np.eye(5, dtype=np.float32)[cells]])
        looked = best.attention["decoder.0.cross"][0].argmax(-1)[:3].tolist()
        assert best.text == "star sun moon" and looked == [0, 2, 3], (weighting, best.text, looked)


def test_pretrain(tmp_path):
    """What a smith works in, and that she follows a woman's name: told from what stands beside it; chance is a few in a hundred."""
    data: dict[str, Any] = {}
    for name, part in zip(("train", "valid"), stories(1, 500, sentences=5), strict=True):
        data[name] = [str(tmp_path / f"{name}.txt")]
        Path(data[name][0]).write_text("\n".join("".join(f"{line}\n" for line in story) for story in part))
    values = {
        "task": "pretrain",
        "data": data,
        "model": {"size": 48, "encoder_layers": 2, "heads": 4, "feedforward": 96, "dropout": 0.0},
        "pretrain": {"length": 48, "vocabulary": "wordpiece(300)", "next": False, "share": 0.25},
        "train": {"epochs": 24, "batch_tokens": 800, "learning_rate": 1e-2, "warmup": 50},
    }
    figures, found = trained(values, tmp_path / "run")
    assert (figures["masked_accuracy"] or 0) > 0.6, figures
    assert found.predict(["the smith works in the [MASK] ."])[0].text == "the smith works in the forge ."
