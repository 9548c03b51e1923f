"""Checks that need several environments: what one account and region, one state or one VPC can hold only once.

Pure; problems carry the file of the environment that comes second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.checks.environments import Find, by_registry, file_of, problem_of
from orchestrator.checks.others_caches import warn_of_repositories
from orchestrator.checks.problem import Problem
from orchestrator.checks.snapshots import check_snapshots, warn_of_snapshots
from orchestrator.environment.model import Environment
from orchestrator.environment.parts import PullThroughCacheRule
from orchestrator.environment.tfvars import Path
from orchestrator.lifecycle.ports import ROOT


def check_across(environments: Sequence[Environment], where: Find | None = None) -> list[Problem]:
    """Everything about `environments` that no single one of them shows; without `where` problems name the file only."""
    find = where or file_of
    ordered = sorted(environments, key=lambda environment: environment.name)
    problems = [
        *_check_states(ordered, find),
        *_check_owners(ordered, find),
        *_check_routes(ordered, find),
        *_check_repositories(ordered, find),
        *_check_endpoints(ordered, find),
        *_check_roles(ordered, find),
        *_check_node_policies(ordered, find),
        *_check_attachments(ordered, find),
        *check_snapshots(ordered, find),
    ]
    return sorted(problems, key=lambda problem: problem.sort_key)


def warn_across(environments: Sequence[Environment], where: Find | None = None) -> list[Problem]:
    """What is allowed between `environments`, but hardly meant."""
    ordered = sorted(environments, key=lambda environment: environment.name)
    find = where or file_of
    problems = [*warn_of_snapshots(ordered, find), *warn_of_repositories(ordered, find)]
    return sorted(problems, key=lambda problem: problem.sort_key)


def _check_states(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    seen: dict[tuple[str, str], Environment] = {}
    for environment in environments:
        if environment.state is None:
            continue
        place = (environment.state.bucket, environment.state_key)
        first = seen.setdefault(place, environment)
        if first is not environment:
            yield problem_of(
                find,
                environment,
                ("state",),
                f'"{environment.name}" keeps its state in s3://{place[0]}/{place[1]}, and so does "{first.name}".',
                "One would destroy what the other created.",
                "Remove state.key: by default each environment has its own.",
            )


def _check_owners(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    for registry, group in by_registry(environments).items():
        owners = [environment for environment in group if environment.owns_registry]
        for environment in owners[1:]:
            yield problem_of(
                find,
                environment,
                ("manage_registry",),
                f'"{environment.name}" and "{owners[0].name}" both manage the registry of {registry.account} in {registry.region}.',
                "Rules, templates and registry settings belong to an account and region, and have one owner.",
                f'Set manage_registry = false in one of them, such as "{environment.name}".',
            )


def _check_routes(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    for registry, group in by_registry(environments).items():
        owners = [environment for environment in group if environment.owns_registry]
        others = [environment for environment in group if not environment.owns_registry]
        if owners:
            # With two owners the first stands for both; that there are two is a problem of its own.
            for environment in others:
                yield from _check_against_owner(environment, owners[0], find)
                yield from _check_consumer(environment, owners[0], find)
        else:
            local = [environment for environment in others if not environment.uses_central_registry]
            for environment in local:
                if environment.pull_through_cache_rules:
                    yield problem_of(
                        find,
                        environment,
                        ("pull_through_cache_rules",),
                        f'Nobody creates the rules of "{environment.name}": '
                        f"no environment manages the registry of account {registry.account} in {registry.region}.",
                        "An environment with manage_registry = false only uses the rules of the owner.",
                        "Set manage_registry = true in one environment of that account and region.",
                    )
        yield from _check_same_meaning(group, find)


def _check_against_owner(environment: Environment, owner: Environment, find: Find) -> Iterable[Problem]:
    for prefix, rule in environment.pull_through_cache_rules.items():
        theirs = owner.pull_through_cache_rules.get(prefix)
        path: Path = ("pull_through_cache_rules", prefix)
        if theirs is None:
            yield problem_of(
                find,
                environment,
                path,
                f'"{environment.name}" uses the rule "{prefix}", which "{owner.name}" does not have.',
                f'"{owner.name}" manages the registry, so only its rules exist.',
                f'Add the rule to "{owner.name}".',
            )
        elif _meaning(rule) != _meaning(theirs):
            yield problem_of(
                find,
                environment,
                path,
                f'"{environment.name}" and "{owner.name}" define the rule "{prefix}" differently: '
                f"{_difference(rule, theirs)}.",
                f'"{owner.name}" manages the registry, so its definition is the one that exists.',
                "Write the same in both, or use a prefix of its own.",
            )


def _check_consumer(environment: Environment, owner: Environment, find: Find) -> Iterable[Problem]:
    account = environment.account_id
    if account != owner.account_id and account not in owner.registry_consumer_account_ids:
        yield problem_of(
            find,
            environment,
            ("registry_account_id",),
            f'"{environment.name}" pulls from the registry of "{owner.name}", which does not admit account {account}.',
            "The registry policy admits the accounts in registry_consumer_account_ids.",
            f'Add "{account}" to registry_consumer_account_ids of "{owner.name}".',
        )


def _meaning(rule: PullThroughCacheRule) -> tuple[object, ...]:
    # The parts that narrow the route (source) and that only the owner needs (credentials, template) may differ.
    return (rule.upstream_registry_url, rule.upstream_repository_prefix)


def _difference(one: PullThroughCacheRule, other: PullThroughCacheRule) -> str:
    for key in ("upstream_registry_url", "upstream_repository_prefix"):
        mine, theirs = getattr(one, key), getattr(other, key)
        if mine != theirs:
            return f"{key} is {mine or 'not set'} and {theirs or 'not set'}"
    return "they differ"


def _check_same_meaning(group: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """Prefixes are one namespace in a registry: the same or nested ones must mean the same to everybody."""
    claims: list[tuple[Environment, str, str, str]] = []
    for environment in group:
        for prefix, rule in environment.pull_through_cache_rules.items():
            claims.append((environment, "rule", prefix, rule.upstream_registry_url))
        for prefix, mirror in environment.mirrors.items():
            claims.append((environment, "mirror", prefix, mirror.source))
    for index, (environment, kind, prefix, source) in enumerate(claims):
        for other, other_kind, other_prefix, other_source in claims[:index]:
            if environment is other or ROOT in {prefix, other_prefix}:
                continue
            if prefix == other_prefix and kind == other_kind and (kind == "rule" or source == other_source):
                # Two rules are compared with the owner's.
                continue
            if f"{prefix}/".startswith(f"{other_prefix}/") or f"{other_prefix}/".startswith(f"{prefix}/"):
                variable = "pull_through_cache_rules" if kind == "rule" else "mirrors"
                yield problem_of(
                    find,
                    environment,
                    (variable, prefix),
                    f'The {kind} "{prefix}" ({source}) of "{environment.name}" and the {other_kind} "{other_prefix}" '
                    f'({other_source}) of "{other.name}" share repositories of one registry.',
                    "A repository there could come from either.",
                    "Give them prefixes of their own, or write the same in both.",
                )
                break


def _check_repositories(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    seen: dict[tuple[str, str, str], Environment] = {}
    for environment in environments:
        for name in environment.own_repository_names:
            first = seen.setdefault((environment.account_id, environment.aws_region, name), environment)
            if first is not environment:
                yield problem_of(
                    find,
                    environment,
                    environment.repository_path(name),
                    f'"{environment.name}" and "{first.name}" both create the repository "{name}" '
                    f"in account {environment.account_id}, {environment.aws_region}.",
                    "A repository can be created once.",
                    "Rename one, or let one environment create it and the other use it.",
                )


def _check_endpoints(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    seen: dict[tuple[str, str, str], Environment] = {}
    for environment in environments:
        if not environment.create_vpc_endpoints or environment.vpc_id is None:
            continue
        place = (environment.account_id, environment.aws_region, environment.vpc_id)
        first = seen.setdefault(place, environment)
        if first is not environment:
            yield problem_of(
                find,
                environment,
                ("vpc_id",),
                f'"{environment.name}" and "{first.name}" both create ECR endpoints in {environment.vpc_id}.',
                "A VPC takes one endpoint with private DNS for each service.",
                f'Set create_vpc_endpoints = false in one of them, such as "{environment.name}".',
            )


def _check_roles(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    seen: dict[tuple[str, str], Environment] = {}
    for environment in environments:
        for path, name in _own_roles(environment):
            # IAM compares names without case, and knows no regions.
            first = seen.setdefault((environment.account_id, name.lower()), environment)
            if first is not environment:
                yield problem_of(
                    find,
                    environment,
                    path,
                    f'"{environment.name}" and "{first.name}" both create the role "{name}" '
                    f"in account {environment.account_id}.",
                    "Role names are unique in an account, whatever the region.",
                    {
                        "push_roles": "Rename one.",
                        "mirror_queue": "Set mirror_queue.name in one of them.",
                        "image_swapper": "Set image_swapper.name in one of them.",
                    }.get(str(path[0]), "Set lifecycle_manager.usage.role_name in one of them."),
                )


def _own_roles(environment: Environment) -> Iterable[tuple[Path, str]]:
    for name in environment.push_roles:
        yield ("push_roles", name), name
    usage = environment.lifecycle_manager and environment.lifecycle_manager.usage
    if usage:
        yield ("lifecycle_manager", "usage", *(("role_name",) if usage.role_name else ())), environment.usage_role_name
    if environment.shares_copies:
        # Queue and table are called as the role is, so that this is about them, too.
        named = environment.mirror_queue and environment.mirror_queue.name
        yield ("mirror_queue", *(("name",) if named else ())), environment.mirror_worker_role_name
    if environment.shares_swaps:
        own_name = environment.image_swapper and environment.image_swapper.name
        yield ("image_swapper", *(("name",) if own_name else ())), environment.image_swapper_role_name


def _node_roles(environment: Environment) -> Iterable[tuple[Path, str]]:
    for variable in ("node_role_names", "fargate_execution_role_names"):
        for index, name in enumerate(getattr(environment, variable)):
            yield (variable, index), name
    if environment.worker_role_prefix is not None:
        yield ("worker_role_prefix",), f"{environment.worker_role_prefix}-Worker-Role"
    for pool, settings in environment.machine_pools.items():
        if settings.attach_ecr_policy:
            yield ("machine_pools", pool), settings.instance_profile


def _check_node_policies(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """Node access is an inline policy named after the cluster: on one role, two of one name overwrite each other."""
    seen: dict[tuple[str, str, str], Environment] = {}
    for environment in environments:
        if not environment.attach_ecr_policy:
            continue
        for path, role in _node_roles(environment):
            first = seen.setdefault((environment.account_id, role.lower(), environment.cluster_name), environment)
            if first is not environment:
                yield problem_of(
                    find,
                    environment,
                    path,
                    f'"{environment.name}" and "{first.name}" both give {role} the policy of the cluster '
                    f'"{environment.cluster_name}".',
                    "One would overwrite the other, and a destroy of one take it away from both.",
                    "Set attach_ecr_policy = false in one of them, or correct cluster_name.",
                )


def _check_attachments(environments: Sequence[Environment], find: Find) -> Iterable[Problem]:
    """AWS's pull policy is on a role or it is not. Of two environments that attach it, the first to go takes it away."""
    seen: dict[tuple[str, str], Environment] = {}
    for environment in environments:
        if not environment.attaches_managed_policy:
            continue
        for path, role in _node_roles(environment):
            first = seen.setdefault((environment.account_id, role.lower()), environment)
            if first is not environment:
                yield problem_of(
                    find,
                    environment,
                    path,
                    f'"{environment.name}" and "{first.name}" both attach AmazonEC2ContainerRegistryReadOnly to {role}.',
                    "An attachment has one owner: a destroy of one would take it away from both.",
                    f'Set attach_managed_policy = false in one of them, such as "{environment.name}".',
                )
