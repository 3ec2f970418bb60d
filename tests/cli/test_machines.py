"""Two machines train as one: two network namespaces with hostnames, folders and data of their own, and a cable between them."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard import runs
from regard.config import read_config

from .test_processes import RECURRENT, TRAIN, environment, follows

ADDRESSES = ("10.77.0.1", "10.77.0.2")
VALUES = {
    "data": {"train": ["train.tsv"], "valid": ["valid.tsv"]},
    "model": {**RECURRENT, "decoder": "gru", "attention": "additive"},
    "train": {**TRAIN, "updates": 16},
}


def system(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)


@pytest.fixture
def machines() -> Iterator[tuple[str, str]]:
    """The names of two namespaces, each with an end of the cable, which is called after it."""
    if not (shutil.which("ip") and shutil.which("unshare")) or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs ip, unshare and their rights, to make network namespaces")
    names = f"ra{os.getpid()}", f"rb{os.getpid()}"
    try:
        try:
            for name in names:
                system("ip", "netns", "add", name)
            system("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
        for name, address in zip(names, ADDRESSES, strict=True):
            system("ip", "link", "set", name, "netns", name)
            for words in (
                ["addr", "add", f"{address}/24", "dev", name],
                ["link", "set", name, "up"],
                ["link", "set", "lo", "up"],
            ):
                system("ip", "-n", name, *words)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def start(name: str, rank: int, folder: Path, *more: str) -> subprocess.Popen[str]:
    """torchrun on one of the machines, as docs/scale.md has it."""
    words = ["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"{ADDRESSES[0]}:29400"]
    words += ["--rdzv-conf", f"is_host={int(rank == 0)}", "--local-addr", ADDRESSES[rank], "--no-python"]
    train = [sys.executable, "-m", "regard", "train", "c.yaml", "--out", "run", *more]
    within = ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", f'hostname {name} && exec "$@"', "sh"]
    command = [*within, sys.executable, "-m", "torch.distributed.run", *words, *train]
    where = environment(GLOO_SOCKET_IFNAME=name)
    return subprocess.Popen(command, cwd=folder, env=where, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_machines_follow_one(machines, tmp_path, monkeypatch):
    by, folders = random.Random(3), [tmp_path / name for name in (*machines, "alone")]
    pairs = {
        name: ["".join(by.choices("abcdef", k=by.randint(1, 7))) for _ in range(n)] for name, n in (("train", 150), ("valid", 70))
    }
    for folder in folders:
        folder.mkdir()
        (folder / "c.yaml").write_text(json.dumps(VALUES), "utf-8")
        for name, words in pairs.items():
            (folder / f"{name}.tsv").write_text("".join(f"{w}\t{w[::-1]}\n" for w in words), "utf-8")
    both = [start(name, rank, folder) for rank, (name, folder) in enumerate(zip(machines, folders[:2], strict=True))]
    try:
        told = [each.communicate(timeout=240)[1] for each in both]
    finally:
        for each in both:
            each.kill()
    assert [each.returncode for each in both] == [0, 0], told
    assert [(folder / "run" / "model.safetensors").exists() for folder in folders[:2]].count(True) == 1
    monkeypatch.chdir(folders[2])
    runs.train(read_config(VALUES), "run", say=lambda line: None)
    wrote = next(folder for folder in folders[:2] if (folder / "run").exists())
    follows(wrote / "run", folders[2] / "run")
