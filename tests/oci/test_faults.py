"""What goes wrong between registries is read again, waited for or named; nothing is lost, nothing foreign is committed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from orchestrator.oci.auth import Login
from orchestrator.oci.copies import Copy, CopyState
from orchestrator.oci.copy_events import Event, Waiting
from orchestrator.oci.errors import Absent, Denied, Unreachable, WrongContent
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.retry import Budget
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.registry_state import Bearer, Faults
from tests.oci.strict_registry import StrictRegistry

NAMES = ("a", "b", "c", "d")


class Fixed:
    """One login for every registry."""

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:
        return Login("robot", "s3cret-password")


def fill(source: StrictRegistry) -> None:
    for name in NAMES:
        maker = Maker(source, name)
        layers = [bytes_of("base", 700_000), bytes_of(name, 300_000)]
        image = maker.image(layers=layers, config=name)
        other = maker.image(layers=[*layers, bytes_of(f"{name}2", 200_000)], config=f"{name}2")
        index = maker.index("v1", children={"linux/amd64": image, "linux/arm64": other})
        maker.referrer(maker.referrer(index, name), f"{name}-nested")
        maker.cosign(index)


def copies(source: StrictRegistry, target: StrictRegistry) -> list[Copy]:
    return [pair(f"{source.host}/{name}:v1", f"{target.host}/{name}:v1") for name in NAMES]


def assert_same(source: StrictRegistry, target: StrictRegistry, *, refused: tuple[str, ...] = ()) -> None:
    assert [text for text in target.refused if not text.startswith(refused)] == [] if refused else target.refused == []
    for name in NAMES:
        assert graph(target, name) == graph(source, name)


SOURCE_FAULTS = {
    "flipped bytes": Faults(flip=0.12),
    "early ends": Faults(cut=0.12),
    "wrong manifests": Faults(wrong_manifest=0.12),
    "server errors": Faults(error=0.12),
    "all of them": Faults(flip=0.04, cut=0.04, wrong_manifest=0.04, error=0.04, throttle=0.04),
    "no ranges, and early ends": Faults(cut=0.2, no_ranges=True),
}


@pytest.mark.parametrize("name", SOURCE_FAULTS)
def test_a_faulty_source_is_read_again(name: str) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        source.faults = SOURCE_FAULTS[name]
        report = run(copies(source, target))
        assert report.ok, [(result.error, result.lost) for result in report.results]
        assert source.faults.happened.total() > 0
        assert_same(source, target)


TARGET_FAULTS = {
    "server errors": Faults(error=0.12),
    "uploads are cut": Faults(upload_cut=0.15),
    "a storm of 429s": Faults(throttle=0.15),
    "all of them": Faults(error=0.05, upload_cut=0.05, throttle=0.1),
}


@pytest.mark.parametrize("name", TARGET_FAULTS)
def test_a_faulty_target_is_tried_again(name: str) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        target.faults = TARGET_FAULTS[name]
        report = run(copies(source, target))
        assert report.ok, [(result.error, result.lost) for result in report.results]
        assert target.faults.happened.total() > 0
        assert_same(source, target)


def test_a_wrong_blob_is_never_committed() -> None:
    """A source that always flips: the copy fails by name, and the target has neither the blob nor a tag."""
    with StrictRegistry() as source, StrictRegistry() as target:
        Maker(source, "app").image("v1", layers=[bytes_of("x", 600_000)])
        source.faults = Faults(flip=1.0, only=lambda method, path: "/blobs/" in path)
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], budget=Budget(seconds=5, attempts=3))
        (result,) = report.results
        assert result.state is CopyState.FAILED
        assert isinstance(result.error, WrongContent)
        assert "other content" in result.error.what
        assert target.repository("app").tags == {}
        assert target.repository("app").blobs == {}
        assert target.refused == []


def test_one_bad_image_does_not_stop_the_others() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        bad = Maker(source, "a").held
        digest = next(d for d, b in bad.blobs.items() if b == bytes_of("a", 300_000))
        bad.blobs[digest] = b"x" * 300_000
        wanted = [*copies(source, target), pair(f"{source.host}/none:v1", f"{target.host}/none:v1")]
        report = run(wanted, budget=Budget(seconds=5, attempts=3))
        states = [result.state for result in report.results]
        assert states == [CopyState.FAILED, CopyState.COPIED, CopyState.COPIED, CopyState.COPIED, CopyState.FAILED]
        assert isinstance(report.results[-1].error, Absent)
        assert "v1" not in target.repository("a").tags
        for name in NAMES[1:]:
            assert graph(target, name) == graph(source, name)


def test_a_dripping_source_is_cut_and_read_from_a_new_connection() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        Maker(source, "app").image("v1", layers=[bytes_of("x", 5000)])
        source.faults = Faults(drip=0.02, drip_share=0.5, only=lambda method, path: "/blobs/" in path)
        began = time.monotonic()
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], read_seconds=1.0)
        assert report.ok, report.results[0].error
        assert time.monotonic() - began < 40
        assert graph(target, "app") == graph(source, "app")


def test_a_source_that_is_away_for_seconds_is_waited_for() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        seen = threading.Event()

        def go_away(method: str, path: str) -> None:
            if "/blobs/" in path and not seen.is_set():
                seen.set()
                source.faults.away = time.monotonic() + 5

        source.on_request = go_away
        report = run(copies(source, target))
        assert report.ok, [result.error for result in report.results]
        assert report.seconds > 4
        assert_same(source, target)


def test_a_registry_that_is_gone_fails_everything_within_one_budget() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        source.faults.away = time.monotonic() + 1000
        many = [pair(f"{source.host}/a:v{n}", f"{target.host}/a:v{n}") for n in range(200)]
        began = time.monotonic()
        report = run(many, budget=Budget(seconds=2, attempts=20), threads=8)
        # Each of the 200 with a budget of its own would take 50.
        assert time.monotonic() - began < 40
        assert all(isinstance(result.error, Unreachable) for result in report.results)


def test_tokens_that_end_in_the_middle_are_renewed() -> None:
    bearers = [Bearer("robot", "s3cret-password", seconds=0.4) for _ in range(2)]
    with (
        StrictRegistry(bearer=bearers[0], delay=0.03) as source,
        StrictRegistry(bearer=bearers[1], delay=0.03) as target,
    ):
        fill(source)
        report = run(copies(source, target), logins=[Fixed()], threads=4)
        assert report.ok, [result.error for result in report.results]
        assert all(len(bearer.issued) > 5 for bearer in bearers)
        assert_same(source, target)


def test_an_answer_with_a_token_that_is_cut_is_asked_for_again() -> None:
    with StrictRegistry(bearer=Bearer("robot", "s3cret-password")) as source, StrictRegistry() as target:
        fill(source)
        source.faults = Faults(cut=1.0, at_most=3, only=lambda _, path: path.startswith("/token"))
        report = run(copies(source, target), logins=[Fixed()])
        assert report.ok, [result.error for result in report.results]
        assert source.faults.happened["cut"] == 3
        assert_same(source, target)


def test_a_basic_login_is_sent_and_a_missing_one_is_named() -> None:
    with StrictRegistry(basic=("robot", "s3cret-password")) as source, StrictRegistry() as target:
        fill(source)
        assert run(copies(source, target), logins=[Fixed()]).ok
        (first, *_) = run(copies(source, target)).results
        assert isinstance(first.error, Denied)
        assert f"docker login {source.host}" in first.error.remedy
        assert "s3cret" not in str(first.error)


def test_a_limit_is_waited_for_and_said() -> None:
    events: list[Event] = []
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        source.faults = Faults(throttle=1.0, retry_after="2", at_most=1)
        report = run(copies(source, target), on_event=events.append)
        assert report.ok
        assert report.seconds >= 0
        waits = [event for event in events if isinstance(event, Waiting)]
        assert waits
        assert waits[0].seconds == 2
        assert waits[0].registry == source.host


def test_a_tag_that_moves_during_the_copy_is_noticed() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        first = maker.image("v1", layers=[bytes_of("one", 1000)])
        moved: list[str] = []

        def move(method: str, path: str) -> None:
            if "/blobs/" in path and not moved:
                moved.append(maker.image("v1", layers=[bytes_of("two", 1000)])["digest"])

        source.on_request = move
        (result,) = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")]).results
        assert (result.state, result.digest, result.moved) == (CopyState.COPIED, first["digest"], moved[0])
        assert target.repository("app").tags["v1"] == first["digest"]


def test_two_runs_at_once_end_well(tmp_path: Path) -> None:
    with StrictRegistry(delay=0.005) as source, StrictRegistry(delay=0.005) as target:
        fill(source)
        reports: list[object] = []
        runs = [
            threading.Thread(
                target=lambda: reports.append(run(copies(source, target), journal=tmp_path / "journal").ok)
            )
            for _ in range(2)
        ]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join(60)
        assert reports == [True, True]
        assert_same(source, target)


@pytest.mark.parametrize(("largest", "size"), [(17 * 2**20, 20 * 2**20), (2**20, 5 * 2**20), (300_000, 700_000)])
def test_a_target_that_takes_only_small_requests_gets_chunks(largest: int, size: int) -> None:
    with StrictRegistry() as source, StrictRegistry(largest_put=largest) as target:
        Maker(source, "app").image("v1", layers=[bytes_of("x", size), bytes_of("y", size)])
        assert run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], threads=1).ok
        assert graph(target, "app") == graph(source, "app")
        too_large = [1 for _, _, headers in target.log if int(headers.get("Content-Length") or 0) > largest]
        assert 1 <= len(too_large) <= 4, "what one blob has found out serves the others"


def test_a_target_that_takes_no_request_of_any_size_is_named() -> None:
    with StrictRegistry() as source, StrictRegistry(largest_put=1000) as target:
        Maker(source, "app").image("v1", layers=[bytes_of("x", 700_000)])
        (result,) = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")], budget=Budget(seconds=3)).results
        assert "413" in str(result.error)
        assert target.repository("app").tags == {}


def test_without_mounts_everything_is_sent() -> None:
    with StrictRegistry() as source, StrictRegistry(mounts=False) as target:
        fill(source)
        report = run(copies(source, target))
        assert report.ok
        assert report.refused_mounts > 0
        assert_same(source, target)


def test_no_mount_is_tried_where_the_endpoint_grants_none() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        report = run(copies(source, target), Endpoint(target.host, mount_group=lambda repository: None))
        assert report.ok
        assert (report.refused_mounts, report.blobs_mounted, target.mounted) == (0, 0, 0)
        assert_same(source, target)


def test_when_a_leaders_manifest_is_refused_the_others_still_come() -> None:
    """The repository that would have been mounted from never commits: another one leads."""
    with StrictRegistry() as source, StrictRegistry(immutable=True) as target:
        base = bytes_of("base", 500_000)
        Maker(source, "small").image("v1", layers=[base])
        for name in ("b", "c"):
            Maker(source, name).image("v1", layers=[base, bytes_of(name, 100_000)], config=name)
        Maker(target, "small").image("v1", layers=[b"other"])
        report = run([pair(f"{source.host}/{n}:v1", f"{target.host}/{n}:v1") for n in ("small", "b", "c")])
        assert [result.state for result in report.results] == [CopyState.FAILED, CopyState.COPIED, CopyState.COPIED]
        assert "immutable" in str(report.results[0].error)
        for name in ("b", "c"):
            assert graph(target, name) == graph(source, name)
        assert report.blobs_mounted == 1


def test_random_faults_on_both_sides() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        fill(source)
        source.faults = Faults(flip=0.08, cut=0.08, error=0.08, throttle=0.02)
        target.faults = Faults(upload_cut=0.08, error=0.08, throttle=0.02)
        report = run(copies(source, target), threads=8)
        assert report.ok, [(result.error, result.lost) for result in report.results]
        # Bytes that came flipped when a cut upload went on: the registry is the one who sees it.
        assert_same(source, target, refused=("DIGEST_INVALID",))
