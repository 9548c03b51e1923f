"""What the copier believes of a repository: never what was there before somebody had it forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.aws.mirror_target import MirrorTarget
from orchestrator.mirroring.repository import RepositorySettings
from orchestrator.routes.upstreams import ecr_registry

HOST = "200000000078.dkr.ecr.eu-west-1.amazonaws.com"


class Ecr:
    """ECR's answers about one repository; `during` is what happens while a list is on its way."""

    def __init__(self, tags: dict[str, str]) -> None:
        self.tags = tags
        self.during: Callable[[], None] = lambda: None
        self.environment, self.endpoint, self.is_local, self.ca_bundle = "dev", None, False, None

    def client(self, _service: str, _region: str) -> Any:
        return self

    def describe_images(self, *, imageIds: list[dict[str, str]], **_: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        wanted = [one["imageTag"] for one in imageIds]
        if not self.tags.keys() >= set(wanted):
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": self.tags[tag], "imageTags": [tag]} for tag in wanted]}

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
        page = {"imageIds": [{"imageDigest": digest, "imageTag": tag} for tag, digest in self.tags.items()]}
        during, self.during = self.during, lambda: None
        during()
        yield page


def test_a_list_that_was_on_its_way_when_it_was_forgotten_tells_nobody_else_of_images_that_are_gone() -> None:
    registry = ecr_registry(HOST)
    assert registry is not None
    ecr = Ecr({"1": "sha256:one"})
    session: Any = ecr
    target = MirrorTarget(session, registry, lambda _: RepositorySettings("MUTABLE", False))

    def deleted() -> None:
        # The image goes, and a second copy begins that must bring it again.
        ecr.tags = {}
        target.forget()

    ecr.during = deleted
    assert target.tags("app", ["1", "2"]) == {"1": "sha256:one"}
    assert target.tags("app", ["1"]) == {}
    assert target.manifests("app", ["sha256:one"]) == set()
    # A list that nobody had forgotten is asked for once.
    ecr.tags = {"1": "sha256:two"}
    assert target.tags("app", ["1"]) == {}
    target.forget()
    assert target.tags("app", ["1"]) == {"1": "sha256:two"}
