"""Folders in the layout of Hugging Face's BERT: what is refused of them, and of runs that begin with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard import runs
from regard.build.bert import make_bert
from regard.config import read_config
from regard.core.errors import ConfigError, DataError, RunFolderError
from regard.data.wordpiece import WordPieces
from regard.networks.bert import BertShape, draw
from regard.pretrained import huggingface
from regard.tasks.pretrain.demo_data import stories

LETTERS = WordPieces.learn("char", ["abcdefghijklmnopqrstuvwxyz " + " ".join("abcdefghijklmnopqrstuvwxyz") + " ."])
SHAPE = BertShape(len(LETTERS), size=8, layers=1, heads=2, feedforward=8, positions=30)
TRAIN = {"epochs": 1, "batch_tokens": 300, "samples": 0, "precision": "float32"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bert = make_bert(SHAPE)
    draw(bert)
    huggingface.write(tmp_path / "hf", bert, LETTERS, {}, architecture="BertModel")
    return tmp_path / "hf"


def plain(folder: Path) -> str:
    file = folder / "plain.txt"
    file.write_text("\n".join("".join(f"{line}\n" for line in story) for story in stories(2, 40)[0]))
    return str(file)


def fill(folder: Path) -> None:
    huggingface.fill(huggingface.read(folder), make_bert(SHAPE), {})


def changed(folder: Path, **keys: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **keys}))


def test_a_folder_of_another_architecture(folder):
    changed(folder, model_type="roberta", architectures=["RobertaModel"])
    with pytest.raises(
        RunFolderError, match=r"config\.json: expected model_type: bert; received roberta\. Name a folder of a BERT"
    ):
        huggingface.read(folder)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"position_embedding_type": "relative_key"}, "only absolute is known"),
        ({"hidden_act": "silu"}, "hidden_act: silu, where only gelu"),
        ({"hidden_size": "wide"}, "hidden_size: 'wide'"),
        ({"vocab_size": None, "num_hidden_layers": None}, "no vocab_size; no num_hidden_layers"),
        ({"num_attention_heads": 0}, "num_attention_heads: 0, which is too small"),
        ({"num_attention_heads": 3}, "hidden_size: 8, which 3 heads cannot share"),
        ({"hidden_size": -16}, "hidden_size: -16, which is too small"),
        ({"pad_token_id": 9999}, "pad_token_id: 9999, where there are"),
        ({"hidden_act": ["gelu"]}, r"hidden_act: \['gelu'\], where only gelu"),
        ({"architectures": {}}, r"architectures: \{\}"),
        ({"architectures": 7}, "architectures: 7"),
        ({"architectures": [7]}, r"architectures: \[7\]"),
        ({"attention_probs_dropout_prob": 3}, "attention_probs_dropout_prob: 3, which is too large"),
        ({"hidden_dropout_prob": True}, "hidden_dropout_prob: True"),
        ({"hidden_dropout_prob": float("nan")}, "NaN, which is no number"),
        ({"max_position_embeddings": True}, "max_position_embeddings: True"),
        ({"is_decoder": 1}, "is_decoder: 1"),
        ({"hidden_size": 10**12}, "a net of more than 10,000,000,000 numbers"),
        ({"num_hidden_layers": 2**31}, "a net of more than"),
    ],
)
def test_a_config_that_is_no_bert(keys, match, folder):
    changed(folder, **keys)
    with pytest.raises(RunFolderError, match=match):
        huggingface.read(folder)


def test_all_missing_unexpected_and_misshapen_tensors_are_named(folder):
    tensors = load_file(folder / "model.safetensors")
    gone = [n for n in tensors if "attention.self" in n]
    kept = {n: t for n, t in tensors.items() if n not in gone}
    kept["bert.encoder.layer.7.output.dense.bias"] = torch.zeros(8)
    kept["bert.embeddings.LayerNorm.weight"] = torch.zeros(5)
    save_file(kept, folder / "model.safetensors")
    with pytest.raises(RunFolderError) as error:
        fill(folder)
    told = str(error.value)
    assert len(gone) == 6 and all(f"{name} is missing" in told for name in gone)
    assert "bert.encoder.layer.7.output.dense.bias is no part of a BERT with 1 layer" in told
    assert "bert.embeddings.LayerNorm.weight is (5,) and should be (8,)" in told


@pytest.mark.parametrize("architecture", ["BertModel", "BertCrfForNer", "BertForTokenClassification"])
def test_a_pooler_that_is_missing_whole_is_drawn_anew_and_half_a_one_is_refused(architecture, folder):
    whole = load_file(folder / "model.safetensors")
    changed(folder, architectures=[architecture])
    save_file({n: t for n, t in whole.items() if "pooler" not in n}, folder / "model.safetensors")
    assert huggingface.fill(huggingface.read(folder), make_bert(SHAPE), {}) == ["bert.pooler"]
    save_file({n: t for n, t in whole.items() if n != "bert.pooler.dense.bias"}, folder / "model.safetensors")
    with pytest.raises(RunFolderError, match=r"received bert\.pooler\.dense\.bias is missing\. Name"):
        fill(folder)


def test_a_pickle_is_never_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(RunFolderError, match=r"pytorch_model\.bin, which is a pickle.*convert it"):
        huggingface.read(folder)


def test_a_vocabulary_of_another_size(folder):
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "more\n")
    with pytest.raises(RunFolderError, match=rf"expected {len(LETTERS)} pieces in vocab\.txt .*; received {len(LETTERS) + 1}"):
        huggingface.read(folder)


@pytest.mark.parametrize(
    ("text", "match"), [("[PAD]\n[UNK]\na\n", r"none of \[CLS\], \[SEP\], \[MASK\]"), (None, "no such file")]
)
def test_a_vocabulary_that_is_none(text, match, folder):
    (folder / "vocab.txt").unlink() if text is None else (folder / "vocab.txt").write_text(text)
    with pytest.raises(DataError, match=match):
        huggingface.read(folder)


def test_how_a_folder_cuts_text_is_read_and_written(folder, tmp_path):
    """As `transformers.BertTokenizer` does with the same keys."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sch", "##ön", "##on", "日", "本", "日本"]
    keys = {
        "do_lower_case": True,
        "strip_accents": False,
        "tokenize_chinese_chars": False,
        "tokenizer_class": "BertTokenizerFast",
    }
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(keys))
    pieces = WordPieces.read(folder)
    assert pieces.tokens(pieces.encode("Schön 日本")) == ("sch", "##ön", "日本")
    pieces.save(tmp_path)
    assert pieces.encode("Schön 日本") == WordPieces.read(tmp_path).encode("Schön 日本")
    (folder / "tokenizer_config.json").write_text("{}")
    pieces = WordPieces.read(folder)
    assert pieces.tokens(pieces.encode("Schön 日本")) == ("sch", "##on", "日", "本")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertJapaneseTokenizer"}))
    with pytest.raises(DataError, match="tokenizer_class BertTokenizer or BertTokenizerFast; received BertJapaneseTokenizer"):
        WordPieces.read(folder)


