"""A Transformer of CTranslate2's with weights drawn at random: its folder, and a translator of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

SIGNS = ["<blank>", "<s>", "</s>", "<unk>"]


def translator(
    package: Path, folder: Path, *, words: int, size: int, layers: int, heads: int, feedforward: int, kind: str, threads: int
) -> Any:
    """package: where ctranslate2 is installed (install.sh).  kind: "float32" or "int8".  One batch at a time, on so many threads."""
    sys.path.insert(0, str(package))
    import ctranslate2
    from ctranslate2.specs import Activation, TransformerSpec

    random = np.random.default_rng(0)

    def fill(layer: Any, out: int, into: int) -> None:
        layer.weight = (random.standard_normal((out, into)) * into**-0.5).astype(np.float32)
        layer.bias = np.zeros(out, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(size, np.float32), np.zeros(size, np.float32)

    spec = TransformerSpec.from_config((layers, layers), heads, pre_norm=True, activation=Activation.RELU)
    for stack in (spec.encoder, spec.decoder):
        table = stack.embeddings[0] if isinstance(stack.embeddings, list) else stack.embeddings
        table.weight = (random.standard_normal((words, size)) * size**-0.5).astype(np.float32)
        stack.scale_embeddings = True
        norm(stack.layer_norm)
        for layer in stack.layer:
            own = layer.self_attention
            fill(own.linear[0], 3 * size, size)
            fill(own.linear[1], size, size)
            norm(own.layer_norm)
            if stack is spec.decoder:
                for linear, out in zip(layer.attention.linear, (size, 2 * size, size), strict=True):
                    fill(linear, out, size)
                norm(layer.attention.layer_norm)
            fill(layer.ffn.linear_0, feedforward, size)
            fill(layer.ffn.linear_1, size, feedforward)
            norm(layer.ffn.layer_norm)
    spec.decoder.projection.weight, spec.decoder.projection.bias = table.weight, np.zeros(words, np.float32)
    vocabulary = [*SIGNS, *(f"w{i}" for i in range(words - len(SIGNS)))]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization=None if kind == "float32" else kind)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    return ctranslate2.Translator(str(folder), device="cpu", compute_type=kind, inter_threads=1, intra_threads=threads)


def translate(engine: Any, sentences: int, beam: int, source: int, steps: int) -> None:
    """Sentences of so many words and an end sign, into so many words."""
    read = [[f"w{(7 * i + j) % 100}" for j in range(source)] + ["</s>"] for i in range(sentences)]
    made = engine.translate_batch(
        read, beam_size=beam, max_batch_size=1024, min_decoding_length=steps, max_decoding_length=steps, return_scores=True
    )
    assert len(made) == sentences and len(made[0].hypotheses[0]) == steps
