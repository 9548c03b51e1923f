"""First pulls through a rule that really fetch: from registries on loopback that stand for the upstreams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.local.controls import set_behaviour
from tests.functional.local.test_registry_pushes import Registry, code
from tests.made_images import MadeImage, make_image
from tests.oci.strict_registry import StrictRegistry

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

NAME = "quay/team/app"


@pytest.fixture
def image() -> MadeImage:
    return make_image(30)


@pytest.fixture
def upstream(image: MadeImage) -> Iterator[StrictRegistry]:
    with StrictRegistry() as registry:
        hold(registry, image, "1")
        yield registry


def hold(registry: StrictRegistry, image: MadeImage, tag: str) -> None:
    held = registry.repository("team/app")
    held.blobs |= image.blobs
    held.manifests |= image.manifests
    held.tags[tag] = image.digest


@pytest.fixture
def node(local_aws: LocalAws, ecr: Any, upstream: StrictRegistry) -> Iterator[Registry]:
    set_behaviour(local_aws, upstreams={"quay.io": f"http://{upstream.host}"})
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="MUTABLE", description="cached"
    )
    yield Registry(local_aws, ecr)
    set_behaviour(local_aws)


def pull(node: Registry, reference: str) -> Any:
    return node.ask("GET", f"/v2/{NAME}/manifests/{reference}")


def test_a_first_pull_by_tag_brings_every_platform_and_the_signature(
    node: Registry, ecr: Any, image: MadeImage, upstream: StrictRegistry
) -> None:
    missing = pull(node, image.digest)
    assert code(missing) == (404, "NAME_UNKNOWN"), "ECR makes no first pull by digest"
    assert pull(node, "1").content == image.manifests[image.digest][1]
    held = {d["imageDigest"]: d for d in ecr.describe_images(repositoryName=NAME)["imageDetails"]}
    assert set(held) == {image.digest, *image.children, image.signature}
    for digest in image.children:
        layer = json.loads(image.manifests[digest][1])["layers"][1]["digest"]
        assert node.ask("GET", f"/v2/{NAME}/blobs/{layer}").content == image.blobs[layer]
    upstream.requests.clear()
    assert pull(node, "1").status_code == 200
    assert pull(node, image.digest).status_code == 200
    assert not upstream.requests, "what is cached is not asked for again within a day"


def test_a_tag_that_moved_is_refreshed_after_a_day_unless_the_upstream_is_away(
    node: Registry, local_aws: LocalAws, image: MadeImage, upstream: StrictRegistry
) -> None:
    assert pull(node, "1").headers["Docker-Content-Digest"] == image.digest
    newer = make_image(31)
    hold(upstream, newer, "1")
    assert pull(node, "1").headers["Docker-Content-Digest"] == image.digest
    where = {"quay.io": f"http://{upstream.host}"}
    set_behaviour(local_aws, upstreams=where, refresh_seconds=0)
    assert pull(node, "1").headers["Docker-Content-Digest"] == newer.digest
    set_behaviour(local_aws, upstreams={"quay.io": "http://127.0.0.1:9"}, refresh_seconds=0)
    assert pull(node, "1").headers["Docker-Content-Digest"] == newer.digest


def test_what_the_upstream_lacks_or_spoils_is_not_there(
    node: Registry, ecr: Any, image: MadeImage, upstream: StrictRegistry
) -> None:
    assert pull(node, "2").status_code == 404
    upstream.faults.flip = 1.0
    assert pull(node, "1").status_code == 404
    assert NAME not in [r["repositoryName"] for r in ecr.describe_repositories()["repositories"]]
    upstream.faults.flip = 0.0
    assert pull(node, "1").status_code == 200


def test_first_pulls_have_a_rate_of_their_own(node: Registry, local_aws: LocalAws, upstream: StrictRegistry) -> None:
    for number in range(5):
        hold(upstream, make_image(40 + number, signed=False), f"n{number}")
    set_behaviour(local_aws, upstreams={"quay.io": f"http://{upstream.host}"}, first_pull_rate=1)
    assert 429 in [pull(node, f"n{number}").status_code for number in range(5)]


def test_a_blob_of_a_cached_image_is_not_mounted(node: Registry, ecr: Any, image: MadeImage) -> None:
    assert pull(node, "1").status_code == 200
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    ecr.create_repository(repositoryName="team/copy")
    digest = next(iter(image.blobs))
    assert node.ask("POST", f"/v2/team/copy/blobs/uploads/?mount={digest}&from={NAME}").status_code == 202
