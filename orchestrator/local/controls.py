"""What tests and demonstrations ask of a running embedded AWS beyond AWS's own calls, as functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from orchestrator.local.process import LocalAws


@dataclass(frozen=True, slots=True)
class SeedImage:
    """An image to hold. Times are aware; `size` in bytes.

    `in_use` is the number of tasks and Pods in which Amazon Inspector sees it.

    Without a `manifest` one is made up from `name`. With `children` (digests) it is an index, with a `subject` (digest) a
    referrer, else an image of one layer.
    """

    tags: Sequence[str] = ()
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    archived_at: datetime | None = None
    name: str | None = None
    size: int | None = None
    manifest: str | None = None
    media_type: str | None = None
    children: Sequence[str] = ()
    subject: str | None = None
    artifact_type: str | None = None
    findings: Sequence[dict[str, Any]] = field(default=())
    in_use: int | None = None

    def document(self) -> dict[str, Any]:
        """What the server's administrative path takes: only what is given, times in seconds since 1970."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.timestamp() if isinstance(value, datetime) else value
            for name, value in values.items()
            if value not in (None, ())
        }


def seed_images(
    local: LocalAws, account_id: str, region: str, repository: str, images: Sequence[SeedImage]
) -> list[str]:
    """Put images into a repository, which is made when absent; their digests in the same order."""
    body = {
        "account_id": account_id,
        "region": region,
        "repository": repository,
        "images": [image.document() for image in images],
    }
    return cast(list[str], local.request("POST", "/_orchestrator/ecr/images", body, timeout=60)["digests"])


def seed_upstream(local: LocalAws, url: str, repository: str, tag: str, manifests: Sequence[str]) -> None:
    """Let an upstream registry hold a tag; of several manifests the last is the index and the others its images."""
    body = {"url": url, "repository": repository, "tag": tag, "manifests": list(manifests)}
    local.request("POST", "/_orchestrator/ecr/upstream", body)


def first_pull(local: LocalAws, account_id: str, region: str, repository: str, tag: str) -> str:
    """Pull `repository:tag` through the cache as a node does the first time; the image's digest."""
    body = {"account_id": account_id, "region": region, "repository": repository, "tag": tag}
    return str(local.request("POST", "/_orchestrator/ecr/pull", body)["digest"])


def fill(local: LocalAws, account_id: str, region: str, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pull images through the cache, now: `orchestrator.local.ecr.simulation.Simulation.fill` has the documents."""
    body = {"account_id": account_id, "region": region, "images": list(images)}
    return local.request("POST", "/_orchestrator/ecr/fill", body, timeout=60)


def make_older(local: LocalAws, account_id: str, region: str, days: float) -> int:
    """Let days pass for all images of a registry; how many they are."""
    body = {"account_id": account_id, "region": region, "days": days}
    return cast(int, local.request("POST", "/_orchestrator/ecr/age", body, timeout=60)["images"])


def set_faults(local: LocalAws, *faults: dict[str, Any]) -> None:
    """Make calls fail: the fields of `orchestrator.local.faults.Faults`; none ends it."""
    local.request("POST", "/_orchestrator/faults", list(faults))


def set_behaviour(local: LocalAws, **fields: Any) -> None:
    """Let the registry API behave: the fields of `orchestrator.local.ecr.behaviour.Behaviour`; none is ECR's way."""
    local.request("POST", "/_orchestrator/registry", fields)


def recorded_requests(local: LocalAws) -> list[dict[str, Any]]:
    """The calls so far: service, operation, account_id, region, principal, time, seconds, status, fault."""
    return cast(list[dict[str, Any]], local.request("GET", "/_orchestrator/requests", timeout=60)["requests"])


def forget_requests(local: LocalAws) -> None:
    """Empty the request log."""
    local.request("DELETE", "/_orchestrator/requests")


def reset(local: LocalAws) -> None:
    """Forget every resource of every account, the request log and the faults."""
    local.request("POST", "/_orchestrator/reset")
