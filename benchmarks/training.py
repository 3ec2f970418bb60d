"""Training speed and memory on Multi30k en-de beside the fastest peers, in one run: real target tokens a second, ends counted.

    benchmarks/peers/install.sh [FOLDER]
    python benchmarks/training.py [--peers FOLDER] [--threads 2] [--updates 70] [--only transformer gru] [--rounds 1]

A joint BPE of 8,000 pieces, made here, is what all of them read.  Transformer 3+3, d 256, 4 heads, feed-forward 1024, all tables tied,
dropout 0.1, label smoothing 0.1: beside OpenNMT-py with batches by length.  GRU 512, embeddings 256, bidirectional encoder, additive
attention, input feeding, dropout 0.2: beside JoeyNMT.  Updates hold about as many real target tokens, which are counted and shown.
Each side reports every ten updates by its own clock; the first report is left out, and the median of the others is taken.  The peers have
no bfloat16 on a CPU.  Memory: the largest resident set of the process, as the system says.
Writes benchmarks/results/training.csv and training.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tables
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data")) / "multi30k"
PIECES = 8000
TRANSFORMER_TOKENS, GRU_TOKENS = 3400, 1000  # of the longer side, in an update


class Measured(NamedTuple):
    """speed: real target tokens a second, by report; tokens: real target tokens an update; megabytes: the peak; loss: nats a token of the
    validation data after the last update, where it was asked for."""

    speed: list[float]
    tokens: float
    megabytes: float
    loss: float | None = None


def pieces(folder: Path) -> Tokenizer:
    """train.{en,de} and valid.{en,de} (two lines) as pieces between spaces, and vocab.txt; what cut them."""
    text = {s: gzip.decompress((DATA / f"train.{s}.gz").read_bytes()).decode("utf-8").splitlines() for s in ("en", "de")}
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator([*text["en"], *text["de"]], trainers.BpeTrainer(vocab_size=PIECES, show_progress=False))
    for side, lines in text.items():
        cut = [" ".join(e.tokens) for e in made.encode_batch(lines)]
        (folder / f"train.{side}").write_text("\n".join(cut) + "\n", encoding="utf-8")
        (folder / f"valid.{side}").write_text("\n".join(cut[:2]) + "\n", encoding="utf-8")
    words = sorted(made.get_vocab(), key=made.get_vocab().__getitem__)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "counted.txt").write_text("".join(f"{w}\t1\n" for w in words), encoding="utf-8")
    return made


def run(command: list[str], threads: int, log: Path) -> float:
    """Runs it to its end, and gives its peak memory in MB."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("PYTHONPATH", None) if "regard" not in command else None
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment, cwd=log.parent)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"error: {' '.join(command[:4])} failed:\n{log.read_text()[-3000:]}")
    return used.ru_maxrss / 1024


