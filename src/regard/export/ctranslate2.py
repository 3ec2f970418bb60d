"""A trained Transformer as a folder of CTranslate2's, once that engine has said what the net says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.core.atomic_files import explain_error
from regard.core.checksum import checksum
from regard.core.errors import RegardError, RunFolderError, message
from regard.core.say import Say
from regard.data.tokenizer import Tokenizer
from regard.data.tokenizer_kinds import BOS, EOS, PAD, SPECIALS
from regard.decoding.limits import Limits
from regard.export.folder import Precision, make_up_items, settings_to_hand_on
from regard.export.proof import CLOSE, Proof, refuse
from regard.export.recorder import Unexportable
from regard.tasks.base import TaskPrediction
from regard.tasks.options import AnswerOptions
from regard.training.checksums import LEARNT

TASK = "transduce"
TOLD, SETTINGS, CTRANSLATE2_FORMAT = "manifest.json", "settings.json", 1
ALONE, TOGETHER, BEAM = 50, 64, 5  # items that are asked one by one, and by beams; rows of a batch; the width
UNSAID = [[SPECIALS[PAD]], [SPECIALS[BOS]]]  # signs that no answer has; the unknown one has an option of its own


class Asked(NamedTuple):
    """An item, as CTranslate2 is asked: its symbols without the end sign, and how many words may be written."""

    item: Any
    symbols: list[str]
    most: int


@dataclass
class SearchedProof(Proof):
    """searched: other texts of a beam, whose search is CTranslate2's own: told, not judged."""

    searched: int = 0

    def __str__(self) -> str:
        return f"{super().__str__()}; other texts by a beam of {BEAM}: {self.searched:,}"


def write_ctranslate2(model: Any, out: Path, *, precision: Precision, items: Sequence[Any] = (), say: Say) -> None:
    """Write the Transformer of `model` as CTranslate2 reads it to the new folder `out`, once it has said what the net says.

    items: to be compared besides those that are made up.
    Errors: RunFolderError where `out` is there, or CTranslate2 cannot hold the net; RegardError where it is not installed or says something
    else: then nothing is written.
    """
    if out.exists() or out.is_symlink():
        raise RunFolderError(message(str(out), "a folder that is not there yet", "something that exists", "Choose another name."))
    try:
        import ctranslate2

        from regard.export.ctranslate2_spec import to_spec
    except ImportError as error:
        do = "Install the extra: pip install -e '.[ctranslate2]' in the checkout."
        received = f"no {error.name}" if isinstance(error, ModuleNotFoundError) else str(error)
        raise RegardError(message("export to CTranslate2", "the package ctranslate2", received, do)) from error
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with _told_of_runs(model.folder), explain_error(out):
            if model.config.task != TASK:
                raise Unexportable(f"is of the task {model.config.task}")
            spec = to_spec(model.network, (_symbols(model, 0), _symbols(model, 1)))
            beside.mkdir(parents=True)
            with _told_of_engine():
                spec.optimize(quantization=None if precision == "float32" else precision)
                spec.save(str(beside))
                engine = ctranslate2.Translator(str(beside), device="cpu", compute_type=precision, intra_threads=1)
            proof = _prove(model, engine, [*items, *make_up_items(model)])
            if precision == "float32":
                refuse(proof, out)
            _write_beside(model, beside, precision, proof)
            beside.rename(out)
        say(str(proof))
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _told_of_runs(run: Path) -> Iterator[None]:
    """RunFolderError for a run that CTranslate2 cannot hold."""
    try:
        yield
    except Unexportable as error:
        do = "Export it in Regard's own format: --format regard. docs/ctranslate2.md lists what CTranslate2 can hold."
        raise RunFolderError(message(str(run), "a Transformer that CTranslate2 can hold", f"one that {error}", do)) from error


