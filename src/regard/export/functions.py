"""What a net does in use, as functions of tensors by name: those that become its graphs; and what they are recorded on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from regard.attention.aaren import Aaren
from regard.attention.attention import Attention
from regard.core.arrays import exchange, to_tensors
from regard.core.state import reorder, tree_map
from regard.export.trace import Arrays, Unexportable, trace
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.language_model import LanguageNet
from regard.runtime.graph import Graph
from regard.runtime.networks import STATE, arrays

Examples = list[dict[str, Tensor]]
ROWS = (11, 17, 23, 13, 19, 29, 31, 37)  # of the batch, and
PLACES = (13, 19, 31, 23, 29, 37, 41, 43)  # of a source, in turn: no two differ as others do
WRITTEN = (5, 9, 7, 11)  # words before the one that is recorded, where nothing is forgotten


def names_of(network: nn.Module) -> dict[int, str]:
    """The names of its weights, by identity."""
    return {id(tensor): name for name, tensor in [*network.named_parameters(), *network.named_buffers()]}


def prefix_looks(network: EncoderDecoder | LanguageNet) -> list[str]:
    """The looks of which a step shows the weight of the newest place alone, for its state is a summary of those before (Aaren)."""
    return [name for name, part in network.decoder.attentions().items() if isinstance(part, Aaren)]


class _Stepping:
    """Functions that begin a text and go on with it.  The form of the state is seen when it is made; a graph has its arrays alone."""

    state: Any = None
    vocabulary: int

    def begin(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The state before the first word, and where the encoder looked."""
        raise NotImplementedError

    def step(self, words: Tensor, **state: Tensor) -> dict[str, Tensor]:
        """The log-probabilities of what follows one more word, the state behind it, and where the decoder looked."""
        raise NotImplementedError

    def flat(self) -> dict[str, Tensor]:
        """The arrays of the state."""
        leaves: list[Tensor] = []
        tree_map(leaves.append, self.state)
        return {f"{STATE}{i}": leaf for i, leaf in enumerate(leaves)}

    def whole(self, arrays: Mapping[str, Tensor]) -> Any:
        """The state of these arrays."""
        each = iter(arrays.values())
        return tree_map(lambda _: next(each), self.state)

    def examples(self, starts: Examples, written: Sequence[int], random: torch.Generator) -> Examples:
        """Of steps: after so many words, whatever they are."""
        made = []
        for inputs, steps in zip(starts, written, strict=True):
            state, rows = self.begin(**inputs), len(next(iter(inputs.values())))
            for _ in range(steps + 1):
                words = (
                    torch.randint(4, self.vocabulary, (rows,), generator=random)
                    if self.vocabulary > 4
                    else torch.full((rows,), 1)
                )
                example = {"words": words, **{name: state[name] for name in state if name.startswith(STATE)}}
                state = self.step(**example)
            made.append(example)
        return made


class WritingFunctions(_Stepping):
    """Those of a net that reads a source and writes a target."""

    def __init__(self, network: EncoderDecoder) -> None:
        self.network, self.vocabulary = network, network.target.table.num_embeddings

    def begin(self, **inputs: Tensor) -> dict[str, Tensor]:
        encoded = self.network.encode(inputs["source"], inputs["valid"], weights=True)
        self.state = self.network.start(encoded, inputs["source"])
        return {**self.flat(), **encoded.looks}

    def step(self, words: Tensor, **state: Tensor) -> dict[str, Tensor]:
        begun, read = self.whole(state), words[:, None]
        written, decoder = self.network.write(read, begun.decoder, weights=True)
        log_p, head = self.network.head(written, read, begun.head)
        looks = self.network.head.shown(written, read, begun.head)
        self.state = type(begun)(decoder, head)
        return {"log_p": log_p[:, 0], **self.flat(), **looks}


