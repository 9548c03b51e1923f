"""A plan cut into jobs: whoever needs what another brings comes after it, and no job waits in a circle."""

from __future__ import annotations

import random

import pytest

from orchestrator.mirroring.copy_jobs import CopyJob
from orchestrator.oci.copies import Copy, CopyOptions
from orchestrator.oci.copy_plan import MountGroup, make_plan
from orchestrator.oci.copy_shares import cut_into_jobs
from orchestrator.oci.discover import Discovery
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import parse_reference
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

TOGETHER: MountGroup = lambda place: place.registry  # noqa: E731
APART: MountGroup = lambda place: None  # noqa: E731


def cut(source: StrictRegistry, target: StrictRegistry, names: list[str], group: MountGroup) -> list[CopyJob]:
    registries = Registries([Endpoint(r.host, url=f"http://{r.host}") for r in (source, target)])
    with registries:
        copies = [Copy(parse_reference(f"{source.host}/{n}"), parse_reference(f"{target.host}/m/{n}")) for n in names]
        found = Discovery(registries, CopyOptions(), Journal()).run(copies)
        plan = make_plan(found.wanted, found.held, mount_group=group, committed=found.committed)
        return cut_into_jobs(found, plan, referrers=True)


@pytest.mark.parametrize(("group", "mounts"), [(TOGETHER, True), (APART, False)])
def test_a_shared_layer_has_one_who_brings_it(group: MountGroup, mounts: bool) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        layer = bytes_of("layer", 100)
        Maker(source, "a").image("1", "1.0", layers=[layer])
        Maker(source, "b").image("1", layers=[layer, bytes_of("b", 5000)])
        jobs = cut(source, target, ["a:1", "a:1.0", "b:1"], group)
    first, same, other = jobs
    assert (first.target.endswith("m/a:1"), first.after, dict(first.mounts)) == (True, frozenset(), {})
    # The second tag of an image comes after its first, and brings nothing.
    assert (same.target.endswith("m/a:1.0"), set(same.after), dict(same.mounts)) == (True, {first.target}, {})
    assert other.target.endswith("m/b:1")
    assert other.after == ({first.target} if mounts else frozenset())
    assert list(other.mounts.values()) == ([("m/a",)] if mounts else [])
    assert "@sha256:" in first.source
    assert ":1@" not in first.source


def test_what_is_there_makes_no_job() -> None:
    with StrictRegistry() as source:
        maker = Maker(source, "a")
        maker.image("1", layers=[bytes_of(1, 100)])
        held = source.repository("m/a")
        held.blobs, held.manifests, held.tags = maker.held.blobs, maker.held.manifests, maker.held.tags
        assert cut(source, source, ["a:1"], TOGETHER) == []


def test_jobs_come_after_those_that_they_wait_for_whatever_is_shared() -> None:
    dice = random.Random(5)
    pool = [bytes_of(("pool", number), 50 * number + 10) for number in range(12)]
    with StrictRegistry() as source, StrictRegistry() as target:
        names = []
        for number in range(40):
            repository = f"r{number % 7}"
            Maker(source, repository).image(f"t{number}", layers=dice.sample(pool, dice.randint(1, 6)))
            names.append(f"{repository}:t{number}")
        jobs = cut(source, target, names, TOGETHER)
    assert len(jobs) == 40
    seen: set[str] = set()
    for job in jobs:
        assert job.after <= seen, "it waits for a later one"
        seen.add(job.target)
    for job in jobs:
        for digest, holders in job.mounts.items():
            assert all(holder != job.target.partition("/")[2].rpartition(":")[0] for holder in holders), digest
    assert sum(len(job.mounts) for job in jobs) > 12
