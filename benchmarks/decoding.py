"""Decoding speed with weights drawn at random: so many target tokens a second, and milliseconds for one sentence alone.

    python benchmarks/decoding.py [--threads 2] [--repeats 5] [--only transformer gru] [--peers FOLDER]

Sentences of 14 tokens and an end sign, vocabulary 8,000; every answer is 25 tokens long (the end sign is made impossible until then, so
that weights do not matter).  Transformer 3+3, d 256, 4 heads, feed-forward 1024, tied output; GRU 512 with a bidirectional encoder,
embeddings 256, additive attention, input feeding.  Greedy with a batch of 32, beam 5 with a batch of 32, greedy with one sentence.
The net itself (PyTorch), and its graphs as `regard export` writes them (the compiled loops of the runtime).
Beside it, where they are installed: Hugging Face's MarianMT of the same sizes, `generate` with its cache; CTranslate2, float32 and int8;
JoeyNMT's recurrent net, in its own process (benchmarks/peers/install.sh), greedy alone.  All take turns; medians of the clock.
Writes benchmarks/results/decoding.csv and decoding.md.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import tables
import torch
from peers.ctranslate2_model import translate, translator

from regard.cli.memory import keep_freed_memory
from regard.config import Config
from regard.core.library import set_threads
from regard.data.batching import collate
from regard.data.tokenizer import EOS
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.export.bytes import in_bytes, multiply_in_bytes
from regard.export.functions import WritingFunctions, names_of, sources, trace_steps
from regard.inference.array_writer import ArrayWriter
from regard.inference.int8 import quantize
from regard.inference.prepare import in_use
from regard.networks.encoder_decoder import EncoderDecoder
from regard.runtime.networks import GraphWriter
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.writing import answer

WORDS, SOURCE, STEPS = 8000, 14, 25
MODELS = {
    "transformer": {
        "family": "transformer", "encoder_layers": 3, "decoder_layers": 3, "size": 256, "heads": 4, "feedforward": 1024, "tie": "output",
    },
    "gru": {"encoder": "bigru", "decoder": "gru", "size": 512, "embedding": 256, "order": "luong", "attention": "additive"},
}  # fmt: skip
WAYS = {"greedy, 32 at a time": (32, 1), "beam 5, 32 at a time": (32, 5), "greedy, one sentence": (1, 1)}
JOEY = "JoeyNMT, float32"
Call = Callable[[int, int], None]  # (sentences, beam)


def ours(network: EncoderDecoder) -> Call:
    ready: dict[int, ArrayWriter] = {}

    def call(rows: int, width: int) -> None:
        together = rows * width
        if together not in ready:  # as a model does once for every few hundred sentences
            ready[together] = ArrayWriter(in_use(network, together))
        pairs = [([4 + (7 * i + j) % 100 for j in range(SOURCE)] + [EOS], None) for i in range(rows)]
        batch = collate(pairs, range(rows))
        answer(ready[together], batch, way=Beam(width), limits=Limits(STEPS - 1, 0.0, STEPS - 1), attention=False)

    return call


def exported(network: EncoderDecoder, in_int8: bool) -> Call:
    """The same net's graphs."""
    weights: dict[str, np.ndarray] = {}
    starts = sources(WORDS, None, torch.Generator().manual_seed(0))
    start, step, common = trace_steps(WritingFunctions(network), starts, None, names_of(network), weights)
    if in_int8:
        weights = in_bytes(weights)
        start, step = (multiply_in_bytes(graph, weights) for graph in (start, step))
    writer = GraphWriter(start, step, weights, source_words=WORDS, target_words=WORDS, common=common)

    def call(rows: int, width: int) -> None:
        pairs = [([4 + (7 * i + j) % 100 for j in range(SOURCE)] + [EOS], None) for i in range(rows)]
        answer(writer, collate(pairs, range(rows)), way=Beam(width), limits=Limits(STEPS - 1, 0.0, STEPS - 1), attention=False)

    return call


