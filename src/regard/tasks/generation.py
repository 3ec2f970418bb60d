"""Models that write an answer word by word, in use: beam search or draws, one network or several together."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.core.shared_work import work_through
from regard.data.batching import Batch, Batches
from regard.decoding.limits import Limits
from regard.decoding.networks import WritingNetwork
from regard.decoding.ways import Beam, Sample
from regard.tasks.base import AnswerSettings, Hypothesis, NBest, Predictor, TaskPrediction
from regard.tasks.writing import answer, as_one

if TYPE_CHECKING:
    from regard.config import Config, DecodeSection


class Seq2SeqPredictor(Predictor):
    """One network, or several that answer together, with the config of their training.

    Several networks answer with the mean of their probabilities; attention and attention pictures are those of the first.
    """

    def __init__(self, networks: Sequence[WritingNetwork], config: Config, folder: Path) -> None:
        self.networks, self.config, self.folder = tuple(networks), config, folder
        self.writer = as_one(self.networks)
        self.room = config.room  # the most tokens that it can read and write, where its positions or scores bound it

    def exchange(self, change: Callable[[Any], Any]) -> Seq2SeqPredictor:
        made, each = copy(self), tuple[Any, ...](self.networks)
        made.networks = tuple(network.exchange(change) for network in each)
        made.writer = as_one(made.networks)
        return made

    @property
    def network(self) -> Any:
        """The net that was trained; of an ensemble the first."""
        return getattr(self.networks[0], "network", self.networks[0])

    @abstractmethod
    def size(self, source: Any) -> int:
        """How many places a source has; 0: there is nothing to answer."""

    @abstractmethod
    def collate(self, sources: Sequence[Any], rows: Sequence[int]) -> Batch:
        """Sources side by side; rows: their numbers."""

    @abstractmethod
    def empty_prediction(self, source: Any) -> TaskPrediction:
        """The answer to a source of size 0."""

    @abstractmethod
    def written(self, source: Any, found: Hypothesis, *, ended: bool, attention: bool) -> TaskPrediction:
        """An answer in words.  ended: it did not come to the bound of its length."""

    @abstractmethod
    def remarkable(self, sources: Sequence[Any], found: NBest) -> Iterable[str]:
        """What `notes` counts, once for each source of which it is true."""

    def answers(self, chunk: list[Any], settings: AnswerSettings, heard: Counter[str]) -> NBest:
        found, decode = [[self.empty_prediction(source)] for source in chunk], settings.decode
        sizes = list(map(self.size, chunk))
        real = [i for i, size in enumerate(sizes) if size]
        limits = Limits(decode.min_length, decode.max_ratio, decode.max_extra, self.room.target)
        together = min(len(real), decode.batch_size) * max(decode.n_best, 1 if decode.sample else decode.beam)
        writer = self.writer.prepare(together)

        def write(places: list[int]) -> NBest:
            batch = self.collate([chunk[i] for i in places], places)
            hypotheses = answer(writer, batch, way=way_of(decode), limits=limits, attention=settings.attention)
            most = limits.most(batch.source_valid.sum(1)).tolist()
            return [
                [self.written(chunk[i], h, ended=len(h.words) <= bound, attention=settings.attention) for h in best]
                for i, bound, best in zip(places, most, hypotheses, strict=True)
            ]

        batches = [[real[row] for row in rows] for rows in Batches.sequential([sizes[i] for i in real], rows=decode.batch_size)]
        for places, written in zip(batches, work_through(write, batches, (TaskPrediction,)), strict=True):
            for i, best in zip(places, written, strict=True):
                found[i] = best
        heard.update(self.remarkable(chunk, found))
        return found


def way_of(decode: DecodeSection) -> Beam | Sample:
    """How answers are sought."""
    if decode.sample:
        return Sample(decode.n_best, decode.seed, decode.temperature, decode.top_k, decode.top_p)
    return Beam(decode.beam, decode.n_best, decode.length_penalty)
