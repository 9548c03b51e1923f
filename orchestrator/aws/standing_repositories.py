"""Repositories of the cache as they stand, beside what their templates say now. It also knows what can be set afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.inventory import PAGE, prefix_of
from orchestrator.aws.session import POOL, AwsSession
from orchestrator.aws.translation import explained, found_or_none, is_absent
from orchestrator.mirroring.reconciliation import (
    MUTABILITY,
    POLICY,
    SCANNING,
    TAGS,
    Reconciliation,
    StandingRepository,
    reconcile,
)
from orchestrator.mirroring.repository import settings_by_prefix

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# What a plan looks at: it must stay short beside Terraform's own work. `cache reconcile` looks at everything.
PLANNED_PAGES = 10
PLANNED_POLICIES = 500


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """What differs, by name; `unread` counts repositories that a bounded look did not ask for their policy and tags."""

    differing: tuple[Reconciliation, ...] = ()
    unread: int = 0
    looked_at: int = 0


def differing_repositories(
    session: AwsSession,
    environment: Environment,
    *,
    managed: Collection[str] = (),
    only: Collection[str] = (),
    bounded: bool = False,
) -> Reconciliations:
    """Repositories of the cache that differ from their template; `only` names some, `bounded` looks at the first many.

    What this environment declares itself is left out, and `managed`, which others do. Raises what AWS refuses.
    """
    wanted = settings_by_prefix(environment)
    if not wanted:
        return Reconciliations()
    own = frozenset((*environment.own_repository_names, *managed))
    rules_scan = environment.registry_scanning is not None
    with explained(session, "ecr"):
        described = list(_described(session, wanted, own, only, pages=PLANNED_PAGES if bounded else None))
    # Two calls for each: the policy and the tags.
    read = len(described) if not bounded else min(len(described), PLANNED_POLICIES)

    def look(item: tuple[int, str, dict[str, Any]]) -> Reconciliation | None:
        index, prefix, repository = item
        standing = standing_repository(session, prefix, repository, whole=index < read)
        scanned_here = prefix in environment.mirrors and not rules_scan
        return None if standing is None else reconcile(standing, wanted[prefix], scanned_here=scanned_here)

    items = [(index, *each) for index, each in enumerate(described)]
    with explained(session, "ecr"), ThreadPoolExecutor(max_workers=POOL) as pool:
        found = [each for each in pool.map(look, items) if each is not None]
    return Reconciliations(
        tuple(sorted(found, key=lambda each: each.name)), unread=len(described) - read, looked_at=len(described)
    )


def set_differences(session: AwsSession, change: Reconciliation) -> None:
    """Set what can be set of one repository. Raises what AWS refuses; what was set before that stays."""
    ecr: Any = session.client("ecr")
    name, wanted = change.name, change.wanted
    calls: dict[str, Callable[[], Any]] = {
        MUTABILITY: lambda: ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability=wanted.mutability),
        SCANNING: lambda: ecr.put_image_scanning_configuration(
            repositoryName=name, imageScanningConfiguration={"scanOnPush": wanted.scan_on_push}
        ),
        POLICY: lambda: (
            ecr.delete_repository_policy(repositoryName=name)
            if change.policy is None
            else ecr.set_repository_policy(repositoryName=name, policyText=json.dumps(change.policy))
        ),
        TAGS: lambda: ecr.tag_resource(
            resourceArn=_arn(session, name), tags=[{"Key": key, "Value": value} for key, value in change.tags.items()]
        ),
    }
    for setting in change.settable:
        with explained(session, "ecr"):
            calls[setting]()


def _described(
    session: AwsSession,
    wanted: Collection[str],
    own: Collection[str],
    only: Collection[str],
    *,
    pages: int | None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(prefix, repository as DescribeRepositories has it)."""
    paginator: Any = session.client("ecr").get_paginator("describe_repositories")
    for page in islice(paginator.paginate(PaginationConfig={"PageSize": PAGE}), pages):
        for repository in page["repositories"]:
            name = repository["repositoryName"]
            prefix = prefix_of(name, wanted)
            if prefix is not None and name not in own and (not only or name in only):
                yield prefix, repository


def standing_repository(
    session: AwsSession, prefix: str, repository: dict[str, Any], *, whole: bool
) -> StandingRepository | None:
    """A repository that DescribeRepositories gave, `whole` with its policy and tags. None when it went away meanwhile."""
    ecr: Any = session.client("ecr")
    name = repository["repositoryName"]
    policy: str | None = None
    tags: dict[str, str] | None = None
    if whole:
        try:
            answer = found_or_none(session, "ecr", lambda: ecr.get_repository_policy(repositoryName=name))
            policy = "" if answer is None else answer["policyText"]
            listed = ecr.list_tags_for_resource(resourceArn=_arn(session, name))["tags"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        tags = {each["Key"]: each["Value"] for each in listed}
    encryption = repository.get("encryptionConfiguration") or {}
    return StandingRepository(
        name,
        prefix,
        repository.get("imageTagMutability", "MUTABLE"),
        bool((repository.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        encryption.get("kmsKey") if encryption.get("encryptionType", "AES256") != "AES256" else None,
        policy,
        tags,
    )


def _arn(session: AwsSession, name: str) -> str:
    return f"arn:{session.partition}:ecr:{session.region}:{session.account_id}:repository/{name}"
