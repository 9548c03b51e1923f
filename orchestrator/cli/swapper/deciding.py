"""What decides, from NAME, FILE or both: the rules of the webhook, and how it behaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.project_option import open_project
from orchestrator.cli.swapper.config_file import load_settings
from orchestrator.cli.swapper.swap_copies import CopyHome, SharedPlaces
from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.upstream_names import longest_prefix
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.review import SwapRules
from orchestrator.swapper.swap_settings import SwapSettings, SwapSource
from orchestrator.workloads.stays import LeftAlone, left_alone

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws
    from orchestrator.routes.table import RouteTable


@dataclass(frozen=True, slots=True)
class WebhookPlan:
    """The rules, how the webhook behaves, and where copies go (None where nothing is mirrored)."""

    rules: SwapRules
    settings: SwapSettings
    home: CopyHome | None


@dataclass(frozen=True, slots=True)
class _FileTarget:
    """What a session needs to know of a FILE's target."""

    name: str
    account_id: str
    aws_region: str
    assume_role_arn: str | None
    aws_profile: str | None = None


def decide_by(
    ctx: click.Context,
    name: str | None,
    config: Path | None,
    given: Mapping[str, Any],
    *,
    state_dir: Path | None,
    local: bool,
) -> WebhookPlan:
    """The rules and settings of NAME and FILE. Raises RefusedInput where they contradict, or say too little.

    A FILE with a target stands alone. Without one, and without FILE, a project's only environment needs no NAME.
    `given` are options of the command, which win over FILE.
    """
    settings = replace(load_settings(config) if config else SwapSettings(), **given)
    _require_pair(settings)
    if name is None and config is not None and not _means_environment(ctx, settings):
        if local:
            raise RefusedInput(
                "--local needs an environment.", why="The embedded AWS is a project's.", remedy="Name it."
            )
        return _by_file(settings, str(config), state_dir)
    project = open_project(ctx)
    return _by_environment(project, name or _only_environment(project), settings, state_dir, local=local)


def _means_environment(ctx: click.Context, settings: SwapSettings) -> bool:
    """Whether a FILE without NAME needs the project's only environment: it says no target itself."""
    target = settings.target
    if target is not None and target.account and target.region:
        return False
    try:
        return len(open_project(ctx).environment_names()) == 1
    except RefusedInput:
        return False


def _require_pair(settings: SwapSettings) -> None:
    if (settings.tls_cert_file is None) != (settings.tls_key_file is None):
        raise RefusedInput(
            "A certificate comes with its key.", remedy="Give both --tls-cert-file and --tls-key-file, or none."
        )


def _shared(settings: SwapSettings) -> SharedPlaces | None:
    """What the file says that replicas share. Raises RefusedInput where it says only one half."""
    if (settings.queue, settings.state) == ("memory", "sqlite"):
        return None
    if settings.queue != "sqs" or settings.state != "dynamodb":
        key, value, other = (
            ("queue", "sqs", "state: dynamodb with tableName")
            if settings.queue == "sqs"
            else ("state", "dynamodb", "queue: sqs with queueUrl")
        )
        raise RefusedInput(
            f"{key} is {value}, and the other half is missing.",
            where=settings.said.get(key),
            why="The queue says what may be copied, the table who does it: each image is copied once by both together.",
            remedy=f"Write {other} beside it.",
        )
    return SharedPlaces(settings.queue_url or "", settings.table_name or "")


def _by_file(settings: SwapSettings, file: str, state_dir: Path | None) -> WebhookPlan:
    from orchestrator.swapper.swap_targets import left_by_file, open_table

    table, target = open_table(settings, file), settings.target
    assert target is not None
    if settings.pull_through_policy != "redirect":
        raise RefusedInput(
            f"pullThroughPolicy is {settings.pull_through_policy}, and no rule pulls anything through.",
            where=settings.said.get("pullThroughPolicy"),
            why="The file alone decides here: it knows copies only.",
            remedy="Name the environment that has the rules: `orchestrator swapper serve NAME --config FILE`.",
        )
    wanted = _FileTarget(file, target.account, target.region, target.role or None)
    made = RepositorySettings(
        mutability=target.repository.image_tag_mutability,
        scan_on_push=target.repository.scan_on_push,
        kms_key_arn=target.repository.kms_key if target.repository.encryption_type == "KMS" else None,
        tags=dict(target.repository.tags),
        policy=target.repository.access_policy,
        lifecycle_policy=target.repository.lifecycle_policy,
    )

    def session() -> AwsSession:
        from orchestrator.aws.session import open_session

        return open_session(wanted)

    folder = state_dir or Path(".orchestrator") / "swapper"
    home = CopyHome(
        target.registry,
        session,
        lambda _: made,
        folder,
        shared=_shared(settings),
        sources=source_roles(settings, file),
        maker="image-swapper by a file",
        makes=lambda name: longest_prefix(name, {target.prefix}) is not None,
    )
    return WebhookPlan(_rules(table, left_by_file(), settings), settings, home)


