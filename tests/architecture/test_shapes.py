"""The shapes that are written are the shapes that come: a tour of floors 1 and 2 with jaxtyping's checks switched on.

The checks must be installed before the modules are first imported, so the tour runs in an interpreter of its own.
"""

from __future__ import annotations

import subprocess
import sys

TOUR = '''
from itertools import product

import builtins

import beartype
import jaxtyping
import torch
from jaxtyping import install_import_hook

for kind in ("Bool", "Float", "Int", "Shaped"):
    setattr(builtins, kind, getattr(jaxtyping, kind))  # where a module imports them for those who check types alone
torch.set_num_threads(1)
beartype.tower = beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))  # an int is a float too, as PEP 484 has it
CHECKED = ("core", "attention", "networks", "decoding", "inference.array_writer", "tasks")
hook = install_import_hook([f"regard.{name}" for name in CHECKED], "beartype.tower")
with hook:
    from regard import attention as catalogue
    from regard.attention import aaren, attention_over_attention, pooling, score, scope, weighting
    from regard.core.arrays import to_tensors
    from regard.data.batching import collate
    from regard.networks import base, recurrent, transformer
    from regard.decoding import top_k
    from regard.decoding.limits import Limits
    from regard.decoding.ways import Beam, Sample
    from regard.inference.array_writer import ArrayWriter
    from regard.tasks.seq2seq import Seq2SeqNetwork
    from regard.tasks.writing import answer, as_one
    from regard.build import networks
    from regard.config import AttentionSection, ModelSection, mechanisms

V = 9
PAIRS = [([4, 5, 6, 2], [4, 5, 2]), ([7, 2], [8, 8, 6, 5, 2]), ([4, 8, 2], [2])]


def expressions(table):
    limit = {"max": 20}  # what nothing here reaches
    given = {w: [f"{a.name}={limit.get(a.name, 2)}" for a in known.arguments if a.required] for w, known in table.items()}
    return [f"{word}({', '.join(numbers)})" if numbers else word for word, numbers in given.items()]


def visit(model):
    """Train a step, answer by beam and by draws, in one model."""
    make = networks.recurrent if model.family == "recurrent" else networks.transformer
    task, batch = Seq2SeqNetwork(make(model, V, V), label_smoothing=0.1), collate(PAIRS, range(3))
    task.train().loss(to_tensors(batch)).total.backward()
    task.eval()
    for way in (Beam(2, n_best=2, length_penalty=1.0), Sample(n_best=2, top_k=3, top_p=0.9)):
        answer(as_one([ArrayWriter(task.network)] * 2), batch, way=way, limits=Limits(ratio=1.0, extra=2), attention=True)


SIZES = {"size": 6, "dropout": 0.1}
RECURRENT = {**SIZES, "embedding": 5, "encoder_layers": 2, "decoder_layers": 2}
TRANSFORMER = {**SIZES, "family": "transformer", "feedforward": 7, "heads": 2, "encoder_layers": 2, "decoder_layers": 1}
scores, scopes, weightings = (expressions(t) for t in (mechanisms.SCORES, mechanisms.SCOPES, mechanisms.WEIGHTINGS))
looks = [AttentionSection(score=s, heads=h, dropout=0.1) for s, h in product([*scores, "scaled + additive(3) + dot"], (1, 2))]
looks += [AttentionSection(scope=s, project=True) for s in [*scopes, "causal & window(1)", "~window(1) | causal"]]
looks += [AttentionSection(weighting=w) for w in weightings]
for i, look in enumerate(looks):
    cell = list(networks.CELLS)[i % len(networks.CELLS)]
    order = ({}, {"order": "luong"}, {"order": "luong", "input_feeding": False})[i // 3 % 3]
    tie = {"tie": ("none", "output", "all")[i % 3]}
    visit(ModelSection(**RECURRENT, **order, **tie, encoder=cell, decoder=cell, attention=look))
    kinds = {"norm": ("pre", "post")[i % 2], "positions": ("sinusoidal", "learned", "none")[i % 3], "activation": ("relu", "gelu")[i % 2]}
    attention = networks.make_attention(score=look.score, weighting=look.weighting, query_size=6, memory_size=6)
    if not (attention.sequential or attention.weighting.mixes):
        visit(ModelSection(**TRANSFORMER, **kinds, **tie, max_positions=20, attention=look, self_attention=look))
memories = [
    {**TRANSFORMER, "family": "aaren", "self_attention": AttentionSection(memory="key-value", heads=3)},
    {**TRANSFORMER, "attention": AttentionSection(memory="key-value"), "norm": "post"},
    {**RECURRENT, "attention": AttentionSection(score="additive", memory="key-value"), "past": AttentionSection(score="general")},
    {**RECURRENT, "past": AttentionSection(score="coverage", memory="key-value-predict", weighting="hard"), "order": "luong"},
]
for memory in memories:
    visit(ModelSection(**memory))
h, some = torch.randn(2, 5, 3), torch.rand(2, 5) > 0.3
pooling.hop_overlap(pooling.StructuredPool(3, inner=2, hops=4)(h, some, weights=True).weights)
pooling.Pool(catalogue.Attention(6, 3, score=score.General(3, 3, heads=2), heads=2), hops=2, size=6)(h)
pooling.KerasPool(3, 5)(h, some, weights=True)
attention_over_attention.AttentionOverAttention()(h, h[:, :2], some).by_word(torch.randint(V, (2, 5)), V, candidates=torch.rand(2, V) > 0.5)
for heads in (1, 3):
    recurrent_look = aaren.Aaren(catalogue.Attention(3, 3, scope=scope.Causal(), heads=heads), 3, block=2)
    recurrent_look(h, recurrent_look(h, recurrent_look.start(h), some).state, some, weights=True)
contexts = ("last", "transform", "all", "pooled", "structured")
for head, tie in product(("copy", "hard-monotonic", "words"), ("none", "output")):
    look = AttentionSection(score="general", weighting="softmax" if head != "words" else "marginal")
    visit(ModelSection(**RECURRENT, head=head, tie=tie, order="luong", input_feeding=False, attention=look))
visit(ModelSection(**TRANSFORMER, head="copy", max_positions=20))
for context, use in product(contexts, ("state", "input", "both")):
    visit(ModelSection(**RECURRENT, encoder="bilstm", decoder="gru", attention="none", context=context, context_use=use))
'''
# Widths and batches that do not fit: the checks must be at work.
PLANTED = {
    "a search": "top_k.top_k(torch.zeros(2, 3, 4).numpy(), 3)",  # a module without PyTorch, which does not import its shapes
    "a score": "score.Dot().form(torch.zeros(2, 1, 3, 4), None, torch.zeros(5, 3, dtype=torch.long))",
    "a scope": "scope.Causal()(torch.zeros(2, 3, 4), torch.zeros(2, 5, dtype=torch.long), *torch.zeros(2, 2, 3, dtype=torch.long))",
    "a weighting": "weighting.Softmax()(torch.zeros(2, 1, 3, 4), torch.ones(2, 1, 3, 5).bool(), None, torch.zeros(2, 5, dtype=torch.long))",
    "an encoder": "recurrent.RecurrentEncoder(torch.nn.GRU(3, 4, batch_first=True))(torch.zeros(2, 5, 3), torch.ones(2, 4).bool())",
    "a mask that is no mask": "recurrent.RecurrentEncoder(torch.nn.GRU(3, 4, batch_first=True))(torch.zeros(2, 5, 3), torch.ones(2, 5))",
    "what is encoded": "base.EncoderOutput(torch.zeros(2, 3, 4), torch.ones(2, 5).bool(), torch.zeros(2, 4))",
}


def run(program: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)


def test_a_tour_of_all_classes():
    done = run(TOUR)
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_checks_are_at_work():
    imports = TOUR[: TOUR.index("V = 9")]
    refused = "except Exception as e:\n    assert 'jaxtyping' in type(e).__module__, e"
    tries = [f"try:\n    {code}\n    print({what!r})\n{refused}" for what, code in PLANTED.items()]
    done = run("\n".join([imports, *tries]))
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr[-2000:]
