"""What the doctor says about an environment: its file, and what it finds in its account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from orchestrator.counts import counted
from orchestrator.doctor.diagnosis import Diagnosis, attempt, failed
from orchestrator.errors import InvalidEnvironment, OrchestratorError
from orchestrator.mirroring.repository import settings_by_prefix

if TYPE_CHECKING:
    from orchestrator.aws.caller import Caller
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws
    from orchestrator.project import Project


def environment_file(project: Project, name: str) -> tuple[Diagnosis, Environment | None]:
    """Can the environment be read, and does it pass every check that needs neither Terraform nor AWS?"""
    try:
        environment = project.load(name)
    except InvalidEnvironment as error:
        count = len(error.problems)
        what = f"{counted(count, 'problem')}, the first: {error.problems[0].what}"
        return Diagnosis("failed", "file", what, f"Run `orchestrator validate {name}`.", name), None
    except OrchestratorError as error:
        return failed("file", error, name), None
    return Diagnosis("ok", "file", "valid", environment=name), environment


def account(environment: Environment, local: LocalAws | None, managed: Collection[str] = ()) -> Iterator[Diagnosis]:
    """What this environment finds in AWS: credentials, state bucket, permissions, upstream secrets, cache, lifecycle.

    `managed` are repositories that the project's other environments declare.
    """
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.session import open_session
    from orchestrator.doctor.expiry import lifecycle

    name = environment.name
    try:
        session = open_session(environment, local=local)
        identity = check_account(session, environment)
    except OrchestratorError as error:
        yield failed("credentials", error, name)
        return
    yield Diagnosis("ok", "credentials", f"{identity.arn} in account {identity.account_id}", environment=name)
    if local is None:
        yield attempt("state bucket", name, lambda: _state_bucket(session, environment))
        yield attempt("permissions", name, lambda: _permissions(session, identity, environment))
    if environment.owns_registry:
        for prefix, rule in environment.pull_through_cache_rules.items():
            if rule.secret_name or rule.credential_arn:
                yield attempt(f"secret of {prefix}", name, _secret_check(session, environment, prefix))
    if settings_by_prefix(environment):
        yield attempt("cached repositories", name, lambda: _cached(session, environment, managed))
    yield from lifecycle(session, environment)


def _state_bucket(session: AwsSession, environment: Environment) -> Diagnosis:
    from orchestrator.aws.state_bucket import inspect_state_bucket

    check, name, state = "state bucket", environment.name, environment.state
    if state is None:
        remedy = 'Add state = { bucket = "NAME" }; `orchestrator init NAME --state-bucket` makes the bucket.'
        return Diagnosis("failed", check, "the environment has no `state`", remedy, name)
    lacking = inspect_state_bucket(session, state.bucket, region=state.region)
    make = f"Run `orchestrator init {name} --state-bucket`."
    if lacking is None:
        return Diagnosis("failed", check, f"{state.bucket} does not exist", make, name)
    if lacking:
        return Diagnosis("note", check, f"{state.bucket}: {'; '.join(lacking)}", make, name)
    return Diagnosis("ok", check, f"{state.bucket}: versioned, encrypted, private, TLS only", environment=name)


def _cached(session: AwsSession, environment: Environment, managed: Collection[str]) -> Diagnosis:
    """Do they stand as their templates say? A template acts when ECR makes a repository, never later."""
    from orchestrator.aws.standing_repositories import differing_repositories

    check, name = "cached repositories", environment.name
    found = differing_repositories(session, environment, managed=managed, bounded=True)
    many = counted(found.looked_at, "repository", "repositories")
    if not found.differing:
        return Diagnosis("ok", check, f"{many}, none differs from its template", environment=name)
    first = found.differing[0]
    settings = ", ".join(each.setting for each in first.differences)
    what = f"{len(found.differing)} of {many} differ from their template, such as {first.name} ({settings})"
    return Diagnosis(
        "note", check, what, f"`orchestrator cache reconcile {name}{session.flag}` shows and sets them.", name
    )


def _permissions(session: AwsSession, identity: Caller, environment: Environment) -> Diagnosis:
    from orchestrator.aws.permissions import check_permissions

    found = check_permissions(session, identity, environment)
    if found.denied:
        what = f"{len(found.denied)} of {found.asked} actions are denied: {', '.join(found.denied)}"
        remedy = "Allow them; `orchestrator docs deployer-policy.json` prints them with their resources."
        return Diagnosis("failed", "permissions", what, remedy, environment.name)
    what = f"all {found.asked} actions of the deployer policy are allowed" if found.asked else "root may do everything"
    return Diagnosis("ok", "permissions", what, environment=environment.name)


def _secret_check(session: AwsSession, environment: Environment, prefix: str) -> Callable[[], Diagnosis]:
    return lambda: _secret(session, environment, prefix)


def _secret(session: AwsSession, environment: Environment, prefix: str) -> Diagnosis:
    from orchestrator.aws.upstream_credentials import refuse_other_secret, target_of
    from orchestrator.aws.upstream_secrets import describe_secret, unusable

    target = target_of(environment.name, prefix, environment.pull_through_cache_rules)
    check, name = f"secret of {prefix}", environment.name
    found = describe_secret(session, target.name)
    refuse_other_secret(target, found.arn if found else None)
    if found is None and session.is_local:
        return Diagnosis("note", check, f"{target.name} is absent", "An apply with --local makes a placeholder.", name)
    reason = unusable(session, name, prefix, target.name, found)
    if reason is not None:
        return Diagnosis("failed", check, *reason, name)
    return Diagnosis("ok", check, target.name, environment=name)