def regard(folder: Path, asked: argparse.Namespace, model: list[str], precision: str) -> Measured:
    """`regard train`."""
    files = [w for s in ("en", "de") for w in ("--train", str(folder / f"train.{s}"), "--valid", str(folder / f"valid.{s}"))]
    settings = [
        "data.source_tokenizer=space",
        "data.target_tokenizer=space",
        "data.joint=true",
        "train.report_every=10",
        "train.metric=loss",
        f"train.updates={asked.updates}",
        f"train.validate_every={asked.updates}",
        f"train.threads={asked.threads}",
        f"train.precision={precision}",
    ]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-m", "regard", "train", *files, "--out", f"{out}/run", *model, *settings]
        megabytes = run(command, asked.threads, folder / "regard.log")
        rows = [json.loads(line) for line in Path(out, "run", "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    reports, judged = ([row for row in rows if row["kind"] == kind] for kind in ("train", "valid"))
    tokens = reports[-1]["tokens"] / asked.updates
    return Measured([r["tokens_per_second"] for r in reports[1:]], tokens, megabytes, judged[-1]["loss"])


def opennmt(folder: Path, asked: argparse.Namespace, **more: Any) -> Measured:
    """OpenNMT-py's Transformer, its batches by length.  more: settings, such as `data` with a part to validate on."""
    settings = {
        "data": {"corpus": {"path_src": "train.en", "path_tgt": "train.de", "transforms": []}},
        "src_vocab": "counted.txt",
        "tgt_vocab": "counted.txt",
        "share_vocab": True,
        "share_embeddings": True,
        "share_decoder_embeddings": True,
        "encoder_type": "transformer",
        "decoder_type": "transformer",
        "position_encoding": True,
        "layers": 3,
        "hidden_size": 256,
        "word_vec_size": 256,
        "heads": 4,
        "transformer_ff": 1024,
        "dropout": [0.1],
        "attention_dropout": [0.0],
        "label_smoothing": 0.1,
        "optim": "adam",
        "learning_rate": 1.0,
        "decay_method": "noam",
        "warmup_steps": 1000,
        "max_grad_norm": 1.0,
        "batch_type": "tokens",
        "normalization": "tokens",
        "batch_size": 3700,  # it counts padded places; so many hold about 3,400 real target tokens
        "bucket_size": 30000,
        "num_workers": 0,
        "train_steps": asked.updates,
        "report_every": 10,
        "save_checkpoint_steps": 10**6,
        "save_model": "model",
        "world_size": 1,
        "seed": 1,
        **more,
    }
    (folder / "onmt.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [str(asked.peers / "onmt" / "bin" / "onmt_train"), "--config", "onmt.yaml"]
    megabytes = run(command, asked.threads, folder / "onmt.log")
    said = (folder / "onmt.log").read_text(encoding="utf-8")
    speed = [float(x) for x in re.findall(r"/\s*(\d+) tok/s", said)]
    tokens = [float(x) for x in re.findall(r"bsz:\s*\d+/\s*(\d+)/", said)]
    perplexity = re.findall(r"Validation perplexity:\s*([\d.]+)", said)
    return Measured(speed[1:], statistics.mean(tokens), megabytes, math.log(float(perplexity[-1])) if perplexity else None)


def joey(folder: Path, asked: argparse.Namespace) -> Measured:
    """JoeyNMT's recurrent net."""
    side = {"level": "word", "voc_file": "vocab.txt", "lowercase": False, "max_length": 200, "tokenizer_type": "none"}
    cell = {
        "type": "recurrent",
        "rnn_type": "gru",
        "embeddings": {"embedding_dim": 256},
        "hidden_size": 512,
        "dropout": 0.2,
        "num_layers": 1,
    }
    settings = {
        "name": "gru",
        "model_dir": "joey",
        "use_cuda": False,
        "random_seed": 1,
        "data": {
            "train": "train",
            "dev": "valid",
            "dataset_type": "plain",
            "src": {"lang": "en", **side},
            "trg": {"lang": "de", **side},
        },
        "testing": {"beam_size": 1, "max_output_length": 2},
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.0003,
            "scheduling": "noam",
            "learning_rate_warmup": 100,
            "batch_size": 64,
            "batch_type": "sentence",
            "updates": asked.updates,
            "epochs": 100,
            "logging_freq": 10,
            "validation_freq": 10**6,
            "label_smoothing": 0.1,
            "clip_grad_norm": 1.0,
            "overwrite": True,
        },
        "model": {
            "encoder": {**cell, "bidirectional": True},
            "decoder": {**cell, "attention": "bahdanau", "input_feeding": True, "init_hidden": "bridge"},
        },
    }  # fmt: skip
    (folder / "joey.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [str(asked.peers / "joey" / "bin" / "python"), "-m", "joeynmt", "train", "joey.yaml", "--skip-test"]
    megabytes = run(command, asked.threads, folder / "joey.log")
    said = (folder / "joey.log").read_text(encoding="utf-8")
    speed = [float(x) for x in re.findall(r"Tokens per Sec:\s*([\d.]+)", said)]
    lines = (folder / "train.de").read_text(encoding="utf-8").splitlines()
    return Measured(speed[1:], 64 * statistics.mean(len(line.split()) + 1 for line in lines), megabytes)


TRANSFORMER = [
    *("model.family=transformer", "model.encoder_layers=3", "model.decoder_layers=3", "model.size=256", "model.heads=4"),
    *("model.feedforward=1024", "model.tie=all", "model.dropout=0.1", f"train.batch_tokens={TRANSFORMER_TOKENS}"),
    "train.label_smoothing=0.1",
]
HALVES, THIRDS = (
    [*TRANSFORMER, f"train.batch_tokens={TRANSFORMER_TOKENS // parts}", f"train.accumulate={parts}"] for parts in (2, 3)
)
GRU = [
    *("model.encoder=bigru", "model.decoder=gru", "model.size=512", "model.embedding=256", "model.attention=additive"),
    *("model.order=luong", "model.input_feeding=true", "model.dropout=0.2", f"train.batch_tokens={GRU_TOKENS}"),
    "train.label_smoothing=0.1",
]
SIDES: dict[str, dict[str, Callable[[Path, argparse.Namespace], Measured]]] = {
    "Transformer": {
        "OpenNMT-py 3.5.1, float32": opennmt,
        "regard, as it comes (bfloat16)": lambda folder, asked: regard(folder, asked, TRANSFORMER, "auto"),
        "regard, in two parts (bfloat16)": lambda folder, asked: regard(folder, asked, HALVES, "auto"),
        "regard, in three parts (bfloat16)": lambda folder, asked: regard(folder, asked, THIRDS, "auto"),
        "regard, float32": lambda folder, asked: regard(folder, asked, TRANSFORMER, "float32"),
    },
    "GRU": {
        "JoeyNMT 2.3.0, float32": joey,
        "regard, as it comes (bfloat16)": lambda folder, asked: regard(folder, asked, GRU, "auto"),
        "regard, float32": lambda folder, asked: regard(folder, asked, GRU, "float32"),
    },
}


def beside_peers(about: str | None, updates: int) -> argparse.ArgumentParser:
    """What a command says that trains beside peers.  updates: how many, where it does not say so."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=_installed, default=str(Path(__file__).parent / "peers" / "environments"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=updates)
    return parser


def _installed(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(
            f"expected a folder that benchmarks/peers/install.sh made; received {text}, which is none"
        )
    return Path(text)


def main() -> None:
    parser = beside_peers(__doc__, 70)
    parser.add_argument("--rounds", type=int, default=1, help="how often the sides take turns")
    parser.add_argument("--only", nargs="+", choices=[*SIDES], default=[*SIDES])
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pieces(folder)
        for model in asked.only:
            found: dict[str, list[Measured]] = {side: [] for side in SIDES[model]}
            for _ in range(asked.rounds):
                for side, measure in SIDES[model].items():
                    found[side].append(measure(folder, asked))
                    print(model, side, found[side][-1], flush=True)
            peer = 0.0
            for side, each in found.items():
                speed = statistics.median(x for m in each for x in m.speed)
                peer = peer or speed
                memory = max(m.megabytes for m in each)
                rows.append((model, side, round(speed), f"{speed / peer:.2f}", round(each[0].tokens), round(memory)))
    head = ("model", "side", "target tokens/s", "times the peer", "target tokens an update", "peak MB")
    command = f"python benchmarks/training.py --threads {asked.threads} --updates {asked.updates} --rounds {asked.rounds}"
    tables.write("training", "Training speed", command, head, rows)


if __name__ == "__main__":
    main()