@pytest.mark.parametrize(
    ("section", "match"),
    [
        ({"manner": "left-to-right", "next": False, "length": 30}, "pretrain.manner: expected masked, which .* was made for"),
        ({"length": 31}, "pretrain.length: expected at most 30 pieces.*Write pretrain.length=30"),
    ],
)
def test_a_bert_that_cannot_do_what_is_asked_for(section, match, folder, tmp_path):
    values = {"task": "pretrain", "data": {"train": [plain(folder)]}, "model": {"pretrained": str(folder)}, "pretrain": section}
    with pytest.raises(ConfigError, match=match):
        runs.train(read_config({**values, "train": TRAIN}), tmp_path / "run", say=str)


def test_pairs_alone_need_pairs_to_be_judged(folder, tmp_path):
    (tmp_path / "one.txt").write_text("a line here\n" * 9)
    data = {"train": [plain(folder)], "valid": [str(tmp_path / "one.txt")]}
    section, model = (
        {"masked": False, "length": 30, "vocabulary": "char"},
        {"size": 8, "heads": 2, "encoder_layers": 1, "feedforward": 8},
    )
    values = {"task": "pretrain", "data": data, "model": model, "pretrain": section, "train": TRAIN}
    with pytest.raises(DataError, match=r"expected pairs of texts, from two documents or more.*received 1 with no pair in it"):
        runs.train(read_config(values), tmp_path / "run", say=str)


def test_nothing_to_begin_with(tmp_path):
    with pytest.raises(RunFolderError, match="no such folder"):
        huggingface.source(tmp_path / "nothing")
    (tmp_path / "config.yaml").write_text("task: tag\n")
    with pytest.raises(RunFolderError, match=r"a run of task pretrain, with bert/model\.safetensors; received a run without"):
        huggingface.source(tmp_path)
