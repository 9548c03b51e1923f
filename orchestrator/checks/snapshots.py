"""Checks of who writes which snapshot into the records of one registry, and whether its owner waits for it.

The lifecycle manager deletes what no snapshot names. One that is overwritten, that nobody asks for or that is always
too old is a running image that expires. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from orchestrator.checks.environments import Find, by_registry, problem_of
from orchestrator.checks.problem import Problem
from orchestrator.environment.function_parts import UsageSettings
from orchestrator.environment.model import Environment
from orchestrator.environment.schedules import enough_hours, hours_of, is_tight, longest_gap
from orchestrator.environment.tfvars import Path

_NAME: Path = ("lifecycle_manager", "usage", "snapshot_name")


def check_snapshots(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """What would delete images that run, or keep every image for good."""
    for group in by_registry(environments).values():
        owner = _manager(group)
        yield from _same_names(group, owner, find)
        if owner is None or owner.lifecycle_manager is None:
            continue
        for environment in group:
            if environment is owner:
                continue
            if owner.lifecycle_manager.clusters and _uses_caches(environment):
                yield from _undeclared(environment, owner, owner.lifecycle_manager.clusters, find)
            yield from _elsewhere(environment, owner, find)
            yield from _too_rare(environment, owner, owner.lifecycle_manager.snapshot_max_age_hours, find)


def warn_of_snapshots(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """Clusters whose images are judged by pull times alone, because the owner declares none, and who may not write."""
    for group in by_registry(environments).values():
        owner = _manager(group)
        if owner is None or owner.lifecycle_manager is None:
            continue
        for environment in group:
            if environment is owner:
                continue
            if not owner.lifecycle_manager.clusters and _uses_caches(environment):
                yield from _undeclared(environment, owner, (), find)
            yield from _not_admitted(environment, owner, owner.lifecycle_manager.snapshot_writers, find)
            yield from _tight(environment, owner, owner.lifecycle_manager.snapshot_max_age_hours, find)


def _usage(environment: Environment) -> UsageSettings | None:
    return environment.lifecycle_manager.usage if environment.lifecycle_manager else None


def _manager(group: Sequence[Environment]) -> Environment | None:
    """The environment whose function keeps the registry small, the first when several say so."""
    return next((environment for environment in group if "lifecycle_manager" in environment.functions), None)


def _uses_caches(environment: Environment) -> bool:
    """Does the environment's cluster pull what the function may delete? Own repositories and mirrors are left alone."""
    return bool(environment.pull_through_cache_rules)


def _name_path(environment: Environment) -> Path:
    usage = _usage(environment)
    return _NAME if usage and usage.snapshot_name else ("cluster_name",)


def _same_names(group: Sequence[Environment], owner: Environment | None, find: Find) -> Iterable[Problem]:
    seen: dict[str, Environment] = {}
    for environment in group:
        if _usage(environment) is None and not (owner and _uses_caches(environment)):
            continue
        first = seen.setdefault(environment.snapshot_name, environment)
        if first is environment or _one_writer_of_one_cluster(environment, first):
            continue
        name = environment.snapshot_name
        yield problem_of(
            find,
            environment,
            _name_path(environment),
            f'The snapshot of "{environment.name}" is called "{name}", and so is that of "{first.name}" '
            f"({find(first.name, _name_path(first))}): both are {environment.snapshot_place}.",
            "One overwrites the other, and what only the first cluster runs may be deleted.",
            f'Give one a name of its own, such as usage = {{ snapshot_name = "{environment.name}" }} in '
            f'lifecycle_manager of "{environment.name}".',
        )


def _one_writer_of_one_cluster(one: Environment, other: Environment) -> bool:
    """Two environments may be of one cluster, which is unique in account and region; one of them writes its snapshot."""
    same = (one.account_id, one.aws_region, one.cluster_name) == (
        other.account_id,
        other.aws_region,
        other.cluster_name,
    )
    return same and (_usage(one) is None) != (_usage(other) is None)


