"""The lifecycle manager in a simulated ECR: API calls, memory, and how long it would take.

    python -m benchmarks.lifecycle [--repositories 100000] [--json FILE]

The manager's own code runs over simulated ports; only time is simulated: every call takes a round trip and a place in
its operation's quota, and one that finds none waits, as a client that adapts to throttling does. Published quotas are
taken as they are (BatchGetImage 2,000/s); for the operations whose quotas AWS does not publish the assumption is in
QUOTAS. Each repository has 20 images: four indexes of four images, the indexes pulled yesterday, the images never.

Scenarios, each in a process of its own: nothing to expire with a cold and a warm cache, one function and fan-out; one
repository in ten with a stale index to expire; and the loop of the usual cron function (describe, get policy and list
for each repository, one after the other), which reads no pull times and expires nothing by them.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.ports import CacheRule, Refusal, UpstreamAnswer
from orchestrator.lifecycle.settings import read_settings
from orchestrator.lifecycle.storage import MemoryStorage
from orchestrator.lifecycle.units import Image

T = TypeVar("T")
R = TypeVar("R")
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEXES, CHILDREN = 4, 4
ROUND_TRIP = 0.03
# Calls a second in an account. Only BatchGetImage's is published; S3 and SQS take far more than is asked here.
QUOTAS = {
    "BatchGetImage": 2000.0,
    "DescribeImages": 200.0,
    "GetLifecyclePolicy": 100.0,
    "ListImages": 200.0,
    "BatchDeleteImage": 100.0,
    "DescribeRepositories": 20.0,
}
FUNCTION_SECONDS = 870
WORKERS, FUNCTIONS = 8, 5


class Time:
    """Simulated seconds and the places that each operation's quota has in each of them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.latest = 0.0
        self.calls: Counter[str] = Counter()
        self._taken: dict[str, Counter[int]] = {}

    def call(self, operation: str) -> None:
        """Make a call: wait for a place, then a round trip."""
        self.calls[operation] += 1
        quota = QUOTAS.get(operation)
        if quota:
            taken = self._taken.setdefault(operation, Counter())
            second = int(self.now)
            while taken[second] >= quota:
                second += 1
            taken[second] += 1
            self.now = max(self.now, float(second))
        self.now += ROUND_TRIP
        self.latest = max(self.latest, self.now)


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def manifest_of(repository: str, index: int) -> str:
    children = [digest_of(f"{repository} {index} {child}") for child in range(CHILDREN)]
    return json.dumps({"manifests": [{"digest": child} for child in children]})