def _by_environment(
    project: Project, name: str, settings: SwapSettings, state_dir: Path | None, *, local: bool
) -> WebhookPlan:
    from orchestrator.cli.project_session import embedded_aws, project_session
    from orchestrator.cli.route import load_routes

    environment: Environment = load_routes(project, name)
    if settings.said:
        from orchestrator.swapper.reconcile import reconcile

        settings = reconcile(settings, environment)
    alone = left_alone(environment.exclude_namespaces, environment.exclude_pods, None)
    table = build_route_table(environment)
    rules = _rules(table, alone, settings)
    if not any(route.kind in rules.looked_at for route in table.routes):
        return WebhookPlan(rules, settings, None)

    reached = _with_role(environment, settings)
    lifecycle_policy = settings.target.repository.lifecycle_policy if settings.target is not None else ""
    for missing in missing_rights(environment, settings):
        messages.warn(missing, environment=name)
    home = CopyHome(
        environment.registry,
        lambda: project_session(project, reached, local=local),
        partial(_settings_of, environment, table, lifecycle_policy),
        state_dir or queue_folder(project, name, local=local),
        writes=not environment.uses_central_registry,
        cached=partial(_is_cached, table),
        shared=_shared_by(environment, settings),
        sources=source_roles(settings, name, lambda: embedded_aws(project, local=local)),
        makes=partial(_is_mirrored, table, frozenset(environment.own_repository_names)),
        scans=environment.registry_scanning is None,
    )
    return WebhookPlan(rules, settings, home)


def source_roles(
    settings: SwapSettings, name: str, local: Callable[[], LocalAws | None] = lambda: None
) -> dict[str, Callable[[], AwsSession]]:
    """{host: a session of the role that the file names for this source}; the role is assumed at the first use."""

    def opened(source: SwapSource) -> AwsSession:
        from orchestrator.aws.session import open_session

        return open_session(_FileTarget(name, source.account, source.region, source.role), local=local())

    return {source.host: cache(partial(opened, source)) for source in settings.source_registries if source.role}


def _shared_by(environment: Environment, settings: SwapSettings) -> SharedPlaces | None:
    """What the environment makes, else what the file says; deletions are told by the environment's queue alone."""
    told = _shared(settings)
    if not environment.shares_swaps:
        return told
    name = environment.image_swapper_name
    made = SharedPlaces(environment.queue_url(name), name, environment.queue_url(f"{name}-deletions"))
    for key, said, wanted in (
        ("queueUrl", settings.queue_url, made.queue_url),
        ("tableName", settings.table_name, made.table),
    ):
        if said is not None and said != wanted:
            raise RefusedInput(
                f"{key} is {said}, and image_swapper of environment {environment.name} makes {wanted}.",
                where=settings.said.get(key),
                why="A setting that the file and the environment both have must be the same.",
                remedy=f"Remove {key} from the file, or correct one of them.",
            )
    return made


def _with_role(environment: Environment, settings: SwapSettings) -> Environment:
    """The environment with the file's role, where it names none. Raises RefusedInput where it names another."""
    role = settings.target.role if settings.target is not None else ""
    if not role or role == environment.assume_role_arn:
        return environment
    if environment.assume_role_arn is None:
        return environment.model_copy(update={"assume_role_arn": role})
    raise RefusedInput(
        f"target.aws.role is {role}, and assume_role_arn of environment {environment.name} is {environment.assume_role_arn}.",
        where=settings.said.get("target.aws.role"),
        why="A setting that the file and the environment both have must be the same.",
        remedy="Remove target.aws.role from the file, or correct one of them.",
    )


def _settings_of(
    environment: Environment, table: RouteTable, lifecycle_policy: str, repository: str
) -> RepositorySettings:
    return replace(settings_of_repository(environment, table, repository), lifecycle_policy=lifecycle_policy)


def missing_rights(environment: Environment, settings: SwapSettings) -> list[str]:
    """What the role of `image_swapper.pods` may not do although these settings want it, with the remedy."""
    made = environment.image_swapper
    if made is None or made.pods is None:
        return []
    lifecycle_policy = settings.target.repository.lifecycle_policy if settings.target is not None else ""
    wanted = {
        "first_pulls": (settings.pull_through_policy != "redirect" and not made.first_pulls, "make first pulls"),
        "lifecycle_policies": (bool(lifecycle_policy) and not made.lifecycle_policies, "put lifecycle policies"),
    }
    return [
        f"The role of image_swapper.pods may not {what}. Set image_swapper.{key} = true and apply it."
        for key, (lacks, what) in wanted.items()
        if lacks
    ]


def _is_mirrored(table: RouteTable, declared: frozenset[str], repository: str) -> bool:
    route = table.route_of(repository)
    return route is not None and route.kind == "mirror" and repository not in declared


def _is_cached(table: RouteTable, repository: str) -> bool:
    route = table.route_of(repository)
    return route is not None and route.kind == "pull-through"


def queue_folder(project: Project, name: str, *, local: bool) -> Path:
    """Where the webhook of an environment keeps its queue unless it is told."""
    return project.own_folder("swapper", name, local=local)


def _rules(table: RouteTable, alone: LeftAlone, settings: SwapSettings) -> SwapRules:
    return SwapRules(
        table,
        alone,
        filters=settings.filters,
        looked_at=frozenset({"mirror"} if settings.pull_through_policy == "redirect" else {"mirror", "pull-through"}),
        dry_run=settings.dry_run,
    )


def _only_environment(project: Project) -> str:
    names = project.environment_names()
    if len(names) == 1:
        return names[0]
    raise RefusedInput(
        "Which environment is meant?",
        why=f"The project has {len(names)}: {', '.join(names) or 'none'}.",
        remedy="Name it: `orchestrator swapper serve NAME`.",
    )
