"""Heads and scheduled sampling from a config: what goes together, what is refused and why, and a run from data to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import regard
from regard.build import networks
from regard.config import ModelSection, read_config
from regard.core.errors import ConfigError
from regard.networks.copy_head import CopyHead
from regard.networks.heads import TiedWordHead, WordHead
from regard.networks.marginal_heads import HardMonotonicHead, MarginalHead
from regard.tasks.seq2seq_builder import build_seq2seq

NET: dict[str, Any] = {"embedding": 6, "size": 8, "encoder": "bigru", "decoder": "gru"}
FREE = {**NET, "order": "luong", "input_feeding": False}
TRANSFORMER = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8, "encoder_layers": 1, "decoder_layers": 1}
MARGINAL = {"score": "general", "weighting": "marginal"}


def made(model: dict[str, Any]):
    return build_seq2seq(read_config({"model": model}), source_words=8, target_words=8).network.head


def test_what_goes_together():
    assert type(made(NET)) is WordHead and type(made({**NET, "tie": "output"})) is TiedWordHead
    for net in (NET, FREE, {**NET, "past": "general"}):
        assert type(made({**net, "attention": MARGINAL})) is MarginalHead
    for net in (NET, FREE, TRANSFORMER, {**NET, "past": "general"}, {**NET, "attention": {"weighting": "hard"}}):
        assert type(made({**net, "head": "copy"})) is CopyHead
    assert type(made({**FREE, "head": "hard-monotonic"})) is HardMonotonicHead


MONOTONIC = {**FREE, "head": "hard-monotonic"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "copy from nowhere": ({**NET, "attention": "none", "head": "copy"}, "an attention, whose places"),
    "copy of a mixture": ({**NET, "attention": MARGINAL, "head": "copy"}, "marginal.* (head words|head of words)"),
    "monotonic transformer": ({**TRANSFORMER, "head": "hard-monotonic"}, "hard-monotonic.* recurrent"),
    "monotonic without attention": ({**NET, "attention": "none", "head": "hard-monotonic"}, "hard-monotonic.* an attention"),
    "monotonic, looking first": ({**NET, "head": "hard-monotonic"}, "hard-monotonic.* luong"),
    "monotonic, feeding": ({**MONOTONIC, "input_feeding": None}, "hard-monotonic.* false"),
    "monotonic, looking back": ({**MONOTONIC, "past": "general"}, "hard-monotonic.*none"),
    "monotonic, two heads": ({**MONOTONIC, "attention": {"heads": 2}}, "hard-monotonic.* (1|one head)"),
    "monotonic, sparse": ({**MONOTONIC, "attention": {"weighting": "sparsemax"}}, "hard-monotonic.* softmax"),
    "monotonic, marginal": ({**MONOTONIC, "attention": MARGINAL}, "hard-monotonic.* softmax"),
    "monotonic, dropping": ({**MONOTONIC, "attention": {"dropout": 0.1}}, "hard-monotonic.* (0|dropout 0)"),
    "marginal transformer": ({**TRANSFORMER, "attention": MARGINAL}, "marginal.* recurrent"),
    "marginal own look": ({**TRANSFORMER, "self_attention": MARGINAL}, "marginal.* recurrent"),
    "marginal past": ({**NET, "past": MARGINAL}, "marginal.*recurrent|one context"),
}


@pytest.mark.parametrize(("model", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(model, reason):
    """By the config, with the key to blame, and by whoever builds without asking it."""
    with pytest.raises(ConfigError, match=reason) as caught:
        read_config({"model": model})
    assert "model." in str(caught.value)
    section = ModelSection(**model)
    with pytest.raises(ConfigError, match=reason):
        (networks.recurrent if section.family == "recurrent" else networks.transformer)(section, 8, 8)


def test_what_would_be_ignored_is_refused():
    with pytest.raises(ConfigError, match=r"model.attention.dropout.*marginal"):
        read_config({"model": {**FREE, "attention": {**MARGINAL, "dropout": 0.1}}})
    read_config({"model": {**NET, "attention": {**MARGINAL, "dropout": 0.1}}})
    with pytest.raises(ConfigError, match=r"train.sampling_decay.*scheduled_sampling above 0"):
        read_config({"train": {"sampling_decay": "exponential"}})


@pytest.mark.parametrize(
    "model", [{**NET, "head": "copy"}, MONOTONIC, {**NET, "attention": MARGINAL}], ids=["copy", "monotonic", "marginal"]
)
def test_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: dict[str, Any]):
    """Vocabularies that differ, a feature, own words in training; what is loaded answers as it did, and its loss is the reported one."""
    monkeypatch.chdir(tmp_path)
    pairs = [("ab", "bx"), ("ba", "xb"), ("aab", "bxx"), ("b", "x"), ("bb", "xx"), ("aba", "bxb")]
    Path("d.tsv").write_text("".join(f"{s}\t{t}\tF;G\n" for s, t in pairs))
    data = {"train": ["d.tsv"], "valid": ["d.tsv"], "features": 3}
    train = {"epochs": 2, "scheduled_sampling": 0.3, "metric": "loss", "threads": 1}
    run = regard.train({"data": data, "model": model, "train": train}, out="run")
    model_, batch = regard.load("run"), [("ab", ["F", "G"]), ("b", ["G"])]
    first, again = (m.predict(batch) for m in (model_, regard.load("run")))
    assert [(p.text, p.score) for p in first] == [(p.text, p.score) for p in again]
    assert first[0].attention["decoder.0.cross"].shape == (1, len(first[0].tokens), len(first[0].source_tokens))
    assert model_.evaluate(["d.tsv"])["metrics"]["loss"] == pytest.approx(run.metrics["loss"], abs=1e-5)
    head = model_.network.head
    if isinstance(head, CopyHead):
        reader, writer = model_._model.tokenizers
        assert head.twins.tolist() == reader.twins(writer) and max(head.twins) == writer.encode("b")[0]
