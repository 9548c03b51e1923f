"""The same operation on several environments, as many at once as the machine carries; one failure leaves the others be."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.interrupts import Interrupts

T = TypeVar("T")
# One Terraform with the AWS provider.
BYTES_EACH = 600_000_000


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """How one environment ended: a value or an error."""

    name: str
    value: T | None = None
    error: OrchestratorError | None = None


def slots(wanted: int | None, count: int) -> int:
    """How many environments run at once: what was asked for (default: as many as possible), within cores and memory."""
    if count <= 1:
        return 1
    most = min(count, _cores(), max(1, _available_bytes() // BYTES_EACH))
    return max(1, min(wanted or most, most))


def run_all(
    names: Sequence[str],
    operation: Callable[[str], T],
    *,
    parallel: int,
    interrupts: Interrupts,
    done: Callable[[Result[T]], None] = lambda _: None,
) -> list[Result[T]]:
    """Run `operation` for every name, `parallel` at once; results in the order of `names`, `done` as each ends.

    Every other error is a defect. It is raised after the others have ended.
    """

    def one(name: str) -> Result[T]:
        if interrupts.asked:
            return Result(name, error=OrchestratorError("not begun, because of the interrupt.", environment=name))
        try:
            return Result(name, operation(name))
        except OrchestratorError as error:
            return Result(name, error=error)

    if len(names) == 1 or parallel == 1:
        results = []
        for name in names:
            results.append(one(name))
            done(results[-1])
        return results
    found: dict[str, Result[T]] = {}
    with ThreadPoolExecutor(parallel, thread_name_prefix="environment") as pool:
        futures = [pool.submit(one, name) for name in names]
        for future in as_completed(futures):
            result = future.result()
            found[result.name] = result
            done(result)
    return [found[name] for name in names]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _available_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
