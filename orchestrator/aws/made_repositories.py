"""Repositories that the webhook made get the settings that it would make them with now. Those of others are left alone.

A tag says which it made. Nothing is deleted: a policy that no setting names any more stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.aws.inventory import PAGE
from orchestrator.aws.standing_repositories import set_differences, standing_repository
from orchestrator.aws.translation import explained, found_or_none
from orchestrator.lifecycle.native_policy import same_policy
from orchestrator.mirroring.reconciliation import POLICY, StandingRepository, reconcile
from orchestrator.mirroring.repository import CROSS_ACCOUNT_SID, RepositorySettings

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

MADE_BY = "swapper.orchestrator/made-by"
LIFECYCLE_POLICY = "lifecycle policy"


def marked(settings: RepositorySettings, maker: str) -> RepositorySettings:
    """The settings of a repository that is made now: it says by whom."""
    return replace(settings, tags={**settings.tags, MADE_BY: maker})


def set_made(
    session: AwsSession, maker: str, settings_of: Callable[[str], RepositorySettings | None], *, scans: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(repository, what was set) of those that `maker` made and that differed; `settings_of` is None for what it makes none of.

    `scans` is false where the registry has scanning rules: AWS takes no setting of a repository then. Raises
    OrchestratorError for what AWS refuses; those before it are set.
    """
    ecr: Any = session.client("ecr")
    with explained(session, "ecr"):
        pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": PAGE}))
    for repository in (each for page in pages for each in page["repositories"]):
        settings = settings_of(repository["repositoryName"])
        if settings is None:
            continue
        changed = _set_one(session, repository, marked(settings, maker), scans=scans)
        if changed:
            yield repository["repositoryName"], changed


def _set_one(
    session: AwsSession, repository: dict[str, Any], settings: RepositorySettings, *, scans: bool
) -> tuple[str, ...]:
    with explained(session, "ecr"):
        standing = standing_repository(session, "", repository, whole=True)
    if standing is None or (standing.tags or {}).get(MADE_BY) != settings.tags[MADE_BY]:
        return ()
    changed: tuple[str, ...] = ()
    if settings.policy and CROSS_ACCOUNT_SID not in settings.policy:
        # A configuration file's own policy is the whole document.
        changed = _whole_policy(session, standing, settings.policy)
        standing = replace(standing, policy=None)
    found = reconcile(standing, settings, scanned_here=scans)
    if found is not None and found.policy is None:
        found = replace(found, differences=tuple(one for one in found.differences if one.setting != POLICY))
    if found is not None and found.settable:
        set_differences(session, found)
        changed = (*changed, *found.settable)
    return (*changed, *_lifecycle(session, standing.name, settings.lifecycle_policy))


def _whole_policy(session: AwsSession, standing: StandingRepository, wanted: str) -> tuple[str, ...]:
    if same_policy(standing.policy or "", wanted):
        return ()
    ecr: Any = session.client("ecr")
    with explained(session, "ecr"):
        ecr.set_repository_policy(repositoryName=standing.name, policyText=wanted)
    return (POLICY,)


def _lifecycle(session: AwsSession, name: str, wanted: str) -> tuple[str, ...]:
    if not wanted:
        return ()
    ecr: Any = session.client("ecr")
    with explained(session, "ecr"):
        answer = found_or_none(session, "ecr", lambda: ecr.get_lifecycle_policy(repositoryName=name))
        if answer is not None and same_policy(answer["lifecyclePolicyText"], wanted):
            return ()
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=wanted)
    return (LIFECYCLE_POLICY,)
