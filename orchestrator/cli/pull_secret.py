"""`orchestrator pull-secret NAME`: a token of ECR in the pull secret that an OpenShift cluster puts on its nodes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session
from orchestrator.cli.route import load_routes
from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from orchestrator.kubectl import Kubectl
    from orchestrator.manifests.pull_secret import PullSecret

KEY = ".dockerconfigjson"
# Somebody else may write the secret at the same moment.
ATTEMPTS = 5


@click.command("pull-secret")
@NAME
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option("--remove", is_flag=True, help="Take the registry out again.")
@local_option("Ask the embedded AWS for the token.")
@click.pass_context
def pull_secret(ctx: click.Context, name: str, context: str | None, remove: bool, local: bool) -> int:
    """Put a token of ECR into the pull secret of the OpenShift cluster of environment NAME.

    Node-level mirrors pull with it. The token lives twelve hours and has the rights of who asks for it: a CronJob repeats
    this (`orchestrator manifests NAME --for credentials`). Logins of other registries in the secret stay.
    """
    from orchestrator.kubectl import find_kubectl
    from orchestrator.manifests import pull_secret as secrets

    project = open_project(ctx)
    environment = load_routes(project, name)
    if environment.platform == "eks":
        raise RefusedInput(
            f"Environment {name} is an EKS cluster, which has no pull secret of its nodes.",
            remedy=f"Use `orchestrator manifests {name} --for credentials`: the nodes' role pulls.",
        )
    secret = secrets.pull_secret(environment.platform)
    kubectl = find_kubectl(context)
    messages.tell(f"writes {secret} of {kubectl.place()}")
    login, until = None, ""
    if not remove:
        from orchestrator.aws.token import registry_token

        session = project_session(project, environment, local=local)
        token = registry_token(session, environment.registry.region)
        login, until = (token.user, token.password), f"{token.expires:%Y-%m-%d %H:%M %Z}".strip()
    for _ in range(ATTEMPTS):
        if _write(kubectl, secret, environment.registry_host, login):
            what = f"has a token until {until}" if login else "is not in it"
            click.echo(f"{secret}: {environment.registry_host} {what}")
            return 0
    raise OrchestratorError(
        f"The secret {secret} changes all the time.",
        why=f"It was another one at each of {ATTEMPTS} attempts to write it.",
        remedy="Find out who writes it, then try again.",
    )


def _write(kubectl: Kubectl, secret: PullSecret, host: str, login: tuple[str, str] | None) -> bool:
    """Write the secret with the registry's login; False where it changed meanwhile."""
    from orchestrator.manifests.pull_secret import NotDockerConfig, with_registry

    held = kubectl.secret(secret.namespace, secret.name)
    if held is None and login is None:
        return True
    document: dict[str, Any] = dict(held) if held is not None else _empty(secret)
    data = document.get("data") or {}
    before = data.get(KEY)
    try:
        after = with_registry(b64decode(before) if before else None, host, login)
    except NotDockerConfig as error:
        raise OrchestratorError(
            f"The secret {secret} is not written: its {KEY} cannot be read.",
            why=str(error),
            remedy=f"Look at it: kubectl get secret -n {secret.namespace} {secret.name} -o yaml.",
        ) from error
    return kubectl.write({**document, "data": {**data, KEY: b64encode(after).decode()}})


def _empty(secret: PullSecret) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret.name, "namespace": secret.namespace},
        "type": "kubernetes.io/dockerconfigjson",
    }
