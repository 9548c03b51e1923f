"""A run that is killed at any moment leaves nothing half, and the next one goes on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.oci.copy import prepare
from orchestrator.oci.journal import Journal
from orchestrator.oci.manifest import OCI_MANIFEST
from orchestrator.oci.registries import Registries
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.strict_registry import StrictRegistry

CHART = "charts/web"
NAMES = ("a", "b", "c", CHART)
PROGRAM = """
import sys
from pathlib import Path
from orchestrator.oci.manifest import OCI_MANIFEST
from tests.oci.copying import pair, run
source, target, journal, *names = sys.argv[1:]
report = run([pair(f"{source}/{n}:v1", f"{target}/{n}:v1") for n in names], journal=Path(journal), threads=8)
sys.exit(0 if report.ok else 1)
"""


def fill(source: StrictRegistry) -> None:
    for name in NAMES[:3]:
        maker = Maker(source, name)
        layers = [bytes_of("base", 300_000), bytes_of(name, 200_000)]
        children = {f"linux/{a}": maker.image(layers=layers, config=(name, a)) for a in ("amd64", "arm64")}
        index = maker.index("v1", children=children)
        maker.referrer(maker.referrer(index, name), (name, "nested"))
        maker.cosign(index)
    chart = Maker(source, CHART)
    chart.put(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": chart.blob(b'{"name":"web","version":"1.0.0"}', "application/vnd.cncf.helm.config.v1+json"),
            "layers": [chart.blob(bytes_of("chart", 90_000), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
        },
        "v1",
    )


def assert_nothing_half(source: StrictRegistry, target: StrictRegistry) -> None:
    """A tag is there with everything that it needs, or not at all (the registry itself refuses what is not whole)."""
    assert target.refused == []
    for name in NAMES:
        held, whole = target.repository(name), source.repository(name)
        for tag, digest in held.tags.items():
            assert whole.tags[tag] == digest


@pytest.mark.parametrize(
    ("seed", "rounds"), [(0, 4), *(pytest.param(seed, 20, marks=pytest.mark.long) for seed in range(1, 6))]
)
def test_killed_runs_are_taken_up_where_they_stopped(tmp_path: Path, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    with StrictRegistry(delay=0.01) as source, StrictRegistry(delay=0.01) as target:
        fill(source)
        for number in range(rounds):
            if number % 4 == 0:
                target.repositories.clear()
                target.received.clear()
                for file in tmp_path.glob("journal*"):
                    file.unlink()
            began = source.total()
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, source.host, target.host, str(tmp_path / "journal"), *NAMES]
            )
            # The moment is counted in requests: a busy machine is no excuse.
            moment = began + chance.randint(1, 95)
            while source.total() < moment and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.05)
            assert_nothing_half(source, target)
            if number % 4 == 3:
                report = run(
                    [pair(f"{source.host}/{n}:v1", f"{target.host}/{n}:v1") for n in NAMES],
                    journal=tmp_path / "journal",
                )
                assert report.ok, report.results
                for name in NAMES:
                    assert graph(target, name) == graph(source, name)


def test_what_was_deleted_in_the_target_is_not_believed_to_be_whole_after_a_killed_run(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        copies = [pair(f"{source.host}/a:v1", f"{target.host}/a:v1")]
        journal = tmp_path / "journal"
        assert run(copies, journal=journal).ok
        whole = graph(target, "a")
        target.repositories.clear()
        # A run that is killed has planned, and has put the image before its signatures.
        with closing(Journal(journal)) as opened, Registries(variables={}) as registries:
            prepare(copies, registries, journal=opened)
        assert run(copies, referrers=False).ok
        assert graph(target, "a") != whole
        assert run(copies, journal=journal).ok
        assert graph(target, "a") == whole == graph(source, "a")
