"""Registry to archive and back: the same bytes every time, in parts, taken up after a kill, readable by others."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from orchestrator.oci.archive import Archive, in_archive, names_of, part_path
from orchestrator.oci.archive_writer import ArchiveFiles, ArchivePlan, plan_archive
from orchestrator.oci.copies import Copy, CopyOptions
from orchestrator.oci.copy import copy_images
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from orchestrator.routes.reference import parse_reference
from tests.oci.copying import QUICK
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.registry_state import Faults
from tests.oci.strict_registry import StrictRegistry


def fill(source: StrictRegistry) -> None:
    for name in ("a", "b"):
        maker = Maker(source, name)
        layers = [bytes_of("base", 300_000), bytes_of(name, 70_000)]
        children = {f"linux/{a}": maker.image(layers=layers, config=(name, a)) for a in ("amd64", "arm64")}
        index = maker.index("v1", children=children)
        maker.referrer(maker.referrer(index, name), (name, "nested"))
        maker.cosign(index)


def plan(source: StrictRegistry, registries: Registries) -> ArchivePlan:
    return plan_archive([(parse_reference(f"{source.host}/{name}:v1"), ()) for name in ("a", "b")], registries)


def write(
    source: StrictRegistry, path: Path, part_size: int = 0, threads: int = 8, budget: Budget = QUICK
) -> ArchiveFiles:
    with Registries(variables={}, budget=budget) as registries:
        planned = plan(source, registries)
        assert planned.ok
        return planned.write(path, registries, options=CopyOptions(threads=threads), part_size=part_size)


def read_into(path: Path, target: StrictRegistry) -> None:
    with Archive(path) as archive, Registries(variables={}) as registries:
        registries.add_source(archive)
        copies = [Copy(in_archive(r), parse_reference(f"{target.host}/{r.path}:{r.tag}")) for r in archive.images]
        report = copy_images(copies, registries)
        assert report.ok, report.results


def test_an_archive_brings_everything_back(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        report = write(source, tmp_path / "images.tar")
        assert report.paths == [tmp_path / "images.tar"]
        assert [item.name for item in tmp_path.iterdir()] == ["images.tar"]
        with Archive(tmp_path / "images.tar") as archive:
            assert names_of(archive.images) == [f"{source.host}/{name}:v1" for name in ("a", "b")]
        read_into(tmp_path / "images.tar", target)
        for name in ("a", "b"):
            assert graph(target, name) == graph(source, name)


def test_two_archives_of_the_same_images_are_the_same_bytes(tmp_path: Path) -> None:
    with StrictRegistry() as source:
        fill(source)
        write(source, tmp_path / "one.tar", threads=1)
        write(source, tmp_path / "two.tar")
        assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_parts_are_the_whole_cut_and_are_read_as_one(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        write(source, tmp_path / "whole.tar")
        report = write(source, tmp_path / "images.tar", part_size=100_000)
        assert len(report.paths) > 3
        assert b"".join(path.read_bytes() for path in report.paths) == (tmp_path / "whole.tar").read_bytes()
        read_into(tmp_path / "images.tar", target)
        assert graph(target, "a") == graph(source, "a")
        part_path(tmp_path / "images.tar", len(report.paths)).unlink()
        with pytest.raises(NotUsable, match=r"ends too early|no tar file"):
            read_into(tmp_path / "images.tar", target)


def test_an_archive_that_was_not_finished_goes_on(tmp_path: Path) -> None:
    with StrictRegistry() as source:
        fill(source)
        write(source, tmp_path / "whole.tar")
        broken = hashlib.sha256(bytes_of("b", 70_000)).hexdigest()
        source.faults = Faults(flip=1.0, only=lambda method, path: broken in path)
        with pytest.raises(Exception, match="other content"):
            write(source, tmp_path / "images.tar", threads=1, budget=Budget(seconds=2, attempts=3))
        assert not (tmp_path / "images.tar").exists()
        source.faults = Faults()
        before = source.requests["get-blob"]
        report = write(source, tmp_path / "images.tar")
        assert report.resumed > 0
        assert source.requests["get-blob"] - before < before / 2
        assert (tmp_path / "images.tar").read_bytes() == (tmp_path / "whole.tar").read_bytes()


def test_an_image_that_cannot_be_read_is_known_before_anything_is_written() -> None:
    with StrictRegistry() as source, Registries(variables={}, budget=QUICK) as registries:
        fill(source)
        source.repository("b").tags.clear()
        planned = plan(source, registries)
        assert not planned.ok
        assert [result.error is None for result in planned.results] == [True, False]


def test_a_full_disk_is_named_and_nothing_half_is_called_an_archive(tmp_path: Path) -> None:
    with StrictRegistry() as source:
        fill(source)
        full = Path("/dev/full")
        if not full.exists():
            pytest.fail("/dev/full is not there")
        (tmp_path / "images.tar.partial").symlink_to(full)
        with pytest.raises(NotUsable, match="cannot be written"):
            write(source, tmp_path / "images.tar")
        assert not (tmp_path / "images.tar").exists()


def test_skopeo_reads_what_was_written(tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    with StrictRegistry() as source:
        fill(source)
        write(source, tmp_path / "images.tar")
        name = f"{source.host}/a:v1"
        finished = subprocess.run(
            ["skopeo", "inspect", "--raw", f"oci-archive:{tmp_path}/images.tar:{name}"], capture_output=True, check=True
        )
        assert finished.stdout == source.repository("a").manifests[source.repository("a").tags["v1"]][1]


def test_an_unpacked_archive_and_the_archives_of_others_are_read(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        write(source, tmp_path / "images.tar")
        with tarfile.open(tmp_path / "images.tar") as tar:
            tar.extractall(tmp_path / "folder", filter="data")
        read_into(tmp_path / "folder", target)
        assert graph(target, "a") == graph(source, "a")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no index.json|no tar file"), (b"x" * 2000, "no tar file"), (b"\x1f\x8b" + b"0" * 600, "no tar file")],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(content)
    with pytest.raises(NotUsable, match=why):
        Archive(path)
    with pytest.raises(NotUsable, match="does not exist"):
        Archive(tmp_path / "nothing.tar")


def test_a_bare_tag_in_an_archive_of_others_is_found_without_a_name(tmp_path: Path) -> None:
    with StrictRegistry() as source:
        fill(source)
        write(source, tmp_path / "images.tar")
        with tarfile.open(tmp_path / "images.tar") as tar:
            tar.extractall(tmp_path / "folder", filter="data")
        index = tmp_path / "folder" / "index.json"
        document = json.loads(index.read_text())
        digest = next(m for m in document["manifests"] if m.get("annotations"))["digest"]
        document["manifests"] = [
            m | {"annotations": {"org.opencontainers.image.ref.name": "1.0"}} for m in document["manifests"]
        ]
        index.write_text(json.dumps(document))
        with Archive(tmp_path / "folder") as archive:
            assert archive.images == []
            assert archive.manifest_digest("", "1.0") is not None
            assert archive.manifest_digest("", digest) == digest
