"""What the GPU kernels mean, by Triton's interpreter, in a process of its own: it must be chosen before Triton is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_kernels_mean_what_their_twins_mean():
    pytest.importorskip("triton", reason="needs triton, which is made for Linux alone")
    cases = Path(__file__).with_name("interpreted.py")
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(cases)]
    told = subprocess.run(call, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stdout + told.stderr
