"""Checks of the environment's own repositories."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import REPOSITORY_NAME, repository_suggestion
from orchestrator.environment.tfvars import Path, dotted


def check_repositories(context: Context) -> None:
    """Names after the cluster, and protection."""
    environment = context.environment
    _check_single(context)
    if environment.force_delete and environment.ecr_prevent_destroy:
        _contradiction(context, ("force_delete",))
    for name, repository in environment.repositories.items():
        if repository.force_delete and environment.ecr_prevent_destroy:
            _contradiction(context, ("repositories", name, "force_delete"))


def _check_single(context: Context) -> None:
    environment = context.environment
    name = environment.ecr_repository_name
    if name:
        if not environment.create_ecr:
            context.warn(
                ("ecr_repository_name",),
                f"ecr_repository_name is {shown(name)}, but create_ecr is false.",
                why="The repository is not created.",
                remedy="Set create_ecr = true, or remove the name.",
                value=name,
            )
    elif environment.create_ecr and context.usable("cluster_name"):
        default = environment.own_repository_names[0]
        if not REPOSITORY_NAME.fullmatch(default):
            context.error(
                ("ecr_repository_name",),
                f'The repository would be called "{default}", after the cluster.',
                why="ECR repository names have lower case letters and digits, separated by . _ - and /.",
                remedy=f'Set ecr_repository_name = "{repository_suggestion(default)}".',
                value=default,
                at=("cluster_name",),
            )


def _contradiction(context: Context, path: Path) -> None:
    context.error(
        path,
        f"{dotted(path)} is true, and so is ecr_prevent_destroy.",
        why="One deletes a repository with its images, the other forbids to delete it.",
        remedy="Set one of them to false.",
        value=True,
    )
