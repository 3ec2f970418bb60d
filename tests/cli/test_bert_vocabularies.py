"""Vocabularies of BERTs as `transformers` and others leave them: tokenizer.json alone, tables longer than the vocabulary, added tokens, a
piece twice, one segment; each cuts texts as `transformers` does, and can be begun with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from regard import runs
from regard.api import load
from regard.build.bert import make_bert
from regard.config import read_config
from regard.core.errors import DataError, RunFolderError
from regard.data.wordpiece import WordPieces
from regard.networks.bert import BertShape, draw
from regard.pretrained import huggingface
from regard.tasks.pretrain.predictor import likeliest

transformers = pytest.importorskip("transformers", reason="transformers, the oracle, is not installed")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", "##b", "ab", ".", "<", ">", "ent"]
TEXTS = ["ab b. a", "a<ENT>b", "<ent> AB", "c <new> d", "a [MASKED] b", "é ä"]
TRAIN = {"epochs": 1, "batch_tokens": 300, "samples": 0, "threads": 1, "precision": "float32"}


def folder_of(path: Path, *, words: int | None = None, segments: int = 2) -> Path:
    """A BERT with random weights, and WORDS as vocab.txt.  words: rows of its table."""
    shape = BertShape(words or len(WORDS), size=8, layers=1, heads=2, feedforward=8, positions=40, segments=segments)
    bert = make_bert(shape)
    draw(bert)
    huggingface.write(path, bert, WordPieces(WORDS), {}, architecture="BertModel")
    return path


def theirs(path: Path, *, added: tuple[str, ...] = (), lower: bool = True) -> Any:
    """`transformers`' own tokenizer of WORDS, written to the folder in its way."""
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}, do_lower_case=lower)
    tokenizer.add_tokens(list(added))
    tokenizer.save_pretrained(path)
    return tokenizer


def trained(path: Path, run: Path, task: str = "classify") -> list[str]:
    rows = {
        "classify": "a b\tyes\nd e\tno\n",
        "pair": "a b\tc\tyes\nd\te f\tno\n",
        "read": json.dumps({"context": "a b c", "question": "d", "answers": [{"text": "b", "start": 2}]}) + "\n",
    }
    file = path.parent / f"{task}.{'jsonl' if task == 'read' else 'tsv'}"
    file.write_text(rows[task] * 4)
    data, said = {"train": [str(file)], "valid": [str(file)]}, list[str]()
    values = {"task": task, "data": data, "model": {"pretrained": str(path)}, "train": TRAIN}
    runs.train(read_config(values), run, say=said.append)
    return said


@pytest.mark.parametrize("added", [(), ("<ent>",), ("<new>", "<ent>")])
@pytest.mark.parametrize("lower", [True, False])
def test_tokenizer_json_alone(added, lower, tmp_path):
    folder = folder_of(tmp_path / "hf", words=len(WORDS) + len(added))
    (folder / "vocab.txt").unlink()
    tokenizer = theirs(folder, added=added, lower=lower)
    assert not (folder / "vocab.txt").exists() and (folder / "tokenizer.json").exists()
    pieces = huggingface.read(folder).pieces
    pieces.save(tmp_path)
    for read in (pieces, WordPieces.read(tmp_path)):  # as it was read, and as a run folder keeps it
        for text in TEXTS:
            assert read.encode(text) == tokenizer(text, add_special_tokens=False)["input_ids"], text
    assert trained(folder, tmp_path / "run") and load(tmp_path / "run").predict(["a b"])


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "TokenizersBackend"])
def test_other_names_of_the_same_tokenizer(kind, tmp_path):
    folder = folder_of(tmp_path / "hf")
    (folder / "vocab.txt").unlink()
    theirs(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    assert huggingface.read(folder).pieces.names == tuple(WORDS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": {"type": "BPE", "vocab": {}}}, "model.type: BPE"),
        ({"normalizer": None}, "normalizer: None"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "pre_tokenizer: Whitespace"),
        ({"model": {"type": "WordPiece", "vocab": {"a": "b"}}}, "model.vocab that is no mapping"),
        ({"added_tokens": [{"content": "a", "id": -1}]}, "added tokens with their numbers"),
        ({"added_tokens": [{"content": "x", "id": 3}]}, "each piece a number of its own; received 'x' and"),
        ({"added_tokens": [{"content": "x", "id": 10**9}]}, "numbers of pieces without large gaps"),
        ({"added_tokens": 3}, "in UTF-8"),
        ([], "in UTF-8"),
    ],
)
def test_a_tokenizer_json_of_another_kind(change, said, tmp_path):
    folder = folder_of(tmp_path / "hf")
    (folder / "vocab.txt").unlink()
    theirs(folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**content, **change} if isinstance(change, dict) else change))
    with pytest.raises(DataError, match=said):
        huggingface.read(folder)


def test_a_table_longer_than_its_vocabulary(tmp_path):
    folder = folder_of(tmp_path / "hf", words=32)
    found = huggingface.read(folder)
    assert len(found.pieces) == len(WORDS) and found.shape.words == 32
    assert trained(folder, tmp_path / "run") and load(tmp_path / "run").predict(["a b"])
    best = likeliest(np.arange(32.0, dtype=np.float32), found.pieces, 32)  # rows without a piece are never filled in
    assert len(best) == len(WORDS) - 5 and max(number for _, number in best) == len(WORDS) - 1
    assert found.pieces.tokens([5, 31]) == ("a", "[31]")
    (folder / "vocab.txt").write_text("\n".join([*WORDS, *(f"w{i}" for i in range(20))]) + "\n")
    with pytest.raises(RunFolderError, match=r"expected 32 pieces in vocab\.txt .*, or fewer; received 39"):
        huggingface.read(folder)


def test_added_tokens_beside_vocab_txt(tmp_path):
    folder = folder_of(tmp_path / "hf", words=len(WORDS) + 3)
    (folder / "added_tokens.json").write_text(json.dumps({"<new>": len(WORDS) + 1}))
    pieces = huggingface.read(folder).pieces
    assert pieces.tokens(pieces.encode("a<new>b")) == ("a", "<new>", "b") and pieces.encode("<new>") == [len(WORDS) + 1]
    assert pieces.names[len(WORDS)] == f"[unused {len(WORDS)}]"


def test_a_piece_twice_has_its_last_number_as_theirs(tmp_path):
    folder = folder_of(tmp_path / "hf", words=len(WORDS) + 1)
    (folder / "vocab.txt").write_text("\n".join([*WORDS, "a"]) + "\n")
    pieces = huggingface.read(folder).pieces
    tokenizer = transformers.BertTokenizer(vocab=str(folder / "vocab.txt"))
    assert pieces.encode("a b") == tokenizer("a b", add_special_tokens=False)["input_ids"] == [len(WORDS), 6]


def test_what_is_said_of_a_pickle_leads_to_a_folder_that_is_read(tmp_path):
    folder = folder_of(tmp_path / "hf")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(RunFolderError, match=r"save_pretrained\(NEW\); copy vocab\.txt, too\."):
        huggingface.read(folder)
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize("task", ["classify", "pair", "read"])
def test_one_segment(task, tmp_path):
    """Both texts are of the one segment, as `transformers` is given them where `token_type_ids` are left out."""
    folder = folder_of(tmp_path / "hf", segments=1)
    said = trained(folder, tmp_path / "run", task)
    assert any("knows one text at a time" in line for line in said)
    item: Any = {"classify": "a b", "pair": ("a b", "c"), "read": ("a b c", "d")}[task]
    assert load(tmp_path / "run").predict([item])
