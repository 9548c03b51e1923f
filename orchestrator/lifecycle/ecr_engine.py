"""Amazon ECR's own engine for lifecycle policies: a policy and images -> which rule acts on which image.

Source: ECR user guide, "Lifecycle policy evaluation rules". All rules are evaluated as if no other had acted. Then, by
priority, each image is acted on by one rule or none. Images that an index refers to are left alone while it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.lifecycle.ecr_policy import Action, Policy, PolicyRule
from orchestrator.lifecycle.patterns import matches


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as the engine sees it. `archived_at` is set for images in the archive class; times are aware."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None = None
    archived_at: datetime | None = None
    referenced: bool = False


@dataclass(frozen=True, slots=True)
class EngineDecision:
    """Rule `priority` would expire the image of `digest`, or move it to the archive."""

    digest: str
    priority: int
    action: Action


def evaluate(policy: Policy, images: Iterable[StoredImage], now: datetime) -> tuple[EngineDecision, ...]:
    """What the policy would do at `now`, by priority and, within a rule, the oldest image first."""
    held = list(images)
    taken: set[str] = set()
    decisions = []
    for rule in policy.rules:
        matching = [image for image in held if _selects(rule, image)]
        for image in sorted(_due(rule, matching, now), key=lambda image: (_age_base(rule, image), image.digest)):
            if image.digest not in taken and not image.referenced:
                decisions.append(EngineDecision(image.digest, rule.priority, rule.action))
                taken.add(image.digest)
        # "An image that matches the tagging requirements of a rule cannot be expired by a rule with a lower priority."
        taken.update(image.digest for image in matching)
    return tuple(decisions)


def _selects(rule: PolicyRule, image: StoredImage) -> bool:
    if (rule.storage_class == "archive") != (image.archived_at is not None):
        return False
    if rule.tag_status == "any":
        return True
    if rule.tag_status == "untagged":
        return not image.tags
    if not image.tags:
        return False
    # Each entry must match some tag: ["v", "latest"] selects images that have both kinds of tag.
    return all(any(tag.startswith(prefix) for tag in image.tags) for prefix in rule.tag_prefixes) and all(
        any(matches(pattern, tag) for tag in image.tags) for pattern in rule.tag_patterns
    )


def _due(rule: PolicyRule, images: Sequence[StoredImage], now: datetime) -> Sequence[StoredImage]:
    if rule.count_type == "imageCountMoreThan":
        newest_first = sorted(images, key=lambda image: image.pushed_at, reverse=True)
        return newest_first[rule.count_number :]
    limit = now - timedelta(days=rule.count_number)
    return [image for image in images if _age_base(rule, image) < limit]


def _age_base(rule: PolicyRule, image: StoredImage) -> datetime:
    """The moment from which the rule counts: never pulled counts from the push."""
    if rule.count_type == "sinceImagePulled" and image.pulled_at:
        return image.pulled_at
    if rule.count_type == "sinceImageTransitioned" and image.archived_at:
        return image.archived_at
    return image.pushed_at
