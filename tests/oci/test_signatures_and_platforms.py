"""Signatures in all their forms, on registries of all kinds; and images of fewer platforms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.oci.copies import CopyState
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.manifest import fallback_tag, parse_manifest
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.strict_registry import StrictRegistry


def signed(source: StrictRegistry) -> tuple[str, set[str]]:
    """An index with signatures on itself, on a platform, and on a signature: (its digest, digests of all referrers)."""
    maker = Maker(source, "app")
    layers = [bytes_of("layer", 40_000)]
    amd64, arm64 = (maker.image(layers=layers, config=name) for name in ("amd64", "arm64"))
    index = maker.index("v1", children={"linux/amd64": amd64, "linux/arm64/v8": arm64})
    on_index = maker.referrer(index, "signature")
    found = [
        on_index,
        maker.referrer(index, "sbom", "application/spdx+json"),
        maker.referrer(on_index, "signature of a signature"),
        maker.referrer(arm64, "signature of a platform"),
    ]
    for subject in (index, amd64):
        for kind in ("sig", "att", "sbom"):
            maker.cosign(subject, kind)
    return index["digest"], {item["digest"] for item in found}


def listed(registry: StrictRegistry, subject: str) -> set[str]:
    """What a fallback tag lists."""
    held = registry.repository("app")
    digest = held.tags.get(fallback_tag(subject), "")
    return {item["digest"] for item in json.loads(held.manifests[digest][1])["manifests"]} if digest else set()


@pytest.mark.parametrize("reading", ["api", "none"])
@pytest.mark.parametrize("writing", ["api", "none"])
def test_referrers_come_by_api_and_by_fallback_tag(reading: str, writing: str) -> None:
    with StrictRegistry(referrers=reading) as source, StrictRegistry(referrers=writing) as target:
        index, referrers = signed(source)
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")])
        assert report.ok, report.results
        assert report.results[0].signatures == 10
        held = target.repository("app")
        assert referrers <= held.manifests.keys()
        assert {t for t in held.tags if t.endswith((".sig", ".att", ".sbom"))} == {
            t for t in source.repository("app").tags if t.endswith((".sig", ".att", ".sbom"))
        }
        if writing == "none":
            subjects = {parse_manifest(held.manifests[d][1]).subject for d in referrers}
            assert set().union(*(listed(target, subject) for subject in subjects)) == referrers
            assert len(listed(target, index)) == 2
        else:
            assert fallback_tag(index) not in held.tags


def test_a_fallback_tag_keeps_what_others_put_into_it() -> None:
    with StrictRegistry() as source, StrictRegistry(referrers="none") as target:
        index, _ = signed(source)
        subject = {"mediaType": "x", "digest": index, "size": 1}
        theirs = Maker(target, "app").referrer(subject, "theirs")
        assert run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]).ok
        assert theirs["digest"] in listed(target, index)
        assert len(listed(target, index)) == 3


def test_where_referrers_are_refused_the_image_comes_and_the_loss_is_named() -> None:
    with StrictRegistry() as source, StrictRegistry(referrers="refuse") as target:
        index, referrers = signed(source)
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")])
        (result,) = report.results
        assert result.state is CopyState.COPIED
        assert not report.ok
        assert {loss.digest for loss in result.lost} == referrers
        assert all("405" in loss.why for loss in result.lost)
        assert {loss.kind for loss in result.lost} == {"application/x.signature", "application/spdx+json"}
        held = target.repository("app")
        assert held.tags["v1"] == index
        assert len([tag for tag in held.tags if tag.startswith("sha256-")]) == 6


def test_a_loss_is_said_again_by_the_next_run(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry(referrers="refuse") as target:
        signed(source)
        copies = [pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]
        run(copies, journal=tmp_path / "journal")
        again = run(copies, journal=tmp_path / "journal")
        assert again.results[0].state is CopyState.UNCHANGED
        assert len(again.lost) == 4
        target.referrers = "api"
        healed = run(copies, journal=tmp_path / "journal")
        assert healed.ok
        assert graph(target, "app") == graph(source, "app")


def test_without_referrers_only_the_image_comes() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        signed(source)
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], referrers=False)
        assert report.ok
        assert len(target.repository("app").manifests) == 3
        assert source.requests["referrers"] == 0


def test_a_cosign_tag_that_changed_is_put_again() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        image = maker.image("v1", layers=[bytes_of("x", 1000)])
        maker.cosign(image)
        copies = [pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]
        run(copies)
        tag = f"{fallback_tag(image['digest'])}.sig"
        second = maker.image(tag, layers=[bytes_of("a second signature", 250)], config="two")
        assert run(copies).ok
        assert target.repository("app").tags[tag] == second["digest"]


def test_a_selection_of_platforms_is_a_valid_smaller_index(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        index, _ = signed(source)
        copies = [pair(f"{source.host}/app:v1", f"{target.host}/app:v1", "linux/arm64")]
        report = run(copies, journal=tmp_path / "journal")
        (result,) = report.results
        assert report.ok, result
        assert result.other_digest
        assert result.digest != index
        held = target.repository("app")
        kept = parse_manifest(held.manifests[held.tags["v1"]][1])
        assert [str(child.platform) for child in kept.children] == ["linux/arm64/v8"]
        before = source.total() + target.total()
        again = run(copies, journal=tmp_path / "journal")
        assert again.results[0].state is CopyState.UNCHANGED
        assert again.results[0].other_digest
        assert source.total() + target.total() - before <= 2


def test_attestations_of_buildkit_stay_with_their_platform() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        images = {name: maker.image(layers=[bytes_of(name, 100)], config=name) for name in ("amd64", "arm64")}
        manifests = []
        for name, image in images.items():
            attestation = maker.image(layers=[bytes_of((name, "att"), 100)], config=(name, "att"))
            manifests.append(image | {"platform": {"os": "linux", "architecture": name}})
            manifests.append(
                attestation
                | {
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {"vnd.docker.reference.digest": image["digest"]},
                }
            )
        maker.put(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": manifests,
                "annotations": {"kept": "yes"},
            },
            "v1",
        )
        assert run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1", "linux/amd64")]).ok
        held = target.repository("app")
        document = json.loads(held.manifests[held.tags["v1"]][1])
        assert document["manifests"] == manifests[:2]
        assert document["annotations"] == {"kept": "yes"}


def test_a_platform_that_is_not_offered_is_named() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        signed(source)
        (result,) = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1", "windows/amd64")]).results
        assert isinstance(result.error, NotUsable)
        assert "It offers: linux/amd64, linux/arm64/v8." in str(result.error)


def test_two_sources_for_one_tag_are_refused() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        signed(source)
        Maker(source, "other").image("v1", layers=[])
        report = run(
            [
                pair(f"{source.host}/app:v1", f"{target.host}/app:v1"),
                pair(f"{source.host}/other:v1", f"{target.host}/app:v1"),
            ]
        )
        assert [result.state for result in report.results] == [CopyState.COPIED, CopyState.FAILED]
        assert "both go to" in str(report.results[1].error)


def test_by_digest_an_image_comes_untagged_and_is_unchanged_afterwards(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        index, _ = signed(source)
        copies = [pair(f"{source.host}/app@{index}", f"{target.host}/app")]
        report = run(copies, journal=tmp_path / "journal")
        assert report.ok, report.results
        assert index in target.repository("app").manifests
        assert "v1" not in target.repository("app").tags
        assert run(copies, journal=tmp_path / "journal").results[0].state is CopyState.UNCHANGED


def test_within_one_registry_blobs_are_mounted_from_the_source() -> None:
    with StrictRegistry() as registry:
        signed(registry)
        report = run([pair(f"{registry.host}/app:v1", f"{registry.host}/copy:v1")])
        assert report.ok, report.results
        assert report.sent == 0
        assert graph(registry, "copy") == graph(registry, "app")


def test_foreign_layers_stay_where_they_are() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "windows")
        config = maker.blob(b"{}", "application/vnd.docker.container.image.v1+json")
        foreign = {
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": "sha256:" + "a" * 64,
            "size": 10**9,
            "urls": ["https://example.invalid/layer"],
        }
        media_type = "application/vnd.docker.distribution.manifest.v2+json"
        layers = [foreign, maker.blob(b"own")]
        maker.put({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}, "v1")
        assert run([pair(f"{source.host}/windows:v1", f"{target.host}/windows:v1")]).ok
        assert graph(target, "windows") == graph(source, "windows")
