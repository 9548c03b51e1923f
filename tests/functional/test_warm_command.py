"""`orchestrator warm` as a shell runs it: first pulls of the embedded ECR, which really fetches from loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from orchestrator.local.controls import set_behaviour
from orchestrator.project import Project
from tests.made_images import MadeImage, make_image
from tests.oci.strict_registry import StrictRegistry

from .running import Ran, run
from .test_mirror_command import REGION, World, shared

__all__ = ["shared"]

RULES = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'


class Warming(World):
    """An environment with a rule for quay.io, which exists in ECR."""

    def warm(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return run("-C", str(self.project.root), "warm", self.name, *arguments, "--local", stdin=stdin)

    def elsewhere(self) -> Any:
        values = self.aws.variables(self.account, ELSEWHERE)
        return boto3.client(
            "ecr",
            region_name=ELSEWHERE,
            endpoint_url=self.aws.endpoint,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )

    def behave(self, **fields: object) -> None:
        set_behaviour(self.aws, upstreams={"quay.io": f"http://{self.source.host}"}, **fields)


@pytest.fixture
def image() -> MadeImage:
    return make_image(50)


@pytest.fixture
def world(shared: Project, image: MadeImage) -> Iterator[Warming]:
    with StrictRegistry() as registry:
        held = registry.repository("team/app")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags |= {"1": image.digest, "1.1": image.digest}
        signature = make_image(51, platforms=("amd64",), signed=False)
        held.blobs |= signature.blobs
        held.manifests |= signature.manifests
        held.tags[f"sha256-{image.digest.removeprefix('sha256:')}.sig"] = signature.digest
        found = Warming(shared, registry, "warm")
        found.write(RULES + 'digest_references = "redirect"')
        found.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        found.behave()
        yield found
        set_behaviour(found.aws)


APP = "quay.io/team/app:1"


def test_a_tag_is_pulled_once_and_its_digest_is_there_afterwards(world: Warming, image: MadeImage) -> None:
    assert world.warm(APP, "--check").code == 3
    ran = world.warm(f"{APP}@{image.digest}", "--json")
    assert ran.code == 0, ran.out
    (found,) = ran.json["images"]
    assert (found["state"], found["digest"], found["platforms"]) == ("warmed", image.digest, 2)
    assert len(found["signatures"]) == 2, "a tag of cosign's and a referrer"
    assert set(world.tags("quay/team/app")) >= {image.digest, *image.children, image.signature}
    world.source.requests.clear()
    again = world.warm(APP, f"quay.io/team/app@{image.digest}", "--check")
    assert (again.code, "2 there" in again.out) == (0, True)
    assert not world.source.requests


def test_a_tag_that_names_another_digest_is_an_error(world: Warming) -> None:
    other = "sha256:" + "a" * 64
    ran = world.warm(f"{APP}@{other}")
    assert ran.code == 1
    assert other in ran.out


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("quay.io/team/app@sha256:" + "b" * 64, "name the tag"),
        ("quay.io/team/app:9", "BatchImportUpstreamImage"),
        ("quay.io/nobody/nothing:1", "no such tag"),
        ("quay.io/nobody/nothing:1", "orchestrator local up --upstream REGISTRY=URL"),
    ],
)
def test_what_ecr_cannot_bring_is_an_error_with_its_reasons(world: Warming, reference: str, says: str) -> None:
    ran = world.warm(reference)
    assert ran.code == 1
    assert says in ran.out


def test_what_belongs_to_a_mirror_is_left_to_mirror(world: Warming) -> None:
    ran = world.warm("registry.redhat.io/ubi9/ubi:9.4")
    assert ran.code == 2
    assert "orchestrator mirror" in ran.err
    ran = world.warm("--from", "-", stdin=f"{APP}\nregistry.redhat.io/ubi9/ubi:9.4\n".encode())
    assert ran.code == 0
    assert "not copied" in ran.out


def test_first_pulls_wait_where_ecr_limits_them(world: Warming) -> None:
    world.behave(first_pull_rate=1)
    ran = world.warm(APP, "quay.io/team/app:1.1", "--no-referrers")
    assert ran.code == 0, ran.out
    assert "2 warmed" in ran.out


def test_the_environments_own_list_is_warmed(world: Warming) -> None:
    world.write(RULES + 'mirror_images = { "quay.io/team/app" = { tags = ["1", "1.1"] } }')
    ran = world.warm("--no-referrers")
    assert ran.code == 0, ran.out
    assert "2 warmed" in ran.out


ELSEWHERE = "eu-central-1"


def test_another_region_is_filled_by_ecrs_replication(world: Warming, image: MadeImage) -> None:
    refused = world.warm(APP, "--fill-region", ELSEWHERE)
    assert refused.code == 2
    assert "Nothing replicates quay to eu-central-1" in refused.err
    assert not world.source.requests, "nothing was pulled"
    destination = {"region": ELSEWHERE, "registryId": world.account}
    rule = {
        "destinations": [destination],
        "repositoryFilters": [{"filter": "quay/", "filterType": "PREFIX_MATCH"}],
    }
    world.ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    ran = world.warm(APP, "--fill-region", ELSEWHERE, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert (ran.json["filled"]["status"], ran.json["filled"]["failed"]) == ("COMPLETE", [])
    # Whatever would end the waiting, what was begun can be found again.
    assert "describe-replication-backfill-results --replication-backfill-id " in ran.err
    found = world.elsewhere().describe_images(repositoryName="quay/team/app")["imageDetails"]
    assert {detail["imageDigest"] for detail in found} >= {image.digest, *image.children}


def test_a_filling_that_a_killed_run_began_is_waited_for_and_another_brings_the_rest(
    world: Warming, image: MadeImage
) -> None:
    destination = {"region": ELSEWHERE, "registryId": world.account}
    world.ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    former = world.ecr.start_replication_backfill(destination=destination)["replicationBackfillId"]
    ran = world.warm(APP, "--fill-region", ELSEWHERE, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert former in ran.err
    assert ran.err.count("--replication-backfill-id") == 2
    backfills = world.ecr.list_replication_backfills()["backfills"]
    assert [each["status"] for each in backfills] == ["COMPLETE", "COMPLETE"]
    found = world.elsewhere().describe_images(repositoryName="quay/team/app")["imageDetails"]
    assert {detail["imageDigest"] for detail in found} >= {image.digest, *image.children}


def test_what_does_not_arrive_in_the_other_region_is_named(world: Warming, image: MadeImage) -> None:
    destination = {"region": ELSEWHERE, "registryId": world.account}
    world.ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    # Repositories with tags need a role, or ECR cannot make them.
    world.elsewhere().create_repository_creation_template(
        prefix="quay", appliedFor=["REPLICATION"], resourceTags=[{"Key": "a", "Value": "b"}]
    )
    ran = world.warm(APP, "--fill-region", ELSEWHERE)
    assert ran.code == 1
    assert f"quay/team/app@{image.digest}: InvalidParameterException" in ran.out


@pytest.mark.parametrize("region", ["", " ", "frankfurt", "eu-central-1\n"])
def test_a_region_that_is_none_is_not_left_out_in_silence(world: Warming, region: str) -> None:
    ran = world.warm(APP, "--fill-region", region)
    assert (ran.code, "no region of AWS" in ran.err) == (2, True)
    assert not world.source.requests


def test_the_own_region_is_not_filled_again(world: Warming) -> None:
    ran = world.warm(APP, "--fill-region", REGION)
    assert (ran.code, "own region" in ran.err) == (2, True)
    assert world.warm(APP, "--check", "--fill-region", ELSEWHERE).code == 2
