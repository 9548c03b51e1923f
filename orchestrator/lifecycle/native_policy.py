"""The policy of ECR's own that cached repositories get when asked, and how it is told from anybody else's.

Native rules know neither pulls (they cannot expire by them) nor what runs; they can drop untagged images and count.
Every rule's description begins with a marker: a policy whose rules all carry it is ours, any other is preserved. Pure.
"""

from __future__ import annotations

import json
from typing import Literal

from orchestrator.lifecycle.ecr_policy import Policy, check_policy, parse_policy
from orchestrator.lifecycle.retention import Retention

MARKER = "[orchestrator lifecycle-manager]"
DEFAULT_UNTAGGED_DAYS = 14


def native_policy(kind: Literal["untagged", "count"], retention: Retention) -> str:
    """The text of the policy: untagged images go after `untagged_days`; with `count` also tagged ones over `keep_at_most`.

    Without a `keep_at_most` there is nothing to count, and where tags are protected nothing may be. ECR's count knows no
    exceptions. `count` is as `untagged` then. Untagged images are not counted: they may be those of a tagged index.
    """
    days = retention.untagged_days or retention.expire_unpulled_days or DEFAULT_UNTAGGED_DAYS
    rules = [_rule(1, f"untagged images after {days} days", "untagged", "sinceImagePushed", days)]
    if kind == "count" and retention.keep_at_most is not None and not retention.protect_tags:
        number = retention.keep_at_most
        rules.append(_rule(2, f"no more than {number} tagged images", "tagged", "imageCountMoreThan", number))
    text = json.dumps({"rules": rules}, separators=(",", ":"), sort_keys=True)
    assert not check_policy(text)
    return text


def is_ours(text: str) -> bool:
    """Was this policy made here? One that cannot be read is somebody else's."""
    try:
        policy: Policy = parse_policy(text)
    except ValueError:
        return False
    return all(rule.description.startswith(MARKER) for rule in policy.rules)


def same_policy(one: str, other: str) -> bool:
    """Do the two texts say the same, whatever their spacing and order of keys?"""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def _rule(priority: int, text: str, status: str, count_type: str, number: int) -> dict[str, object]:
    selection: dict[str, object] = {"tagStatus": status, "countType": count_type, "countNumber": number}
    if status == "tagged":
        selection["tagPatternList"] = ["*"]
    if count_type == "sinceImagePushed":
        selection["countUnit"] = "days"
    return {
        "rulePriority": priority,
        "description": f"{MARKER} {text}",
        "selection": selection,
        "action": {"type": "expire"},
    }
