"""Copies between two strict registries: everything arrives as it was, nothing goes twice, a second run asks little."""

from __future__ import annotations

from pathlib import Path

from orchestrator.oci.copies import CopyState
from orchestrator.oci.copy import execute, prepare
from orchestrator.oci.manifest import DOCKER_MANIFEST
from orchestrator.oci.registries import Registries
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.strict_registry import StrictRegistry

NAMES = ("a", "b", "c")


def fill(source: StrictRegistry) -> None:
    """Three repositories that share a base layer; indexes of two platforms, signatures of every kind."""
    for name in NAMES:
        maker = Maker(source, f"team/{name}")
        layers = [bytes_of("base", 900_000), bytes_of(name, 60_000)]
        amd64 = maker.image(layers=layers, config=f"{name}-amd64")
        arm64 = maker.image(layers=[*layers, bytes_of(f"{name}-arm", 50_000)], config=f"{name}-arm")
        index = maker.index("v1", "latest", children={"linux/amd64": amd64, "linux/arm64/v8": arm64})
        signature = maker.referrer(index, f"{name}-signature")
        maker.referrer(signature, f"{name}-signature of a signature")
        maker.referrer(amd64, f"{name}-sbom", "application/spdx+json")
        maker.cosign(index)
        maker.cosign(arm64, "att")


def test_everything_arrives_as_it_was(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        copies = [
            pair(f"{source.host}/team/{name}:{tag}", f"{target.host}/mirror/{name}:{tag}")
            for name in NAMES
            for tag in ("v1", "latest")
        ]
        report = run(copies, journal=tmp_path / "journal")
        assert report.ok, report.results
        assert {result.state for result in report.results} == {CopyState.COPIED}
        for name in NAMES:
            assert graph(target, f"mirror/{name}") == graph(source, f"team/{name}")
        assert target.refused == []
        # Every blob went over the wire once; what is shared was mounted.
        assert set(target.received.values()) == {1}
        assert report.sent == sum(
            len(blob) for blob in {b for r in source.repositories.values() for b in r.blobs.values()}
        )
        assert report.refused_mounts == 0
        assert target.mounted == report.blobs_mounted > 0


def test_a_second_run_asks_at_most_two_questions_a_tag(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        copies = [pair(f"{source.host}/team/{name}:v1", f"{target.host}/mirror/{name}:v1") for name in NAMES]
        run(copies, journal=tmp_path / "journal")
        before = source.total() + target.total()
        report = run(copies, journal=tmp_path / "journal")
        assert {result.state for result in report.results} == {CopyState.UNCHANGED}
        assert source.total() + target.total() - before <= 2 * len(copies)
        assert report.sent == 0


def test_without_a_journal_a_second_run_moves_no_byte() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        copies = [pair(f"{source.host}/team/{name}:v1", f"{target.host}/mirror/{name}:v1") for name in NAMES]
        run(copies)
        puts = target.requests["put-manifest"]
        report = run(copies)
        assert report.ok
        assert (report.sent, report.mounted, target.requests["put-manifest"]) == (0, 0, puts)


def test_a_signature_that_came_later_is_copied_alone(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        image = maker.image("v1", layers=[bytes_of("app", 70_000)])
        copies = [pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]
        run(copies, journal=tmp_path / "journal")
        maker.referrer(image, "late")
        maker.cosign(image)
        report = run(copies, journal=tmp_path / "journal", recheck=0)
        assert report.ok
        assert report.results[0].state is CopyState.UNCHANGED
        assert report.results[0].signatures == 2
        assert graph(target, "app") == graph(source, "app")
        assert report.sent < 1000


def test_a_docker_image_stays_one() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        found = Maker(source, "app").docker_image("v1", layers=[bytes_of("d", 1000)])
        assert run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]).ok
        assert target.repository("app").manifests[found["digest"]][0] == DOCKER_MANIFEST


def test_a_moved_tag_at_the_source_replaces_the_targets(tmp_path: Path) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        copies = [pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]
        maker.image("v1", layers=[bytes_of("shared", 50_000), bytes_of("one", 500)])
        run(copies, journal=tmp_path / "journal")
        second = maker.image("v1", layers=[bytes_of("shared", 50_000), bytes_of("two", 500)])
        report = run(copies, journal=tmp_path / "journal")
        assert report.ok
        assert target.repository("app").tags["v1"] == second["digest"]
        # What the image before had already did not go again.
        assert max(target.received.values()) == 1


def test_a_plan_says_what_would_move_and_moves_nothing() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        copies = [pair(f"{source.host}/team/{name}:v1", f"{target.host}/mirror/{name}:v1") for name in NAMES]
        with Registries(variables={}) as registries:
            prepared = prepare(copies, registries)
            assert target.requests["start-upload"] == 0
            report = execute(prepared, registries)
        assert {result.state for result in prepared.results} == {CopyState.COPIED}
        assert prepared.plan.bytes_to_send == report.sent
        assert prepared.plan.bytes_to_mount == report.mounted


def test_what_a_source_does_not_have_is_said_in_one_way_whichever_request_was_answered(tmp_path: Path) -> None:
    """A target that no run knows has its source read; one that is known has it asked for by HEAD."""
    with StrictRegistry() as source, StrictRegistry() as target:
        Maker(source, "app").image("v1", layers=[bytes_of("app", 500)])

        def refusal(name: str) -> str:
            copy = pair(f"{source.host}/{name}", f"{target.host}/app:other")
            return str(run([copy], journal=tmp_path / "journal").results[0].error)

        names = ("app:none", "none:v1", f"app@sha256:{'0' * 64}")
        first = [refusal(name) for name in names]
        assert run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], journal=tmp_path / "journal").ok
        assert [refusal(name) for name in names] == first
    host = source.host
    assert all(
        text.startswith(f"{host}/{name} does not exist: {host} answers 404.")
        for name, text in zip(names, first, strict=True)
    )
    assert all("Correct the reference, or push the image first." in text for text in first)
