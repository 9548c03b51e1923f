"""What is installed, found, reachable and permitted: one `Finding` each, with what to do about it.

An edge over Terraform and AWS. A check that cannot be made says so (`unknown`); it is never reported as good or bad.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.doctor.finding import Finding, attempt, failed
from orchestrator.errors import InvalidEnvironment, OrchestratorError

if TYPE_CHECKING:
    from orchestrator.aws.account import Identity
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws
    from orchestrator.project import Project

PYTHON = (3, 11)
# {program: what it is good for}. None is needed to plan and apply.
TOOLS = {
    "kubectl": "applies the generated policies and mirror sets",
    "helm": "installs the image swapper's chart, and runs the post-renderer",
    "skopeo": "checks generated registries.conf files against a registry",
}


def machine(variables: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """This machine: Python, Terraform, where providers come from, certificates, optional tools."""
    variables = os.environ if variables is None else variables
    yield _python()
    yield _terraform(variables)
    yield from _providers(variables)
    yield _certificates(variables)
    for program, purpose in TOOLS.items():
        found = shutil.which(program, path=variables.get("PATH", os.defpath))
        if found:
            yield Finding("ok", program, found)
        else:
            yield Finding("note", program, f"not found; it {purpose}", f"Install {program} if you need that.")


def embedded_aws(running: LocalAws | None) -> Finding:
    """Is the embedded AWS of this project up?"""
    if running is None:
        return Finding(
            "note", "embedded AWS", "not running", "`--local` starts it, and so does `orchestrator local up`."
        )
    return Finding("ok", "embedded AWS", f"listens on {running.endpoint} (process {running.pid})")


def environment_file(project: Project, name: str) -> tuple[Finding, Environment | None]:
    """Can the environment be read, and does it pass every check that needs neither Terraform nor AWS?"""
    try:
        environment = project.load(name)
    except InvalidEnvironment as error:
        count = len(error.problems)
        what = f"{count} problem{'s' if count != 1 else ''}, the first: {error.problems[0].what}"
        return Finding("failed", "file", what, f"Run `orchestrator validate {name}`.", name), None
    except OrchestratorError as error:
        return failed("file", error, name), None
    return Finding("ok", "file", "valid", environment=name), environment


def account(environment: Environment, local: LocalAws | None) -> Iterator[Finding]:
    """What this environment finds in AWS: credentials, state bucket, permissions, upstream secrets, lifecycle."""
    from orchestrator.aws.account import check_account
    from orchestrator.aws.session import open_session
    from orchestrator.doctor.lifecycle import lifecycle

    name = environment.name
    try:
        session = open_session(environment, local=local)
        identity = check_account(session, environment)
    except OrchestratorError as error:
        yield failed("credentials", error, name)
        return
    yield Finding("ok", "credentials", f"{identity.arn} in account {identity.account_id}", environment=name)
    if local is None:
        yield attempt("state bucket", name, lambda: _state_bucket(session, environment))
        yield attempt("permissions", name, lambda: _permissions(session, identity, environment))
    if environment.owns_registry:
        for prefix, rule in environment.pull_through_cache_rules.items():
            if rule.secret_name or rule.credential_arn:
                yield attempt(f"secret of {prefix}", name, _secret_check(session, environment, prefix))
    yield from lifecycle(session, environment)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return Finding("failed", "python", f"{version} ({sys.executable})", "Use Python 3.11 or later.")
    return Finding("ok", "python", f"{version} ({sys.executable})")


def _terraform(variables: Mapping[str, str]) -> Finding:
    from orchestrator.terraform.binary import find_terraform

    try:
        terraform = find_terraform(variables)
    except OrchestratorError as error:
        return failed("terraform", error, "")
    return Finding("ok", "terraform", f"{terraform.version}: {terraform.why}")


def _providers(variables: Mapping[str, str]) -> Iterator[Finding]:
    from orchestrator.terraform.providers import CONFIG_VARIABLE, find_provider_source

    try:
        source = find_provider_source(variables)
    except OrchestratorError as error:
        yield failed("providers", error, "")
        return
    yield Finding("ok", "providers", source.why)
    for note in source.notes:
        yield Finding("note", "providers", note, f"Unset {CONFIG_VARIABLE}, or correct it.")


def _certificates(variables: Mapping[str, str]) -> Finding:
    bundle = variables.get("AWS_CA_BUNDLE", "")
    if not bundle:
        return Finding("ok", "certificates", "those that come with the SDK (AWS_CA_BUNDLE is not set)")
    if not Path(bundle).exists():
        what = f"AWS_CA_BUNDLE names {bundle}, which does not exist; it is ignored"
        return Finding("note", "certificates", what, "Unset AWS_CA_BUNDLE, or correct it.")
    if not os.access(bundle, os.R_OK):
        return Finding("failed", "certificates", f"AWS_CA_BUNDLE names {bundle}, which cannot be read", "Correct it.")
    return Finding("ok", "certificates", f"{bundle} (AWS_CA_BUNDLE)")


def _state_bucket(session: AwsSession, environment: Environment) -> Finding:
    from orchestrator.aws.state_bucket import inspect_state_bucket

    check, name, state = "state bucket", environment.name, environment.state
    if state is None:
        remedy = 'Add state = { bucket = "NAME" }; `orchestrator init NAME --state-bucket` makes the bucket.'
        return Finding("failed", check, "the environment has no `state`", remedy, name)
    lacking = inspect_state_bucket(session, state.bucket, region=state.region)
    make = f"Run `orchestrator init {name} --state-bucket`."
    if lacking is None:
        return Finding("failed", check, f"{state.bucket} does not exist", make, name)
    if lacking:
        return Finding("note", check, f"{state.bucket}: {'; '.join(lacking)}", make, name)
    return Finding("ok", check, f"{state.bucket}: versioned, encrypted, private, TLS only", environment=name)


def _permissions(session: AwsSession, identity: Identity, environment: Environment) -> Finding:
    from orchestrator.aws.permissions import check_permissions

    found = check_permissions(session, identity, environment)
    if found.denied:
        what = f"{len(found.denied)} of {found.asked} actions are denied: {', '.join(found.denied)}"
        remedy = "Allow them; docs/deployer-policy.json has them with their resources."
        return Finding("failed", "permissions", what, remedy, environment.name)
    what = f"all {found.asked} actions of the deployer policy are allowed" if found.asked else "root may do everything"
    return Finding("ok", "permissions", what, environment=environment.name)


def _secret_check(session: AwsSession, environment: Environment, prefix: str) -> Callable[[], Finding]:
    return lambda: _secret(session, environment, prefix)


def _secret(session: AwsSession, environment: Environment, prefix: str) -> Finding:
    from orchestrator.aws.secrets import describe_secret
    from orchestrator.aws.upstream_credentials import refuse_other_secret, target_of

    target = target_of(environment.name, prefix, environment.pull_through_cache_rules)
    check, name = f"secret of {prefix}", environment.name
    found = describe_secret(session, target.name)
    refuse_other_secret(target, found.arn if found else None)
    if found is None and session.is_local:
        return Finding("note", check, f"{target.name} is absent", "An apply with --local makes a placeholder.", name)
    if found is None:
        remedy = f"Store it: orchestrator secret set {name} {prefix}"
        return Finding("failed", check, f"{target.name} does not exist", remedy, name)
    if found.deleted:
        remedy = f"aws secretsmanager restore-secret --region {session.region} --secret-id {target.name}"
        return Finding("failed", check, f"{target.name} is scheduled for deletion", remedy, name)
    if not found.default_key:
        what = f"{target.name} is encrypted with {found.kms_key_id}, which ECR cannot read"
        remedy = "Encrypt it with the default key aws/secretsmanager."
        return Finding("failed", check, what, remedy, name)
    return Finding("ok", check, target.name, environment=name)