class LanguageFunctions(_Stepping):
    """Those of a net that writes on from what it wrote; its source says only how many rows there are."""

    def __init__(self, network: LanguageNet) -> None:
        self.network, self.vocabulary = network, network.embed.table.num_embeddings

    def begin(self, **inputs: Tensor) -> dict[str, Tensor]:
        self.state = self.network.start(len(inputs["words"]))
        return self.flat()

    def step(self, words: Tensor, **state: Tensor) -> dict[str, Tensor]:
        begun = self.whole(state)
        written, self.state = self.network.write(words[:, None], begun, weights=True)
        return {"log_p": self.network.head.log_p(written.states[:, 0]), **self.flat(), **written.looks}


def trace_steps(
    of: WritingFunctions | LanguageFunctions, starts: Examples, room: int | None, names: Mapping[int, str], weights: Arrays
) -> tuple[Graph, Graph, list[int]]:
    """The graphs `start` and `step`, and which arrays of the state all lines of a sentence have in common.

    starts: inputs of `begin`, at several sizes.  room: the most words that the net writes, None: any number.  weights: takes those that
    they read.  Raises Unexportable.
    """
    random = torch.Generator().manual_seed(1)
    written = lengths(of.network, room)
    with torch.no_grad():
        start = trace(of.begin, starts[: len(written)], names, weights)
        of.begin(**starts[0])
        state, turned = of.flat(), reorder(of.state, torch.arange(len(next(iter(starts[0].values())))).flip(0))
        kept: list[Tensor] = []
        tree_map(kept.append, turned)
        common = [i for i, (a, b) in enumerate(zip(state.values(), kept, strict=True)) if a is b]
        each = islice(cycle(starts), len(written))  # all of `written`: what a window forgets is seen by those near its end alone
        return start, trace(of.step, of.examples(list(each), written, random), names, weights), common


def lengths(network: nn.Module, room: int | None) -> list[int]:
    """How many words come before a step that is recorded: some, and where looks back reach only so far, fewer and more than that."""
    reaches = [m.scope.reach[0] for m in network.modules() if isinstance(m, Attention)]
    far = sorted({int(r) for r in reaches if 0 < r < inf})
    written = list(dict.fromkeys([*WRITTEN, *(n for r in far[:4] for n in (r + 2, r - 1, r - 2) if n >= 1)]))
    most = room - 2 if room is not None else max(written)
    fitting = [n for n in written if n <= most]
    fitting += [n for n in range(1, most + 1) if n not in fitting][: max(0, 4 - len(fitting))]
    if len(fitting) < 2:
        raise Unexportable(f"writes at most {room} words, too few to tell sizes apart")
    return fitting[: 2 * len(ROWS)]


def sources(words: int, room: int | None, random: torch.Generator) -> Examples:
    """Sources of words, some of each padded, at several sizes."""
    longest = [n for n in PLACES if room is None or n <= room] or list(range(2, (room or 2) + 1))
    made = []
    for rows, places in zip(ROWS, longest, strict=False):
        valid = torch.arange(places) < torch.randint(1, places + 1, (rows, 1), generator=random)
        valid[0] = True
        made.append({"source": torch.randint(min(4, words - 1), words, (rows, places), generator=random) * valid, "valid": valid})
    return made


def trace_answer(
    infer: Callable[..., Any], batches: Sequence[Any], names: Mapping[int, str], weights: Arrays
) -> tuple[Graph, dict[str, Any]]:
    """The graph `answer` of a net that answers in one pass, and the fields of its answers: see `runtime.networks.GraphAnswers`.

    infer: of a batch of tensors, with where it looked.  batches: of arrays, at several sizes.
    """
    fields: dict[str, Any] = {}

    def answer(**inputs: Tensor) -> dict[str, Tensor]:
        each = (inputs[name] for name, _ in arrays(batch, kind=Tensor))
        told = infer(exchange(batch, Tensor, lambda _: next(each)), weights=True)
        named = told._asdict() if hasattr(told, "_asdict") else vars(told)
        fields.update({name: {} if isinstance(value, dict) else None for name, value in named.items()})
        return dict(arrays(told, kind=Tensor))

    examples = [{name: torch.from_numpy(a) for name, a in arrays(each)} for each in batches]
    batch = to_tensors(batches[0])
    with torch.no_grad():
        return trace(answer, examples, names, weights), fields
