"""What an account and region has once, and AWS replaces whole: registry policy, scanning, account settings.

Read before a plan, and put back without this environment's part when that is taken away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.aws.existence import attached_policies
from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import explained, found_or_none


def registry_policy(session: AwsSession) -> str | None:
    """The registry policy as AWS keeps it, None when there is none."""
    ecr = session.client("ecr")
    answer = found_or_none(session, "ecr", ecr.get_registry_policy)
    return None if answer is None else answer["policyText"]


def registry_policy_scope(session: AwsSession) -> str:
    """V1 (imports only) or V2 (every action): registries of before 2025 have V1."""
    with explained(session, "ecr"):
        return session.client("ecr").get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"]


def scanning(session: AwsSession) -> tuple[str, list[tuple[str, str]]]:
    """(BASIC or ENHANCED, [(frequency, pattern)])."""
    with explained(session, "ecr"):
        found = session.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    rules = found.get("rules", [])
    return found.get("scanType", "BASIC"), [
        (rule["scanFrequency"], each["filter"]) for rule in rules for each in rule["repositoryFilters"]
    ]


def put_statements(session: AwsSession, statements: Sequence[Mapping[str, Any]]) -> None:
    """Make the registry policy consist of these."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    with explained(session, "ecr"):
        session.client("ecr").put_registry_policy(policyText=text)


def put_scanning(session: AwsSession, scan_type: str, rules: Sequence[Mapping[str, Any]]) -> None:
    """Make the registry scan by these rules: [{"scan_frequency", "repository_patterns"}]."""
    client: Any = session.client("ecr")
    with explained(session, "ecr"):
        client.put_registry_scanning_configuration(
            scanType=scan_type,
            rules=[
                {
                    "scanFrequency": rule["scan_frequency"],
                    "repositoryFilters": [
                        {"filter": each, "filterType": "WILDCARD"} for each in rule["repository_patterns"]
                    ],
                }
                for rule in rules
            ],
        )


def roles_with(session: AwsSession, roles: Sequence[str], policy: str) -> tuple[str, ...]:
    """Those of `roles` that have AWS's managed policy `policy` (its name) attached; a role that is absent has none."""
    arn = f"arn:{session.partition}:iam::aws:policy/{policy}"

    def has(role: str) -> bool:
        found = found_or_none(session, "iam", lambda: attached_policies(session, role))
        return found is not None and arn in found

    return tuple(role for role in roles if has(role))
