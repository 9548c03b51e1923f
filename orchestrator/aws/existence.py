"""Which of the things that a plan creates exist in AWS already? Reads only.

They come as values with Terraform's resource type and import id; nothing of Terraform's part is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from orchestrator.aws.inventory import existing_repositories
from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import found_or_none

REPOSITORY = "aws_ecr_repository"


class Importable(Protocol):
    """A resource that may exist: Terraform's type of it, and the id under which it is imported."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=Importable)


def existing(session: AwsSession, candidates: Sequence[C]) -> tuple[C, ...]:
    """Those of `candidates` that exist; raises when AWS does not let us tell."""
    repositories = existing_repositories(session, [c.id for c in candidates if c.type == REPOSITORY])
    return tuple(
        candidate
        for candidate in candidates
        if (candidate.id in repositories if candidate.type == REPOSITORY else _exists(session, candidate))
    )


def _exists(session: AwsSession, candidate: Importable) -> bool:
    name = candidate.id
    client: Any = session.client
    calls: dict[str, tuple[str, Callable[[], Any], str]] = {
        "aws_ecr_pull_through_cache_rule": (
            "ecr",
            lambda: client("ecr").describe_pull_through_cache_rules(ecrRepositoryPrefixes=[name]),
            "pullThroughCacheRules",
        ),
        "aws_ecr_repository_creation_template": (
            "ecr",
            lambda: client("ecr").describe_repository_creation_templates(prefixes=[name]),
            "repositoryCreationTemplates",
        ),
        "aws_iam_role": ("iam", lambda: client("iam").get_role(RoleName=name), "Role"),
        "aws_vpc_endpoint": ("ec2", lambda: _living_endpoint(client("ec2"), name), "VpcEndpoints"),
        "aws_security_group": (
            "ec2",
            lambda: client("ec2").describe_security_groups(GroupIds=[name]),
            "SecurityGroups",
        ),
        "aws_vpc_security_group_ingress_rule": (
            "ec2",
            lambda: client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[name]),
            "SecurityGroupRules",
        ),
        "aws_lambda_function": ("lambda", lambda: client("lambda").get_function(FunctionName=name), "Configuration"),
    }
    service, call, key = calls[candidate.type]
    answer = found_or_none(session.environment, service, call)
    return answer is not None and bool(answer.get(key))


def _living_endpoint(ec2: Any, name: str) -> dict[str, Any]:
    """The answer of DescribeVpcEndpoints without those that are being deleted, which are listed for a while."""
    found = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    return {"VpcEndpoints": [one for one in found if one.get("State", "").lower() not in ("deleting", "deleted")]}
