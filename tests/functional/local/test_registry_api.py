"""The registry API of the embedded ECR, as a node calls it, and what Amazon Inspector says of its images."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests

from orchestrator.local.controls import SeedImage, seed_images, seed_upstream, set_behaviour
from tests.functional.local.conftest import REGION, Clients, refused
from tests.functional.local.test_images import digest_of, manifest
from tests.pushed_layers import push_layers

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


class Node:
    """Asks for manifests with the token of an account."""

    def __init__(self, local: LocalAws, ecr: Any, account_id: str) -> None:
        self._endpoint = local.endpoint
        (data,) = ecr.get_authorization_token()["authorizationData"]
        self.token = data["authorizationToken"]
        self.host = data["proxyEndpoint"].removeprefix("https://")
        assert self.host.startswith(account_id)

    def ask(self, path: str, *, method: str = "GET", token: str | None = None) -> requests.Response:
        headers = {"Host": self.host, "Authorization": f"Basic {self.token if token is None else token}"}
        return requests.request(method, f"{self._endpoint}{path}", headers=headers, timeout=10)


@pytest.fixture
def node(local_aws: LocalAws, ecr: Any, account_id: str) -> Node:
    return Node(local_aws, ecr, account_id)


@pytest.fixture
def fresh_behaviour(local_aws: LocalAws) -> Iterator[None]:
    """The registry API behaves like ECR again afterwards."""
    yield
    set_behaviour(local_aws)


def test_a_manifest_is_pulled_by_tag_and_by_digest(node: Node, ecr: Any) -> None:
    ecr.create_repository(repositoryName="team/app")
    text = manifest("one")
    push_layers(ecr, "team/app", b"one")
    ecr.put_image(repositoryName="team/app", imageManifest=text, imageTag="v1")
    for reference in ("v1", digest_of(text)):
        answer = node.ask(f"/v2/team/app/manifests/{reference}")
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["Docker-Content-Digest"] == digest_of(text)
        assert answer.headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json"
    (detail,) = ecr.describe_images(repositoryName="team/app")["imageDetails"]
    assert detail["lastRecordedPullTime"]
    head = node.ask("/v2/team/app/manifests/v1", method="HEAD")
    assert (head.headers["Content-Length"], head.content) == (str(len(text)), b"")
    assert node.ask("/v2/").status_code == 200


def test_a_first_pull_of_a_tag_imports_it_and_one_of_a_digest_does_not(
    node: Node, ecr: Any, local_aws: LocalAws
) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    text = manifest("one")
    seed_upstream(local_aws, "quay.io", "app/x", "1", [text])
    missing = node.ask(f"/v2/quay/app/x/manifests/{digest_of(text)}")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "NAME_UNKNOWN")
    assert node.ask("/v2/quay/app/x/manifests/1").text == text
    assert node.ask(f"/v2/quay/app/x/manifests/{digest_of(text)}").text == text
    other = node.ask("/v2/quay/app/x/manifests/2")
    assert (other.status_code, other.json()["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")


def test_who_brings_no_token_is_challenged_and_a_wrong_one_is_denied(node: Node) -> None:
    answer = node.ask("/v2/team/app/manifests/v1", token="")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(f'Basic realm="https://{node.host}/"')
    for token in ("%%%", base64.b64encode(b"AWS:made.up").decode(), base64.b64encode(b"somebody:x").decode()):
        answer = node.ask("/v2/team/app/manifests/v1", token=token)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")


@pytest.mark.usefixtures("fresh_behaviour")
def test_a_token_is_good_for_its_account_and_its_time(node: Node, local_aws: LocalAws, ecr: Any) -> None:
    other = node.host.replace(node.host[:12], "999988887777")
    answer = requests.get(
        f"{local_aws.endpoint}/v2/", headers={"Host": other, "Authorization": f"Basic {node.token}"}, timeout=10
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")
    set_behaviour(local_aws, token_seconds=0)
    (data,) = ecr.get_authorization_token()["authorizationData"]
    answer = node.ask("/v2/", token=data["authorizationToken"])
    assert answer.status_code == 403
    assert "expired" in answer.json()["errors"][0]["message"]


def test_inspector_counts_where_images_run(clients: Clients, local_aws: LocalAws, account_id: str) -> None:
    images = [SeedImage(tags=("1",), in_use=2), SeedImage(tags=("2",)), SeedImage(tags=("3",), in_use=1)]
    digests = seed_images(local_aws, account_id, REGION, "quay/app", images)
    seed_images(local_aws, account_id, REGION, "quay/other", [SeedImage(tags=("1",), name="other", in_use=5)])
    inspector = clients("inspector2")
    of_app = {"ecrRepositoryName": [{"comparison": "EQUALS", "value": "quay/app"}]}

    def covered(**criteria: Any) -> list[tuple[str, int]]:
        found = inspector.list_coverage(filterCriteria=criteria)["coveredResources"]
        return [
            (resource["resourceId"].rpartition("/")[2], resource["resourceMetadata"]["ecrImage"]["inUseCount"])
            for resource in found
        ]

    used = covered(**of_app, ecrImageInUseCount=[{"lowerInclusive": 1}])
    assert used == [(digests[0], 2), (digests[2], 1)]
    assert covered(**of_app, ecrImageInUseCount=[{"upperInclusive": 0}]) == [(digests[1], 0)]
    assert len(covered()) == 4
    pages = inspector.get_paginator("list_coverage").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["coveredResources"]) for page in pages] == [3, 1]
    with refused("NotImplemented"):
        inspector.list_coverage(filterCriteria={"scanType": [{"comparison": "EQUALS", "value": "PACKAGE"}]})
