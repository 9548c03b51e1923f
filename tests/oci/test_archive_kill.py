"""Archives whose writing is killed at any moment: the next run goes on, and makes the very bytes of a run that nobody killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.oci.archive import part_path
from orchestrator.oci.archive_writer import plan_archive
from orchestrator.oci.copies import CopyOptions
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import parse_reference
from tests.oci.corpus import EMPTY, Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

NAMES = ("team/app", "team/tool", "charts/web")
PART = 400_000
PROGRAM = """
import sys
from pathlib import Path
from tests.oci.test_archive_kill import write
host, path, *names = sys.argv[1:]
write(host, Path(path))
"""


def fill(source: StrictRegistry) -> None:
    for name in NAMES[:2]:
        maker = Maker(source, name)
        layers = [bytes_of("base", 300_000), bytes_of(name, 500_000)]
        children = {f"linux/{a}": maker.image(layers=layers, config=(name, a)) for a in ("amd64", "arm64")}
        index = maker.index("v1", children=children)
        maker.referrer(index, name)
        maker.cosign(index)
    chart = Maker(source, NAMES[2])
    chart.put(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": chart.blob(b'{"name":"web","version":"1.0.0"}', "application/vnd.cncf.helm.config.v1+json"),
            "layers": [chart.blob(bytes_of("chart", 4_000), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
            "annotations": {"org.opencontainers.image.title": "web"},
        },
        "v1",
    )
    chart.blob(b"{}", EMPTY)


def write(host: str, path: Path) -> None:
    with Registries(variables={}) as registries:
        planned = plan_archive([(parse_reference(f"{host}/{name}:v1"), ()) for name in NAMES], registries)
        assert planned.ok, planned.results
        planned.write(path, registries, options=CopyOptions(threads=4), part_size=PART)


def content(path: Path) -> list[bytes]:
    parts: list[bytes] = []
    while (part := part_path(path, len(parts) + 1)).exists():
        parts.append(part.read_bytes())
    return parts


@pytest.mark.parametrize("rounds", [pytest.param(2, id="few"), pytest.param(24, id="many", marks=pytest.mark.long)])
def test_a_killed_archive_becomes_what_it_would_have_been(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    with StrictRegistry(delay=0.005) as source:
        fill(source)
        write(source.host, tmp_path / "whole.tar")
        whole = content(tmp_path / "whole.tar")
        assert len(whole) > 3
        path = tmp_path / "images.tar"
        kills = 0
        for number in range(rounds):
            began = source.total()
            process = subprocess.Popen([sys.executable, "-c", PROGRAM, source.host, str(path)])
            # The moment is counted in requests: a busy machine is no excuse.
            moment = began + chance.randint(1, 55)
            while source.total() < moment and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
            if number % 2:
                write(source.host, path)
                assert content(path) == whole
                for file in tmp_path.glob("images*"):
                    file.unlink()
        assert kills > 0
