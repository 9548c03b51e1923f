"""Plans a mirror of many tags that are all there already: `python -m benchmarks.many_tags [--tags 10000] [--delay 0.04]`.

The source is a registry in a process of its own. The target answers like ECR: tags of a repository by DescribeImages, a hundred a
call, every call after the delay and within the published rate. Wall and CPU seconds and peak memory are of the planning alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.oci import Copy, Endpoint, Journal, Registries
from orchestrator.oci.copies import CopyState
from orchestrator.oci.copy import prepare
from orchestrator.oci.ports import Place
from orchestrator.routes.reference import parse_reference
from tests.oci.corpus import Maker
from tests.oci.strict_registry import StrictRegistry

TARGET, IN_ONE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com", 50
# ECR's quotas name no rate of DescribeImages; GetManifest's is the nearest that is published (requests a second).
RATE, CALL = 2000.0, 100


class DescribedTags:
    """What a repository's tags name, asked as MirrorTarget asks ECR."""

    def __init__(self, digests: dict[str, dict[str, str]], delay: float) -> None:
        self._digests, self._delay = digests, delay
        self._lock, self._next = threading.Lock(), 0.0
        self.calls = 0

    def tags(self, repository: str, tags: Sequence[str]) -> dict[str, str] | None:
        for _ in range(0, len(tags), CALL):
            with self._lock:
                self.calls += 1
                self._next = max(self._next, time.monotonic()) + 1 / RATE
                wait = self._next - time.monotonic()
            time.sleep(max(0.0, wait) + self._delay)
        return {tag: self._digests[repository][tag] for tag in tags}

    def manifests(self, repository: str, digests: Sequence[str]) -> set[str]:  # noqa: ARG002
        return set(digests)

    def blobs(self, repository: str, digests: Sequence[str]) -> set[str]:  # noqa: ARG002
        return set(digests)

    def forget(self) -> None:
        """Nothing is remembered here."""


def serve(tags: int, delay: float) -> None:
    """Be the source until standard input ends."""
    registry = StrictRegistry(delay=delay)
    registry.keep_log = False
    for number in range(tags):
        Maker(registry, f"team/app{number // IN_ONE:04}").image(f"v{number % IN_ONE}", layers=[], config=number)
    with registry:
        held = {name: found.tags for name, found in registry.repositories.items()}
        print(json.dumps({"host": registry.host, "tags": held}), flush=True)
        sys.stdin.read()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--delay", type=float, default=0.04)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.tags, arguments.delay)
        return 0
    command = [sys.executable, "-m", "benchmarks.many_tags", "--serve", "--tags", str(arguments.tags)]
    command += ["--delay", str(arguments.delay)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert source.stdout is not None
        hello = json.loads(source.stdout.readline())
        journal = Journal(Path(folder) / "journal.sqlite")
        copies = []
        for repository, tags in hello["tags"].items():
            for tag, digest in tags.items():
                journal.image_complete(Place(TARGET, repository), digest, [digest])
                name = f"{repository}:{tag}"
                copies.append(Copy(parse_reference(f"{hello['host']}/{name}"), parse_reference(f"{TARGET}/{name}")))
        inventory = DescribedTags(hello["tags"], arguments.delay)
        started, before = time.perf_counter(), time.process_time()
        with Registries([Endpoint(TARGET, inventory=inventory)]) as registries:
            prepared = prepare(copies, registries, journal=journal)
            asked = sum(sum(counts.values()) for counts in registries.requests.values())
        wall, cpu = time.perf_counter() - started, time.process_time() - before
        journal.close()
        unchanged = sum(result.state is CopyState.UNCHANGED for result in prepared.results)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(
            f"{len(copies)} tags, {unchanged} unchanged: {wall:.1f} s wall, {cpu:.1f} CPU-s, {peak:.0f} MB,"
            f" {asked} requests to the source, {inventory.calls} calls of ECR"
        )
    return 0 if unchanged == len(copies) else 1


if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    sys.exit(main())