@contextmanager
def _told_of_engine() -> Iterator[None]:
    """RegardError for what CTranslate2 raises, which has no classes of its own."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        do = f"Nothing was written. Please report it, with the config of the run and ctranslate2 {version('ctranslate2')}."
        raise RegardError(message("CTranslate2", "a model that it takes", str(error)[:400], do)) from error


def _symbols(model: Any, side: int) -> list[str]:
    """The strings that CTranslate2 knows the words by.  A feature stands in angle brackets, as it is shown."""
    tokenizer = model.tokenizers[side]
    made = [*tokenizer.symbols_by_id, *(f"<{name}>" for name in tokenizer.features)]
    if len(set(made)) < len(made):
        doubles = sorted({symbol for symbol in made if made.count(symbol) > 1})
        raise Unexportable(f"has a feature that is spelt like a sign or symbol: {', '.join(doubles)}")
    return made


def _prove(model: Any, engine: Any, items: Sequence[Any]) -> SearchedProof:
    """Both answer the same items, greedily: in batches, some alone; where they looked; and what both find by a beam."""
    proof, by_side = SearchedProof(), (_symbols(model, 0), _symbols(model, 1))
    numbers = {symbol: i for i, symbol in enumerate(by_side[1])}
    asked, shown = _ask(model, items, by_side[0]), _numbers_as_shown(model.tokenizers[1])
    some = asked[:: max(1, len(asked) // ALONE)]
    for each, rows in ((asked, TOGETHER), (some, 1)):
        right = [best[0] for best in model.stream([a.item for a in each], AnswerOptions(beam=1, n_best=1, batch_size=rows))]
        lines = [_words(model, a.item, p, shown) for a, p in zip(each, right, strict=True)]
        told = _translate(engine, model, each, rows, beam_size=1, return_attention=True)
        likely = _score(engine, each, [[by_side[1][i] for i in line] for line in lines])
        other = _score(engine, each, [answer.hypotheses[0] for answer in told])
        for a, p, line, answer, mine, theirs in zip(each, right, lines, told, likely, other, strict=True):
            proof.answers += 1
            words, size = [by_side[1][i] for i in line], len(line) + 1
            proof.score = max(proof.score, abs(mine - (p.score or 0.0)) / size)
            if answer.hypotheses[0] != words:
                equal = abs(mine - theirs) <= CLOSE * size
                proof.ties, proof.changed = proof.ties + equal, proof.changed + (not equal)
                if not equal and len(proof.examples) < 3:
                    said = _text(model, numbers, answer)
                    proof.examples.append({"source": p.source[:200], "trained": p.text[:200], "exported": said[:200]})
            elif words:
                look = p.attention[f"decoder.{len(model.network.decoder.layers) - 1}.cross"].mean(0)
                gap = np.abs(np.array(answer.attention[0]) - look[: len(words), : len(a.symbols)])
                proof.attention = max(proof.attention, float(gap.max(initial=0.0)))
    right = [best[0] for best in model.stream([a.item for a in some], AnswerOptions(beam=BEAM, n_best=1))]
    told = _translate(engine, model, some, TOGETHER, beam_size=BEAM)
    texts = [_text(model, numbers, answer) for answer in told]
    proof.searched = sum(p.text != text for p, text in zip(right, texts, strict=True))
    return proof


def _numbers_as_shown(writer: Tokenizer) -> dict[str, list[int]]:
    """The numbers of each symbol, as predictions show it; two where a space and the sign that it is shown as are both symbols."""
    found: dict[str, list[int]] = {}
    for number, shown in enumerate(writer.tokens(range(len(writer)))):
        found.setdefault(shown, []).append(number)
    return found


def _words(model: Any, item: Any, answer: TaskPrediction, shown: Mapping[str, Sequence[int]]) -> Sequence[int]:
    """An answer in numbers, without its end, cut as the net wrote it: that may be pieces that its tokenizer would not cut the text into.
    shown: `_numbers_as_shown`; where that leaves a doubt, as the text is cut."""
    known = [shown.get(token, ()) for token in answer.tokens if token != SPECIALS[EOS]]
    if all(len(numbers) == 1 for numbers in known):
        return [numbers[0] for numbers in known]
    own: Sequence[int] = model.in_tokens([(item, answer.text)])[0][1][:-1]
    return own


def _text(model: Any, numbers: Mapping[str, int], answer: Any) -> str:
    made: str = model.tokenizers[1].decode([numbers[word] for word in answer.hypotheses[0]])
    return made


def _ask(model: Any, items: Sequence[Any], symbols: Sequence[str]) -> list[Asked]:
    """The items that are not empty, longest answers last, so that those of one bound stand together."""
    decode, ids = model.config.decode, [ids for ids, _ in model.in_tokens([(item, "") for item in items])]
    limits = Limits(decode.min_length, decode.max_ratio, decode.max_extra, model.room.target)
    most = limits.most(np.array([len(row) for row in ids])).tolist()
    made = [Asked(item, [symbols[i] for i in row[:-1]], m) for item, row, m in zip(items, ids, most, strict=True) if row]
    return sorted(made, key=lambda a: (a.most, len(a.symbols)))


def _translate(engine: Any, model: Any, asked: Sequence[Asked], rows: int, **how: Any) -> list[Any]:
    how, made = {**_options(model), "max_batch_size": rows, **how}, []
    for most in dict.fromkeys(a.most for a in asked):
        some = [a.symbols for a in asked if a.most == most]
        with _told_of_engine():
            made += engine.translate_batch(some, max_decoding_length=most, **how)
    return made


def _options(model: Any) -> dict[str, Any]:
    """With which it says what Regard says."""
    return {
        "length_penalty": 0,
        "min_decoding_length": model.config.decode.min_length,
        "max_input_length": 0,
        "disable_unk": True,
        "suppress_sequences": UNSAID,
    }


def _score(engine: Any, asked: Sequence[Asked], lines: Sequence[list[str]]) -> list[float]:
    """The log-probability of each line and of its end."""
    with _told_of_engine():
        scored = engine.score_batch([a.symbols for a in asked], list(lines), max_batch_size=TOGETHER, max_input_length=0)
    return [float(np.sum(found.log_probs)) for found in scored]


def _write_beside(model: Any, folder: Path, precision: str, proof: SearchedProof) -> None:
    """What stands beside CTranslate2's own files: vocabularies, settings, what a host must know."""
    for name in LEARNT:
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, folder / name)
    decode = model.config.decode
    (folder / SETTINGS).write_text(json.dumps(settings_to_hand_on(model.config), ensure_ascii=False, indent=1), encoding="utf-8")
    told = {
        "format": CTRANSLATE2_FORMAT,
        "regard": version("regard"),
        "ctranslate2": version("ctranslate2"),
        "task": model.config.task,
        "precision": precision,
        "options": {**_options(model), "beam_size": decode.beam},
        "limits": {"ratio": decode.max_ratio, "extra": decode.max_extra},
        "room": {"source": model.room.source, "target": model.room.target},
        "proof": asdict(proof),
    }
    told["files"] = {p.name: checksum(p) for p in sorted(folder.iterdir())}
    (folder / TOLD).write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
