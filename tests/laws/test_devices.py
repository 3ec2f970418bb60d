"""What is trained on another device is what is trained on the CPU, and its run is used on either; devices that are not there are named.

Every case, and on a GPU: `python -m tests.laws.elsewhere --device cuda`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

import regard
from regard.attention.kernels import tanh
from regard.config import read_config
from regard.core import devices
from regard.core.errors import ConfigError, UsageError
from regard.core.optional import module
from regard.tasks.load_exported import refuse_device
from regard.tasks.load_run import load_run
from regard.training.optimizer import arithmetic, make_optimizer
from regard.training.progress import Arithmetic
from regard.training.ranks import JoinedRanks, Ranks
from regard.training.starting import place_of

CASES = ("transduce-sampled", "transduce-transformer-near", "tag", "caption", "language-lines-drawn", "pretrain")
GPU = torch.device("cuda", 0)


def test_every_tensor_is_where_its_net_is():
    """In a process of its own, for the device is PyTorch's from then on."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("needs a PyTorch that takes a device written in Python")
    command = [sys.executable, "-m", "tests.laws.elsewhere", *CASES]
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{len(CASES)} cases are the same on far:0; others: none\n"


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "devices_here", lambda: [GPU, torch.device("cuda", 1), devices.CPU])


def test_auto_takes_a_gpu_that_works(a_gpu, monkeypatch):
    monkeypatch.setattr(devices, "_works", lambda device: True)
    assert devices.find_device("auto", "x") == devices.find_device("cuda", "x") == GPU
    assert devices.find_device("cuda:1", "x") == torch.device("cuda", 1)
    assert devices.find_device("cpu", "x") == devices.CPU


def test_a_gpu_that_cannot_add_is_none(a_gpu, monkeypatch):
    monkeypatch.setattr(devices, "_works", lambda device: device.index == 1)
    assert devices.find_device("auto", "x") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="received cuda, which refuses to add two numbers"):
        devices.find_device("cuda", "x")


def test_a_cpu_adds():
    assert devices._works(devices.CPU) and devices.devices_here()[-1] == devices.CPU


@pytest.mark.parametrize("word", ["cuda:7", "mps", "gpu"])
def test_a_device_that_is_not_there(a_gpu, word):
    if torch.backends.mps.is_available():
        pytest.skip("this machine has the device that is asked for")
    with pytest.raises(
        ConfigError, match=f"--device: expected a device that is here: cuda:0, cuda:1, cpu; received {word}. Write"
    ):
        devices.find_device(word, "--device")


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "cuda:0:1", ""])
def test_words_that_are_no_device(word):
    with pytest.raises(ConfigError, match=r"train\.device: expected auto \| cpu \| cuda \| cuda:N \| mps"):
        read_config({"train": {"device": word}})


def test_what_only_a_cpu_does(a_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_works", lambda device: True)
    for more, word in (({"precision": "int8"}, "precision"), ({"batch_invariant": True}, "batch_invariant")):
        with pytest.raises(ConfigError, match=f"^{word}.*the CPU.*received device cuda:0"):
            load_run(tmp_path, device="cuda", **more)
    with pytest.raises(UsageError, match="an exported one"):
        refuse_device(tmp_path, "cuda")
    refuse_device(tmp_path, "auto")


def test_the_device_is_no_part_of_what_a_run_is():
    """A run goes on, and is compared, whatever it computes on."""
    here, there = (read_config({"train": {"device": word}}) for word in ("cpu", "cuda"))
    assert not here.difference(there) and here.of_training() == there.of_training()
    net = torch.nn.Linear(2, 2)
    found, notes = arithmetic(here.train, net, Arithmetic(1, "float32", "cuda:0 (a GPU)"))
    assert found.precision == "float32" and any("began on cuda:0 (a GPU), this is a CPU" in note for note in notes)


def test_ranks_of_a_machine_take_a_gpu_each(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [place_of(GPU, JoinedRanks(rank, 4, rank)).index for rank in range(4)] == [0, 1, 0, 1]
    assert place_of(torch.device("cuda", 1), Ranks()) == torch.device("cuda", 1)
    assert place_of(devices.CPU, JoinedRanks(1, 2, 1)) == devices.CPU


def test_triton_is_what_a_gpu_is_asked_with():
    """Attention goes by the device of what it is given, so that every command on a GPU comes to its kernels."""
    if module("attention.kernels.tanh_triton") is None:
        pytest.skip("needs Triton")
    assert tanh._loops("cuda").__name__.endswith("tanh_triton")
    assert tanh._loops("mps") is None and not tanh._loops("cpu").__name__.endswith("triton")


def test_one_kernel_steps_where_there_is_one():
    net, settings = torch.nn.Linear(2, 2), read_config({}).train
    assert make_optimizer(net, settings).defaults["fused"]
    assert not make_optimizer(net.to("meta"), settings).defaults["fused"]


def test_load_says_which_are_there(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device that is asked for")
    with pytest.raises(
        regard.ConfigError, match=r"device: expected a device that is here: (mps, )?cpu; received cuda\. Write one of them\."
    ):
        regard.load(tmp_path, device="cuda")
