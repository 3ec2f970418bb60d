"""The command's own allocator: switched off by a word, untouched by the library."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from regard.cli.memory import PRODUCTS, SWITCH, keep_few_products, keep_freed_memory

PROGRAM = """
import ctypes, sys
from pathlib import Path
{first}
def held():
    return int(next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS")).split()[1]) / 1024
import numpy as np
blocks = [np.ones(2_000_000) for _ in range(10)]  # 16 MB each: below the largest that is kept, above what glibc keeps by itself
full = held()
del blocks
{then}
print(full - held())
"""


KEPT = "from regard.cli.memory import keep_freed_memory; assert keep_freed_memory()"


def given_back(first: str, then: str = "") -> float:
    """Megabytes of 160 that a program gives back when it frees them."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first, then=then)], capture_output=True, text=True, check=True
    )
    return float(told.stdout)


def test_a_word_switches_it_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SWITCH, "0")
    assert keep_freed_memory() is False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has mallopt")
def test_the_command_keeps_what_it_frees_and_the_library_does_not():
    assert given_back("import regard") > 100
    assert given_back(KEPT) < 30


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has malloc_trim")
def test_what_is_kept_can_be_given_back():
    assert given_back(KEPT, "from regard.core.freed_memory import give_back_freed_memory; assert give_back_freed_memory()") > 100


def test_what_the_user_set_stands(monkeypatch: pytest.MonkeyPatch):
    few, other = PRODUCTS
    monkeypatch.setenv(few, "7")
    monkeypatch.setenv(other, "x")  # so that what is set here is undone
    monkeypatch.delenv(other)
    keep_few_products()
    assert os.environ[few] == "7" and os.environ[other] == PRODUCTS[other]


COMMAND = """
import os, sys
from regard.cli import main
main.run = lambda: print("torch" in sys.modules)
try:
    main.main()
except SystemExit:
    print(*(os.environ[name] for name in {names}))
"""


def test_the_command_bounds_them_before_torch_is_loaded():
    clean = {k: v for k, v in os.environ.items() if k not in PRODUCTS}
    command = [sys.executable, "-c", COMMAND.format(names=list(PRODUCTS))]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=clean).stdout.split("\n")
    assert told[:2] == ["False", " ".join(PRODUCTS.values())]
