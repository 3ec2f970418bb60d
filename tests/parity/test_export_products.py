"""Products of kinds, exported: score x scope x weighting x heads x family, each net's graphs beside the net itself.

A sample of fixed seed; REGARD_PRODUCTS=400 tries so many.
"""

from __future__ import annotations

import os
import random

import numpy as np
import torch

from regard.config import read_config
from regard.core.errors import ConfigError
from regard.export.functions import WritingFunctions, names_of, sources, trace_steps
from regard.export.trace import Unexportable
from regard.inference.array_writer import ArrayWriter
from regard.networks.encoder_decoder import EncoderDecoder
from regard.runtime.networks import GraphWriter
from regard.tasks.seq2seq_builder import build_seq2seq
from tests.laws.products import Product, kinds, sample

COUNT, WORDS = int(os.environ.get("REGARD_PRODUCTS", "40")), 20
ALLOWED = 0.1  # of the products may be refused, with a reason


def net_of(choice: Product) -> EncoderDecoder | None:
    """A small net of these kinds; None where a config refuses them."""
    look = {"score": choice.score, "scope": choice.scope, "weighting": choice.weighting, "heads": choice.heads}
    data = {"max_source_length": 60, "max_target_length": 60}
    if choice.family == "transformer":
        sizes = {"size": 8, "feedforward": 10, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0, "heads": 2}
        model = {"family": "transformer", **sizes, "attention": look, "self_attention": look}
    else:
        look |= {"project": True} if choice.project else {}
        cells = {"encoder": "bigru" if choice.unequal else "gru", "decoder": "gru", "embedding": 6, "size": 8, "dropout": 0.0}
        model = {**cells, "attention": look, **({"past": look} if choice.past else {})}
    try:
        torch.manual_seed(3)
        return build_seq2seq(read_config({"data": data, "model": model}), source_words=WORDS, target_words=WORDS).eval().network
    except ConfigError:
        return None


def difference(net: EncoderDecoder, room: int | None) -> float:
    """The largest difference of a log-probability or a weight of attention, over sources and words of other sizes than were recorded."""
    draw, weights = torch.Generator().manual_seed(1), {}
    start, step, common = trace_steps(WritingFunctions(net), sources(WORDS, room, draw), room, names_of(net), weights)
    plain, played = ArrayWriter(net), GraphWriter(start, step, weights, source_words=WORDS, target_words=WORDS, common=common)
    worst, by = 0.0, np.random.default_rng(2)
    for rows, places in ((1, 1), (3, 2), (4, 9)):
        valid = np.arange(places) < by.integers(0, places + 1, (rows, 1))
        source, states = by.integers(4, WORDS, (rows, places)) * valid, []
        words = by.integers(4, WORDS, (rows, 6))
        for writer in (plain, played):
            states.append(writer.start(source, valid))
        for word in words.T:
            told = []
            for i, writer in enumerate((plain, played)):
                log_p, states[i] = writer.step(np.ascontiguousarray(word), states[i])
                told.append(np.exp(log_p))
            worst = max(worst, float(np.abs(told[0] - told[1]).max()))
        for mine, other in zip(plain.looks(source, valid, words), played.looks(source, valid, words), strict=True):
            worst = max([worst, *(float(np.abs(mine[name] - other[name]).max(initial=0.0)) for name in mine)])
    return worst


def test_products_export():
    every = list(sample(kinds()))
    random.Random(7).shuffle(every)
    tried, refused, wrong = 0, list[str](), list[str]()
    for choice in every:
        if tried == COUNT or (net := net_of(choice)) is None:
            if tried == COUNT:
                break
            continue
        tried += 1
        room = 16 if "max=16" in f"{choice}" else None
        try:
            worst = difference(net, room)
            wrong += [f"{choice}: {worst:.1e}"] if worst > 1e-5 else []
        except Unexportable as error:
            refused.append(f"{choice}: {error}")
    assert tried == COUNT and not wrong, wrong
    assert len(refused) <= ALLOWED * tried, refused