@dataclass
class Simulation:
    """The ports of a manager: repositories are made up from their numbers when they are asked for."""

    name: str
    count: int
    stale_every: int
    folder: Path
    time: Time = field(default_factory=Time)
    deleted: set[str] = field(default_factory=set)
    messages: list[tuple[float, int, str]] = field(default_factory=list)
    _sent: int = 0

    # registry

    def rules(self) -> Sequence[CacheRule]:
        self.time.call("DescribePullThroughCacheRules")
        return [CacheRule("docker-hub", "registry-1.docker.io")]

    def serves(self, _host: str, _repository: str, _references: Sequence[str]) -> bool:
        # Beside AWS, and once for a repository in its life.
        return True

    def answer(self, _host: str, _repository: str, _reference: str) -> UpstreamAnswer:
        self.time.call("HEAD")
        return "served"

    def earlier(self, _key: str, _since: datetime) -> None:
        return None

    def repository_pages(self) -> Iterator[Sequence[str]]:
        for start in range(0, self.count, 1000):
            self.time.call("DescribeRepositories")
            yield [f"docker-hub/team{n % 97}/app{n}" for n in range(start, min(start + 1000, self.count))]

    def _images(self, repository: str) -> list[Image]:
        number = int(repository.rpartition("app")[2])
        stale = bool(self.stale_every) and number % self.stale_every == 0
        pushed = NOW - timedelta(days=60)
        images = []
        for index in range(INDEXES):
            old = stale and index == 0
            pulled = NOW - timedelta(days=45 if old else 1)
            digest = digest_of(manifest_of(repository, index))
            images.append(Image(digest, (f"v{index}",), pushed, pulled, 1000, INDEX))
            images += [
                Image(digest_of(f"{repository} {index} {child}"), (), pushed, None, 50_000_000, MANIFEST)
                for child in range(CHILDREN)
            ]
        return [image for image in images if image.digest not in self.deleted] if stale else images

    def image_pages(self, repository: str) -> Iterator[Sequence[Image]]:
        self.time.call("DescribeImages")
        yield self._images(repository)

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        self.time.call("DescribeImages")
        return [image for image in self._images(repository) if image.digest in digests]

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        self.time.call("BatchGetImage")
        texts = (manifest_of(repository, index) for index in range(INDEXES))
        return {digest_of(text): text for text in texts if digest_of(text) in digests}

    def policy(self, repository: str) -> str | None:  # noqa: ARG002
        self.time.call("GetLifecyclePolicy")
        return None

    def put_policy(self, repository: str, text: str) -> None:
        raise NotImplementedError

    def delete_policy(self, repository: str) -> None:
        raise NotImplementedError

    def delete(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:  # noqa: ARG002
        self.time.call("BatchDeleteImage")
        self.deleted.update(digests)
        return []

    def archive(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        raise NotImplementedError

    def in_use(self, repository: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    # storage: on disk, so that what is measured is the manager's memory

    def get(self, key: str) -> bytes | None:
        self.time.call("S3")
        path = self.folder / key.replace("/", "%")
        return path.read_bytes() if path.exists() else None

    def put(self, key: str, content: bytes) -> None:
        self.time.call("S3")
        if not key.startswith("audit/"):
            (self.folder / key.replace("/", "%")).write_bytes(content)

    def keys(self, prefix: str) -> Iterable[str]:
        self.time.call("S3")
        names = (path.name.replace("%", "/") for path in self.folder.iterdir())
        return [name for name in names if name.startswith(prefix)]

    # queue

    def send(self, messages: Sequence[str], *, delay: int = 0) -> None:
        for number, message in enumerate(messages):
            if number % 10 == 0:
                self.time.call("SQS")
            self._sent += 1
            heapq.heappush(self.messages, (self.time.now + delay, self._sent, message))

    # host

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.time.now)

    def remaining(self) -> float:
        return math.inf

    def log(self, level: str, message: str, **fields: object) -> None:
        """Nowhere."""

    def metrics(self, values: Mapping[str, int]) -> None:
        """Nowhere."""

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        workers = [self.time.now] * WORKERS
        for item in items:
            self.time.now = heapq.heappop(workers)
            yield item, function(item)
            heapq.heappush(workers, self.time.now)
        self.time.now = max(workers)


def manager_of(simulation: Simulation, *, queue: bool) -> Manager:
    settings = read_settings({"ENVIRONMENT": "benchmark", "BUCKET": "b", "QUEUE_URL": "q"})
    return Manager(settings, simulation, simulation, simulation if queue else None, simulation, simulation)


def one_function(simulation: Simulation) -> None:
    report = manager_of(simulation, queue=False).start(simulation.name, state=MemoryStorage())
    assert report["failed"] == {}, report["failed"]


def fan_out(simulation: Simulation) -> None:
    """FUNCTIONS invocations at a time take messages as they fall due."""
    manager = manager_of(simulation, queue=True)
    manager.start(simulation.name)
    free = [simulation.time.now] * FUNCTIONS
    while simulation.messages:
        due, _, message = heapq.heappop(simulation.messages)
        simulation.time.now = max(heapq.heappop(free), due)
        manager.work(message)
        heapq.heappush(free, simulation.time.now)


def usual_loop(simulation: Simulation) -> None:
    """The cron function that is usually written: three calls a repository, one after the other."""
    simulation.rules()
    for page in simulation.repository_pages():
        for repository in page:
            simulation.time.call("DescribeRepositories")
            simulation.policy(repository)
            simulation.time.call("ListImages")


SCENARIOS: dict[str, tuple[Callable[[Simulation], None], int, bool]] = {
    # name: (what runs, one repository in so many has something to expire, is the cache warm)
    "one function, cold cache": (one_function, 0, False),
    "one function, warm cache": (one_function, 0, True),
    "fan-out, cold cache": (fan_out, 0, False),
    "fan-out, warm cache": (fan_out, 0, True),
    "fan-out, 10% have images to expire": (fan_out, 10, True),
    "usual loop": (usual_loop, 0, False),
}


def measure(name: str, count: int, folder: Path) -> dict[str, Any]:
    """One scenario in this process."""
    work, stale_every, _ = SCENARIOS[name]
    simulation = Simulation(name, count, stale_every, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    work(simulation)
    return {
        "scenario": name,
        "repositories": count,
        "calls": simulation.time.calls.total(),
        "calls_per_repository": round(simulation.time.calls.total() / count, 3),
        "by_operation": dict(simulation.time.calls.most_common()),
        "simulated_seconds": round(simulation.time.latest),
        "invocations": math.ceil(simulation.time.latest / FUNCTION_SECONDS) if work is one_function else None,
        "expired": len(simulation.deleted),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_mb_before": round(before / 1024),
        "own_seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=100_000)
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--only", help="scenarios whose name holds this")
    parser.add_argument("--scenario", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scenario:
        print(json.dumps(measure(options.scenario, options.repositories, options.folder)))
        return
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        warm = Path(scratch, "warm")
        for number, (name, (_, _, is_warm)) in enumerate(SCENARIOS.items()):
            if options.only and options.only not in name:
                continue
            cold = Path(scratch, f"cold{number}")
            # The first cold run leaves the cache that the warm ones find.
            folder = warm if is_warm or not warm.exists() else cold
            folder.mkdir(exist_ok=True)
            command = [sys.executable, "-m", "benchmarks.lifecycle", "--scenario", name]
            command += ["--repositories", str(options.repositories), "--folder", str(folder)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            results.append(json.loads(done.stdout))
            row = results[-1]
            again = f", {row['invocations']} invocations" if row["invocations"] else ""
            print(
                f"{name}: {row['calls']} calls ({row['calls_per_repository']} a repository), "
                f"{row['simulated_seconds']} s{again}, peak {row['peak_mb']} MB, {row['expired']} images expired",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
