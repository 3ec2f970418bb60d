"""A run that begins with a pre-trained BERT (`model.pretrained`): what is copied, so that the run stands alone, and what is loaded."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from regard.config import Config
from regard.core.say import Say
from regard.networks.bert import Bert
from regard.pretrained import huggingface
from regard.pretrained.huggingface import FOLDER, Heads
from regard.training import run_files


def adopt(config: Config, folder: Path) -> None:
    """Copy shape and vocabulary of the pre-trained BERT that a config names, if it names one, into the run folder."""
    if config.model.pretrained is None:
        return
    found = huggingface.read(huggingface.source(config.model.pretrained), weights=False)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    run_files.copy(found.place / huggingface.CONFIG, folder / FOLDER / huggingface.CONFIG)
    found.pieces.save(folder / FOLDER)


def warm(network: nn.Module, config: Config, say: Say, *, heads: Heads | None = None) -> None:
    """Put the pre-trained weights into the BERT within a network, if the config names any.  RunFolderError where they do not fit."""
    if config.model.pretrained is None:
        return
    found = huggingface.read(huggingface.source(config.model.pretrained))
    bert = next(part for part in network.modules() if isinstance(part, Bert))
    absent = huggingface.fill(found, bert, heads or {})
    odd = huggingface.POOLER in absent and found.architecture not in huggingface.NO_POOLER
    rule = f" (as a rule a {found.architecture} has one)" if odd else ""
    say(f"begins with {huggingface.describe(found)}" + (f"; drawn anew: {', '.join(absent)}{rule}" if absent else "") + ".")
