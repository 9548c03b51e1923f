"""Checks of the environment's own repositories."""

from __future__ import annotations

import json

from orchestrator.checks.accounts import check_accounts
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import REPOSITORY_NAME, repository_suggestion
from orchestrator.environment.parts import OwnRepository
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.lifecycle.ecr_policy import check_policy


def check_repositories(context: Context) -> None:
    """Names, keys, lifecycle policies, accounts, protection."""
    environment = context.environment
    _check_policy(context, ("lifecycle_policy",), environment.lifecycle_policy)
    check_accounts(context, ("pull_account_ids",), environment.pull_account_ids)
    _check_single(context)
    if environment.force_delete and environment.ecr_prevent_destroy:
        _contradiction(context, ("force_delete",))
    for name, repository in environment.repositories.items():
        _check_repository(context, name, repository)


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


def _check_repository(context: Context, name: str, repository: OwnRepository) -> None:
    path = ("repositories", name)
    _check_policy(context, (*path, "lifecycle_policy"), repository.lifecycle_policy)
    check_accounts(context, (*path, "pull_account_ids"), repository.pull_account_ids or ())
    if repository.force_delete and context.environment.ecr_prevent_destroy:
        _contradiction(context, (*path, "force_delete"))


def _check_policy(context: Context, path: Path, text: str | None) -> None:
    """Each reason for which ECR would refuse the policy, which Terraform hands on unread."""
    for problem in check_policy(text) if text is not None else ():
        context.error(
            path,
            f"{dotted(path)} is no lifecycle policy that ECR takes.",
            why=f"{problem}{'' if str(problem).endswith('.') else '.'}{_unread(text)}",
            remedy='Correct it; "Lifecycle policy properties" in the Amazon ECR user guide has the rules.',
            value=text,
        )


def _unread(text: str | None) -> str:
    """Where a text stops being JSON, which ECR does not say; empty for JSON."""
    try:
        json.loads(text or "")
    except json.JSONDecodeError as error:
        return f" It is no JSON at its line {error.lineno}, column {error.colno}: {error.msg}."
    except (ValueError, RecursionError):
        pass
    return ""


def _contradiction(context: Context, path: Path) -> None:
    context.error(
        path,
        f"{dotted(path)} is true, and so is ecr_prevent_destroy.",
        why="One deletes a repository with its images, the other forbids to delete it.",
        remedy="Set one of them to false.",
        value=True,
    )
