"""Archives of a Helm chart and of an operator catalog: what `mirror --to` writes, Helm, oras, regctl and skopeo read."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from orchestrator.oci.archive import Archive, in_archive
from orchestrator.oci.archive_writer import plan_archive
from orchestrator.oci.copies import Copy
from orchestrator.oci.copy import copy_images
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import parse_reference
from tests.cluster.engines.build import binary
from tests.cluster.test_charts_in_image_sets import helm, make_chart
from tests.made_catalogs import put_catalog
from tests.oci.strict_registry import StrictRegistry

pytestmark = pytest.mark.cluster


def printed(home: Path, *command: str) -> bytes:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def joined(path: Path, target: Path) -> Path:
    """The parts of an archive as the one file that they are."""
    with target.open("wb") as file:
        for part in sorted(path.parent.glob(f"{path.name}.part*")):
            file.write(part.read_bytes())
    return target


def test_a_chart_and_a_catalog_go_by_disk_and_are_read_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skopeo: str
) -> None:
    for kind in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"HELM_{kind}_HOME", str(tmp_path / kind))
    chart = make_chart(tmp_path, "web", "1.1.0+x", "registry.redhat.io/team/web:1")
    helm("package", str(chart), "--destination", str(tmp_path))
    packed = (tmp_path / "web-1.1.0+x.tgz").read_bytes()
    with StrictRegistry() as source, StrictRegistry() as target:
        helm("push", "--plain-http", str(tmp_path / "web-1.1.0+x.tgz"), f"oci://{source.host}/charts")
        put_catalog(source, "registry.redhat.io", "redhat/index", "v4.18")
        names = [f"{source.host}/charts/web:1.1.0_x", f"{source.host}/redhat/index:v4.18"]
        with Registries(variables={}) as registries:
            planned = plan_archive([(parse_reference(name), ()) for name in names], registries)
            assert planned.ok
            written = planned.write(tmp_path / "images.tar", registries, part_size=20_000)
        assert len(written.paths) > 1
        held = {name: source.repository(name) for name in ("charts/web", "redhat/index")}
        roots = {name: next(iter(repository.tags.values())) for name, repository in held.items()}
        manifests = {name: held[name].manifests[digest][1] for name, digest in roots.items()}

        whole = joined(tmp_path / "images.tar", tmp_path / "whole.tar")
        layout = tmp_path / "layout"
        with tarfile.open(whole) as tar:
            tar.extractall(layout, filter="data")
        # oras and regctl find it by its tag, skopeo by the whole name.
        fetched = printed(
            tmp_path, str(binary("oras")), "manifest", "fetch", "--oci-layout", f"{layout}@{roots['charts/web']}"
        )
        assert fetched == manifests["charts/web"]
        blob = f"{layout}@{json.loads(fetched)['layers'][0]['digest']}"
        assert printed(tmp_path, str(binary("oras")), "blob", "fetch", "--oci-layout", blob, "-o", "-") == packed
        raw = printed(
            tmp_path, str(binary("regctl")), "manifest", "get", "--format", "raw-body", f"ocidir://{layout}:v4.18"
        )
        assert raw == manifests["redhat/index"]
        raw = printed(tmp_path, skopeo, "inspect", "--raw", f"oci-archive:{whole}:{names[1]}")
        assert raw == manifests["redhat/index"]
        printed(tmp_path, skopeo, "copy", "-q", f"oci-archive:{whole}:{names[1]}", f"dir:{tmp_path}/catalog")
        layers = json.loads(manifests["redhat/index"])["layers"]
        top = (tmp_path / "catalog" / layers[-1]["digest"].partition(":")[2]).read_bytes()
        assert b"olm.package" in gzip.decompress(top)

        source.repositories.clear()
        with Archive(tmp_path / "images.tar") as archive, Registries(variables={}) as registries:
            registries.add_source(archive)
            copies = [Copy(in_archive(r), parse_reference(f"{target.host}/{r.path}:{r.tag}")) for r in archive.images]
            report = copy_images(copies, registries)
        assert report.ok, report.results
        (tmp_path / "back").mkdir()
        helm(
            "pull",
            "--plain-http",
            f"oci://{target.host}/charts/web",
            "--version=1.1.0+x",
            f"--destination={tmp_path}/back",
        )
        assert (tmp_path / "back" / "web-1.1.0+x.tgz").read_bytes() == packed
