"""JoeyNMT's recurrent net, weights at random, greedy: run by its own Python from benchmarks/decoding.py.

Arguments: vocabulary, tokens of a source, steps, threads.  Each line of standard input is a number of sentences; the answer is the seconds
that their decoding took.
"""

import sys
import time

import torch
from joeynmt.helpers_for_ddp import get_logger  # noqa: F401  sets up its log, which must not go to standard output
from joeynmt.model import build_model
from joeynmt.search import greedy


class Words:
    """As much of a vocabulary as a model asks for."""

    pad_index, bos_index, eos_index, unk_index, sep_index, lang_tags, specials = 1, 2, 3, 0, None, [], [0, 1, 2, 3]

    def __init__(self, size: int) -> None:
        self.size = size

    def lookup(self, word: int) -> int:
        return word

    def __len__(self) -> int:
        return self.size


def main() -> None:
    size, source, steps, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    cell = {"type": "recurrent", "rnn_type": "gru", "embeddings": {"embedding_dim": 256}, "hidden_size": 512, "num_layers": 1}
    decoder = {**cell, "attention": "bahdanau", "input_feeding": True, "init_hidden": "bridge"}
    model = build_model({"encoder": {**cell, "bidirectional": True}, "decoder": decoder}, Words(size), Words(size)).eval()
    print("ready", flush=True)
    for line in sys.stdin:
        rows = int(line)
        words = 4 + (torch.arange(source) + 7 * torch.arange(rows)[:, None]) % 100
        mask, length = torch.ones(rows, 1, source, dtype=torch.bool), torch.full((rows,), source)
        began = time.perf_counter()
        with torch.no_grad():
            states, hidden, _, _ = model(return_type="encode", src=words, src_length=length, src_mask=mask)
            greedy(mask, steps, model, states, hidden, min_output_length=steps)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
