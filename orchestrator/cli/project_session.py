"""The AWS that a command talks to: the real one, or with `--local` the project's embedded one, started when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws
    from orchestrator.project import Project


def embedded_aws(project: Project, *, local: bool) -> LocalAws | None:
    """The project's embedded AWS with `--local`; None without."""
    if not local:
        return None
    from orchestrator.local import ensure_running

    return ensure_running(project.local_aws_dir)


def project_session(project: Project, environment: Environment, *, local: bool) -> AwsSession:
    """A session for the environment's account, in the real AWS or with `--local` in the embedded one."""
    from orchestrator.aws.session import open_session

    return open_session(environment, local=embedded_aws(project, local=local))
