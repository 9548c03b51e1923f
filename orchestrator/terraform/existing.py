"""Which of the things that a plan creates exist in AWS already? Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.aws.errors import error_code, explained
from orchestrator.aws.registry import existing_repositories
from orchestrator.aws.session import AwsSession
from orchestrator.terraform.plan import REPOSITORY
from orchestrator.terraform.transitions import Adoption


def existing(session: AwsSession, candidates: Sequence[Adoption]) -> tuple[Adoption, ...]:
    """Those of `candidates` that exist; raises when AWS does not let us tell."""
    repositories = existing_repositories(session, [c.id for c in candidates if c.type == REPOSITORY])
    return tuple(
        candidate
        for candidate in candidates
        if (candidate.id in repositories if candidate.type == REPOSITORY else _exists(session, candidate))
    )


def _exists(session: AwsSession, candidate: Adoption) -> bool:
    from botocore.exceptions import ClientError

    calls: dict[str, tuple[Callable[[], Any], str]] = {
        "aws_ecr_pull_through_cache_rule": (
            lambda: session.client("ecr").describe_pull_through_cache_rules(ecrRepositoryPrefixes=[candidate.id]),
            "pullThroughCacheRules",
        ),
        "aws_ecr_repository_creation_template": (
            lambda: session.client("ecr").describe_repository_creation_templates(prefixes=[candidate.id]),
            "repositoryCreationTemplates",
        ),
        "aws_iam_role": (lambda: session.client("iam").get_role(RoleName=candidate.id), "Role"),
    }
    call, key = calls[candidate.type]
    with explained(session.environment):
        try:
            return bool(call().get(key))
        except ClientError as error:
            code = error_code(error)
            if code == "NoSuchEntity" or code.endswith("NotFoundException"):
                return False
            raise
