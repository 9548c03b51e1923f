"""Checks of the texts of lifecycle policies."""

from __future__ import annotations

import json

from orchestrator.checks.context import Context
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.lifecycle.ecr_policy import check_policy


def check_lifecycle_policy(context: Context, path: Path, text: str) -> None:
    """Each reason for which ECR would refuse the policy, which Terraform hands on unread."""
    for problem in check_policy(text):
        context.error(
            path,
            f"{dotted(path)} is no lifecycle policy that ECR takes.",
            why=f"{problem}{'' if str(problem).endswith('.') else '.'}{_unread(text)}",
            remedy='Correct it; "Lifecycle policy properties" in the Amazon ECR user guide has the rules.',
            value=text,
        )


def _unread(text: str) -> str:
    """Where a text stops being JSON, which ECR does not say; empty for JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f" It is no JSON at its line {error.lineno}, column {error.colno}: {error.msg}."
    except (ValueError, RecursionError):
        pass
    return ""
