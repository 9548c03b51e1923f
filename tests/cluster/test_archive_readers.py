"""What `mirror --to` writes is read by regctl, whole, and by `regctl image import` into `distribution`'s registry."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from orchestrator.oci.archive_writer import plan_archive
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import parse_reference
from tests.cluster.engines.build import binary
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry


def _regctl(home: Path, *arguments: str) -> bytes:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([str(binary("regctl")), *arguments], capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_regctl_reads_an_archive(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "team/app")
        children = {f"linux/{a}": maker.image(layers=[bytes_of(a, 90_000)], config=a) for a in ("amd64", "arm64")}
        maker.referrer(maker.index("v1", children=children), "sbom")
        name = f"{source.host}/team/app:v1"
        with Registries(variables={}) as registries:
            planned = plan_archive([(parse_reference(name), ())], registries)
            planned.write(tmp_path / "images.tar", registries)
        held = source.repository("team/app")
        with tarfile.open(tmp_path / "images.tar") as tar:
            tar.extractall(tmp_path / "layout", filter="data")
        layout = f"ocidir://{tmp_path}/layout:v1"
        assert (
            _regctl(tmp_path, "manifest", "get", "--format", "raw-body", layout) == held.manifests[held.tags["v1"]][1]
        )
        _regctl(tmp_path, "registry", "set", "--tls", "disabled", target.host)
        _regctl(tmp_path, "image", "import", "--name", name, f"{target.host}/back:v1", f"{tmp_path}/images.tar")
        back = target.repository("back")
        assert back.tags["v1"] == held.tags["v1"]
        assert sum(map(len, back.blobs.values())) >= 180_000
        assert len(back.manifests) == 3, "an index and two images; regctl's import leaves referrers behind"