def ctranslate2(package: Path, kind: str, threads: int) -> Call:
    """CTranslate2's Transformer of these sizes."""
    sizes = {"words": WORDS, "size": 256, "layers": 3, "heads": 4, "feedforward": 1024}
    engine = translator(package, Path(tempfile.mkdtemp()), **sizes, kind=kind, threads=threads)
    return lambda rows, width: translate(engine, rows, width, SOURCE, STEPS)


def marian() -> Call:
    """Hugging Face's translation model of these sizes."""
    from transformers import MarianConfig, MarianMTModel

    sizes = {
        f"{side}_{name}": n
        for side in ("encoder", "decoder")
        for name, n in (("layers", 3), ("attention_heads", 4), ("ffn_dim", 1024))
    }
    config = MarianConfig(
        vocab_size=WORDS, d_model=256, pad_token_id=1, eos_token_id=0, decoder_start_token_id=1, forced_eos_token_id=None, **sizes
    )
    model = MarianMTModel(config).eval()

    def call(rows: int, width: int) -> None:
        ids = 4 + (torch.arange(SOURCE + 1) + 7 * torch.arange(rows)[:, None]) % 100
        with torch.no_grad():
            model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                num_beams=width,
                do_sample=False,
                min_new_tokens=STEPS,
                max_new_tokens=STEPS,
            )

    return call


def joey(python: Path, threads: int) -> Call:
    """JoeyNMT, in a process of its own environment that answers line by line."""
    script = Path(__file__).parent / "peers" / "joey_greedy.py"
    command = [str(python), str(script), *map(str, (WORDS, SOURCE + 1, STEPS, threads))]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"OMP_NUM_THREADS": str(threads)}
    peer = subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert peer.stdin and peer.stdout and peer.stdout.readline() == "ready\n", "JoeyNMT does not start"
    asks, answers = peer.stdin, peer.stdout

    def call(rows: int, width: int) -> None:
        print(rows, file=asks, flush=True)
        float(answers.readline())

    return call


def sides(kind: str, peers: Path, threads: int) -> dict[str, Call]:
    torch.manual_seed(0)
    config = Config.model_validate({"model": {"dropout": 0.0, **MODELS[kind]}})
    network = build_seq2seq(config, source_words=WORDS, target_words=WORDS).network.eval()
    made = {"regard, float32": ours(network), "regard, int8": ours(quantize(deepcopy(network)))}
    made |= {f"regard exported, {name}": exported(network, name == "int8") for name in ("float32", "int8")}
    package = peers / "ctranslate2"
    if kind == "transformer" and package.is_dir():
        made |= {f"CTranslate2, {name}": ctranslate2(package, name, threads) for name in ("float32", "int8")}
    if kind == "transformer" and find_spec("transformers"):
        made["Hugging Face MarianMT, float32"] = marian()
    python = peers / "joey" / "bin" / "python"
    if kind == "gru" and python.is_file():
        made[JOEY] = joey(python, threads)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[*MODELS], default=[*MODELS])
    parser.add_argument("--peers", type=Path, default=Path(__file__).parent / "peers" / "environments")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    set_threads(asked.threads)
    keep_freed_memory()  # as the command does; both sides have it
    rows = []
    for kind in asked.only:
        calls = sides(kind, asked.peers, asked.threads)
        for way, (sentences, width) in WAYS.items():
            taken: dict[str, list[float]] = {name: [] for name in calls}
            for turn in range(asked.repeats + 1):
                for name, call in ((n, c) for n, c in calls.items() if n != JOEY or width == 1):
                    began = time.perf_counter()
                    call(sentences, width)
                    taken[name] += [time.perf_counter() - began] if turn else []  # the first is for warming up
            for name, times in taken.items():
                if not times:
                    continue
                middle = statistics.median(times)
                rows.append((kind, way, name, round(sentences * STEPS / middle), round(1000 * middle / sentences, 2)))
                print(*rows[-1], flush=True)
    head = ("model", "way", "side", "tokens a second", "ms a sentence")
    command = f"python benchmarks/decoding.py --threads {asked.threads} --repeats {asked.repeats}"
    tables.write("decoding", "Decoding", command, head, rows)


if __name__ == "__main__":
    main()