def _undeclared(environment: Environment, owner: Environment, clusters: Sequence[str], find: Find) -> Iterable[Problem]:
    name = environment.snapshot_name
    if name in clusters:
        return
    writes = "" if _usage(environment) else f', and give "{environment.name}" lifecycle_manager.usage'
    listed = f"which names {', '.join(clusters)}" if clusters else "which names none"
    yield problem_of(
        find,
        environment,
        _name_path(environment),
        f'"{name}", the cluster of "{environment.name}", is not among lifecycle_manager.clusters of "{owner.name}" '
        f"({find(owner.name, ('lifecycle_manager', 'clusters'))}), {listed}.",
        "Its images expire there whether its snapshot was written or not."
        if clusters
        else "Pull times alone decide there: an image that runs for longer than its retention may be deleted.",
        f'Add "{name}" to lifecycle_manager.clusters of "{owner.name}"{writes}.',
    )


def _elsewhere(environment: Environment, owner: Environment, find: Find) -> Iterable[Problem]:
    if _usage(environment) is None or environment.lifecycle_bucket == owner.lifecycle_bucket:
        return
    yield problem_of(
        find,
        environment,
        ("lifecycle_manager", "bucket_name"),
        f'"{environment.name}" writes its snapshot to {environment.lifecycle_bucket}, but the records of '
        f'"{owner.name}" are in {owner.lifecycle_bucket} ({find(owner.name, ("lifecycle_manager", "bucket_name"))}).',
        "Nobody would read it, and a declared cluster without snapshot stops the expiry of the whole registry.",
        f'Write bucket_name = "{owner.lifecycle_bucket}" in lifecycle_manager of "{environment.name}".',
    )


def _not_admitted(
    environment: Environment, owner: Environment, writers: Mapping[str, str], find: Find
) -> Iterable[Problem]:
    """The bucket's policy admits roles of other accounts by their ARN."""
    if _usage(environment) is None or environment.account_id == owner.account_id:
        return
    name = environment.snapshot_name
    role = f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.usage_role_name}"
    if writers.get(name) == role:
        return
    given = f"names {writers[name]} for it" if name in writers else "does not name it"
    yield problem_of(
        find,
        environment,
        ("lifecycle_manager", "usage"),
        f'"{environment.name}" writes its snapshot "{name}" as {role}, but lifecycle_manager.snapshot_writers of '
        f'"{owner.name}" {given} ({find(owner.name, ("lifecycle_manager", "snapshot_writers"))}).',
        "The bucket is another account's, whose policy admits roles by their ARN.",
        f'Write "{name}" = "{role}" there.',
    )


def _too_rare(environment: Environment, owner: Environment, hours: int, find: Find) -> Iterable[Problem]:
    """The owner's limit holds for every cluster's snapshot; its own is checked with its file."""
    gap = _gap(environment)
    if gap and gap > timedelta(hours=hours):
        yield _of_schedule(
            environment,
            owner,
            gap,
            find,
            "A snapshot that is too old stops the expiry of the whole registry.",
            'Write it more often, such as "17 * * * *", or raise snapshot_max_age_hours there.',
        )


def _tight(environment: Environment, owner: Environment, hours: int, find: Find) -> Iterable[Problem]:
    """Often enough, unless one run of the CronJob fails."""
    gap = _gap(environment)
    if gap and gap <= timedelta(hours=hours) and is_tight(gap, hours):
        yield _of_schedule(
            environment,
            owner,
            gap,
            find,
            "When one run of the CronJob fails or is late, nothing expires in the whole registry and its alarm rings.",
            f"Write it more often, or raise snapshot_max_age_hours there to {enough_hours(gap)}.",
        )


def _gap(environment: Environment) -> timedelta | None:
    """The longest time between two snapshots of the environment's cluster; None where it writes none."""
    usage = _usage(environment)
    return longest_gap(usage.schedule) if usage else None


def _of_schedule(
    environment: Environment, owner: Environment, gap: timedelta, find: Find, why: str, remedy: str
) -> Problem:
    usage, manager = _usage(environment), owner.lifecycle_manager
    assert usage is not None
    assert manager is not None
    return problem_of(
        find,
        environment,
        ("lifecycle_manager", "usage", "schedule"),
        f'lifecycle_manager.usage.schedule of "{environment.name}" is "{usage.schedule}", with up to '
        f'{hours_of(gap)} between two snapshots; "{owner.name}" takes them for '
        f"{manager.snapshot_max_age_hours} hours ({find(owner.name, ('lifecycle_manager', 'snapshot_max_age_hours'))}).",
        why,
        remedy,
    )
