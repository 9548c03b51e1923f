"""Run one command and measure its whole process tree: wall and CPU seconds, peak memory in bytes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1
PAGE = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: `wall` and `cpu` in seconds, `peak` in bytes of memory that the tree does not share with others."""

    wall: float
    cpu: float
    peak: int
    exit_code: int
    output: str


def private_bytes(process: psutil.Process) -> int:
    """Memory of `process` that is its own. RSS would count the pages of one 700 MB binary once for each process that maps it."""
    try:
        statm = Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()
        return (int(statm[1]) - int(statm[2])) * PAGE
    except OSError:
        try:
            return int(process.memory_info().rss)
        except psutil.Error:
            return 0


def tree_bytes(root: psutil.Process) -> int:
    """Private memory of `root` and all that it started."""
    try:
        members = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(private_bytes(member) for member in members)


def measure(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Measurement:
    """Run `command` to its end. CPU counts every descendant that its parent waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = 0
    ended = threading.Event()

    def sample() -> None:
        nonlocal peak
        root = psutil.Process(process.pid)
        while not ended.wait(SAMPLE_SECONDS):
            peak = max(peak, tree_bytes(root))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    output, _ = process.communicate()
    wall = time.perf_counter() - started
    ended.set()
    sampler.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Measurement(wall, cpu, peak, process.returncode, output)


def machine() -> str:
    """One line about the machine that the figures come from."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {os.uname().sysname} {os.uname().machine}"
