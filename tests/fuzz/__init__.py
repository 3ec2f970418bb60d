"""Trials with wrong configs, run folders and data: `python -m tests.fuzz --trials 20000`; fewer of the same in `cli/test_fuzz.py`.

A trial is one command, run in this process.  It may work, or be refused with an error that says so.  What it must not do is end in a bare
traceback or "a fault of Regard" (bare), take longer than `PATIENCE` seconds (hang), or work and change silently (silent).  What is found is
printed with the trial's number, which makes it again: --only N.

**Silent** is what works, says nothing on stderr that it did not say before, and yet

* `config`: prints another value for a key than was given for it (but for other spellings of one: `x` for `[x]`, `dot` for `{score: dot}`),
  or another value of a key that nobody touched;
* `values`, `bytes` (a value of a JSON or YAML file of a run folder, or bytes of any file there): answers otherwise - predictions with
  their scores, figures, facts - or, gone on with, ends with other weights than the untouched run;
* `threads`: says another text, or a score that is further off than `NEAR`;
* `data`, to predict: has not one answer for each item, or another answer for an item that was not touched; to train and to evaluate:
  reads other items than stand there by the plain rule of the format (`lines.py`: columns between tabs, a row a line), or learns from
  fewer than it read.

What means something else where anybody sees it, and is documented (docs/formats.md), is no silent change: of `config.yaml` a key that may
be edited (`decode.*`, how files are read); of `run.json`, where `info` tells who made the run and when; a data line that is valid as
changed.

What needs processes of their own is few and scripted, in `apart.py`: closed streams, full disks and readers that go away, two trainings in
one folder, predictions while a training writes: `python -m tests.fuzz --apart`.
"""

from __future__ import annotations

from .bases import MODELS as MODELS
from .bases import Base as Base
from .bases import bases as bases
from .calls import Outcome as Outcome
from .calls import called as called
from .calls import patience as patience
from .configs import KEYS as KEYS
from .trials import TRIALS as TRIALS
from .trials import Trial as Trial
