"""Questions to the registry, answered by the embedded AWS."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.inventory import cached_repositories, image_count, validate_rules
from orchestrator.aws.lifecycle_calls import preview_policy
from orchestrator.aws.session import AwsSession, open_session
from orchestrator.errors import OrchestratorError
from tests.pushed_layers import push_layers

from .conftest import Target
from .scripted import Answer, Request, endpoint, json_error

if TYPE_CHECKING:
    pass


def push(session: AwsSession, repository: str, *, images: int) -> None:
    ecr = session.client("ecr")
    ecr.create_repository(repositoryName=repository)
    for number in range(images):
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "size": 7,
                "digest": push_layers(ecr, repository, str(number).encode())[0],
            },
            "layers": [],
        }
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=f"v{number}")


def test_rules_are_checked_in_the_order_they_were_given(session: AwsSession) -> None:
    session.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    absent, quay = validate_rules(session, ["kubernetes", "quay"])
    assert (quay.prefix, quay.valid, quay.failure) == ("quay", True, "")
    assert (absent.prefix, absent.valid) == ("kubernetes", False)
    assert absent.failure


def test_a_rule_that_could_not_be_checked_does_not_hide_the_others(target: Target) -> None:
    def answer(request: Request) -> Answer:
        if "broken" in request.body:
            return json_error("AccessDeniedException", "no")
        return Answer(
            200, '{"isValid": false, "failure": "wrong secret"}', {"Content-Type": "application/x-amz-json-1.1"}
        )

    with endpoint(answer) as aws:
        broken, hub = validate_rules(open_session(target, local=aws), ["broken", "hub"])
    assert broken.valid is None
    assert "ecr:ValidatePullThroughCacheRule" in broken.failure
    assert (hub.valid, hub.failure) == (False, "wrong secret")


def test_checks_run_together_but_only_a_few_at_a_time(target: Target) -> None:
    lock = threading.Lock()
    running = most = 0
    together = threading.Event()

    def answer(request: Request) -> Answer:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 4:
                together.set()
        together.wait(5)
        with lock:
            running -= 1
        return Answer(200, '{"isValid": true}', {"Content-Type": "application/x-amz-json-1.1"})

    with endpoint(answer) as aws:
        checks = validate_rules(open_session(target, local=aws), [f"rule-{n}" for n in range(12)])
    assert all(check.valid for check in checks)
    assert most == 4


def test_cached_repositories_are_what_lies_below_a_prefix_and_is_not_managed(session: AwsSession) -> None:
    push(session, "quay/prometheus/prometheus", images=3)
    push(session, "quay/own", images=1)
    push(session, "quayside/app", images=1)
    push(session, "apps/api", images=1)
    (found,) = cached_repositories(session, ["quay", "docker-hub"], {"quay/own"})
    assert (found.name, found.prefix, found.images) == ("quay/prometheus/prometheus", "quay", 3)
    described = session.client("ecr").describe_images(repositoryName=found.name)["imageDetails"]
    assert found.size == sum(image["imageSizeInBytes"] for image in described) > 0


def test_below_a_root_rule_every_unmanaged_repository_is_a_guess_and_marked_so(session: AwsSession) -> None:
    push(session, "quay/a/b", images=0)
    push(session, "library/nginx", images=1)
    push(session, "apps/api", images=1)
    found = {cached.name: cached.prefix for cached in cached_repositories(session, ["ROOT", "quay"], {"apps/api"})}
    assert found == {"quay/a/b": "quay", "library/nginx": "ROOT"}


def test_the_longest_prefix_is_named(session: AwsSession) -> None:
    push(session, "mirror/quay/a", images=0)
    (found,) = cached_repositories(session, ["mirror", "mirror/quay"])
    assert found.prefix == "mirror/quay"


def test_every_page_is_read(target: Target) -> None:
    def answer(request: Request) -> Answer:
        asked = json.loads(request.body)
        if request.operation == "DescribeRepositories":
            page = int(asked.get("nextToken", 0))
            body = {"repositories": [{"repositoryName": f"quay/r{page}"}], "nextToken": str(page + 1)}
            if page == 2:
                del body["nextToken"]
        else:
            page = int(asked.get("nextToken", 0))
            body = {"imageDetails": [{"imageSizeInBytes": 10}, {"imageSizeInBytes": 5}, {}]}
            if page == 0:
                body["nextToken"] = "1"
        return Answer(200, json.dumps(body), {"Content-Type": "application/x-amz-json-1.1"})

    with endpoint(answer) as aws:
        found = cached_repositories(open_session(target, local=aws), ["quay"])
    assert [(cached.name, cached.images, cached.size) for cached in found] == [(f"quay/r{n}", 6, 30) for n in range(3)]


def test_an_absent_repository_has_no_count_and_an_empty_one_has_zero(session: AwsSession) -> None:
    push(session, "apps/empty", images=0)
    push(session, "apps/full", images=2)
    assert image_count(session, "apps/absent") is None
    assert image_count(session, "apps/empty") == 0
    assert image_count(session, "apps/full") == 2


def test_could_not_tell_is_never_reported_as_absent(target: Target) -> None:
    with endpoint(lambda request: json_error("AccessDeniedException", "no")) as aws:
        denied = open_session(target, local=aws)
        with pytest.raises(OrchestratorError, match="ecr:DescribeImages"):
            image_count(denied, "apps/api")


def test_a_policy_that_aws_does_not_preview_is_explained_as_every_refusal(target: Target) -> None:
    with endpoint(lambda _: json_error("ExpiredTokenException", "The security token is expired")) as scripted:
        session = open_session(target, local=scripted)
        with pytest.raises(
            OrchestratorError, match="StartLifecyclePolicyPreview: the AWS credentials have expired"
        ) as e:
            preview_policy(session, "team/app", None)
    assert (e.value.environment, "aws sso login" in e.value.remedy) == (target.name, True)
