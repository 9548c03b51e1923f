"""Repositories of one environment below a cache that the lifecycle manager of another keeps small. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.checks.environments import Find, by_registry, problem_of
from orchestrator.checks.problem import Problem
from orchestrator.environment.function_parts import LifecycleManager
from orchestrator.environment.model import Environment
from orchestrator.lifecycle.patterns import holds
from orchestrator.lifecycle.upstream_names import longest_prefix


def warn_of_repositories(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """What another environment declares: the manager knows its own environment's repositories alone."""
    for registry, group in by_registry(environments).items():
        for owner in group:
            manager = owner.lifecycle_manager
            if manager is None or "lifecycle_manager" not in owner.functions:
                continue
            for environment in environments:
                here = (environment.account_id, environment.aws_region) == (registry.account, registry.region)
                if here and environment is not owner:
                    yield from _unknown(environment, owner, manager, find)


def _unknown(environment: Environment, owner: Environment, manager: LifecycleManager, find: Find) -> Iterator[Problem]:
    for name in environment.own_repository_names:
        rule = longest_prefix(name, owner.pull_through_cache_rules)
        if rule is None or any(holds(pattern, name) for pattern in _protected(manager, name)):
            continue
        yield problem_of(
            find,
            environment,
            environment.repository_path(name),
            f'The repository "{name}" of "{environment.name}" lies below the rule "{rule}" of "{owner.name}", whose '
            "lifecycle manager takes it for a cache.",
            "It expires what the upstream has as well, protected or not.",
            f'Give it a name outside the cache, or add "{name}" to lifecycle_manager.retention.protect.repositories of '
            f'"{owner.name}".',
        )


def _protected(manager: LifecycleManager, name: str) -> Iterator[str]:
    """The patterns of the retention that protect repositories, those of overrides where the override is about `name`."""
    retention = manager.retention
    if retention is None:
        return
    for protect in (retention.protect, *(each.protect for each in retention.overrides if holds(each.pattern, name))):
        if protect is not None:
            yield from protect.repositories
