#!/usr/bin/env bash
# ctranslate2 4.8.5: words that may not be written are left out before the softmax: scores of `translate_batch` are no longer the model's.
#
# Who meets it: whoever forbids the unknown word or a padding sign (`disable_unk`, `suppress_sequences`) and compares scores with those of
# `score_batch`, of another engine or of a threshold that was set without them.
# A guess before it was run: what is forbidden gets -inf after the log-softmax, as in fairseq, OpenNMT-py and Hugging Face's `bad_words_ids`; the score
# of a hypothesis stays the sum of the model's log-probabilities, whether something was forbidden or not.
# Seen: the probability of what is forbidden is shared out among the rest, so that scores rise.  Of a model that gives five words an equal
# share whatever it reads, two words have 2 ln 1/5 by `score_batch` and by a free search, and 2 ln 1/4 once another word is forbidden.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.3.5
"$folder/env/bin/python" - "$folder/model" <<'PY'
import math
import os
import sys

import ctranslate2
import numpy as np
from ctranslate2.specs import TransformerSpec

assert ctranslate2.__version__ == "4.8.5"
words, size = ["<unk>", "<s>", "</s>", "a", "b"], 8
zeros = lambda *shape: np.zeros(shape, np.float32)
spec = TransformerSpec.from_config((1, 1), 1, pre_norm=True)


def fill_norm(norm):
    norm.gamma, norm.beta = zeros(size), zeros(size)


def fill(linear, out, into):
    linear.weight, linear.bias = zeros(out, into), zeros(out)


for stack in (spec.encoder, spec.decoder):
    table = stack.embeddings[0] if isinstance(stack.embeddings, list) else stack.embeddings
    table.weight = zeros(len(words), size)
    fill_norm(stack.layer_norm)
    for layer in stack.layer:
        looks = [(layer.self_attention, (3, 1))] + ([(layer.attention, (1, 2, 1))] if stack is spec.decoder else [])
        for look, widths in looks:
            fill_norm(look.layer_norm)
            for linear, width in zip(look.linear, widths, strict=True):
                fill(linear, width * size, size)
        fill_norm(layer.ffn.layer_norm)
        fill(layer.ffn.linear_0, size, size)
        fill(layer.ffn.linear_1, size, size)
fill(spec.decoder.projection, len(words), size)
spec.register_source_vocabulary(words)
spec.register_target_vocabulary(words)
spec.validate()
os.mkdir(sys.argv[1])
spec.save(sys.argv[1])
engine = ctranslate2.Translator(sys.argv[1], device="cpu", compute_type="float32", intra_threads=1)


def score(**options):
    """Of two words, of which the search sees that neither is the end."""
    found = engine.translate_batch(
        [["a"]], beam_size=1, length_penalty=0, min_decoding_length=0, max_decoding_length=2, return_scores=True, **options
    )[0]
    assert len(found.hypotheses[0]) == 2
    return found.scores[0]


forced = sum(engine.score_batch([["a"]], [["a"]])[0].log_probs)
free, forbidden, unknown = score(), score(suppress_sequences=[["b"]]), score(disable_unk=True)
print(f"two words of five: score_batch {forced:.4f}, free {free:.4f}, another forbidden {forbidden:.4f}, the unknown one {unknown:.4f}")
assert all(math.isclose(told, 2 * math.log(1 / 5), rel_tol=1e-5) for told in (forced, free))
assert all(math.isclose(told, 2 * math.log(1 / 4), rel_tol=1e-5) for told in (forbidden, unknown))
print("as described")
PY
