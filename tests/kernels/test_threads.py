"""Work in pieces, on PyTorch's own threads and on ours: each unit once, whoever does it; nobody waits for ever, or without a word."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from regard.config.schema import TrainSection
from regard.core.optional import module, without_loops
from regard.training.optimizer import arithmetic
from regard.training.progress import Arithmetic

loops = module("core.loops")
pytestmark = pytest.mark.skipif(loops is None, reason="the loops were not built")


@pytest.fixture(params=["OpenMP's", "ours"])
def threads(request, monkeypatch):
    """Of two kinds; told to the loops, and taken back."""
    if request.param == "OpenMP's" and loops._find_openmp() is None:
        pytest.skip("this PyTorch has no OpenMP of GNU")
    found = loops._find_openmp()
    loops.loops.use_openmp(None if request.param == "ours" else found, insist=True)
    yield
    loops.loops.use_openmp(found)


def exponentials(rows: int, many: int, monkeypatch: pytest.MonkeyPatch) -> tuple[torch.Tensor, torch.Tensor]:
    """e^{2x} of so many rows, and whether they are near, by so many threads."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: many)
    x = torch.linspace(-12, 12, rows * 4096).view(1, rows, 4096)
    e, near = torch.full_like(x, torch.nan), torch.zeros(1, rows, dtype=torch.bool)
    loops.call("exponentials", (x, e, near), (10.0,), units=rows, steps=x.numel())
    return e, near


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("rows", [2, 7, 64])
@pytest.mark.parametrize("many", [2, 3, 5])
def test_every_unit_is_done_once_with_the_same_bits(rows, many, monkeypatch):
    alone, shared = (exponentials(rows, n, monkeypatch) for n in (1, many))
    assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True)) and not alone[0].isnan().any()


@pytest.mark.usefixtures("threads")
def test_nothing_to_do_touches_nothing():
    empty = torch.empty(1, 0, 8)
    loops.call("exponentials", (empty, empty, torch.empty(1, 0, dtype=torch.bool)), (10.0,), units=0, steps=0)


@pytest.mark.usefixtures("threads")
def test_many_callers_at_once(monkeypatch):
    """As in a server."""
    want = exponentials(40, 1, monkeypatch)[0]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: exponentials(40, 2, monkeypatch)[0], range(40)))
    assert all(torch.equal(one, want) for one in told)


@pytest.mark.usefixtures("threads")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Python, that the process has threads: that is what is tested
def test_a_process_that_was_forked_goes_on_alone(monkeypatch):
    """Threads do not survive a fork, and OpenMP would wait for its own for ever."""
    want = exponentials(40, 2, monkeypatch)[0]
    child = os.fork()
    if not child:
        os._exit(0 if torch.equal(exponentials(40, 2, monkeypatch)[0], want) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_want_of_memory_is_told(monkeypatch):
    monkeypatch.setattr(loops, "_kernel", lambda name: lambda *given: 1)
    with pytest.raises(MemoryError, match="exponentials"):
        exponentials(2, 1, monkeypatch)


def test_arrays_with_gaps_are_refused():
    with pytest.raises(ValueError, match="without gaps"):
        loops.describe(torch.zeros(4, 4)[:, :2])


def test_a_training_without_loops_says_so():
    given = TrainSection(), torch.nn.Linear(2, 2), Arithmetic()
    with without_loops():
        assert any("no compiled loops here" in note for note in arithmetic(*given)[1])
    assert not arithmetic(*given)[1]
