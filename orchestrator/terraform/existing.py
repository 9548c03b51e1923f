"""Which of the things that a plan creates exist in AWS already? Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.aws.errors import found_or_none
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
    service = "iam" if candidate.type == "aws_iam_role" else "ecr"
    answer = found_or_none(session.environment, service, call)
    return answer is not None and bool(answer.get(key))
