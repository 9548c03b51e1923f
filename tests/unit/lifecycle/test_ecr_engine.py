"""What ECR's own engine would do with a policy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.lifecycle.ecr_engine import StoredImage, evaluate
from orchestrator.lifecycle.ecr_policy import parse_policy

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def image(name: str, *tags: str, pushed: float = 0, pulled: float | None = None, **rest: Any) -> StoredImage:
    """`pushed`, `pulled` and `archived` in days before NOW."""
    archived = rest.pop("archived", None)
    return StoredImage(
        digest=name,
        tags=tags,
        pushed_at=NOW - timedelta(days=pushed),
        pulled_at=None if pulled is None else NOW - timedelta(days=pulled),
        archived_at=None if archived is None else NOW - timedelta(days=archived),
        **rest,
    )


def act(images: list[StoredImage], *rules: dict[str, Any]) -> list[tuple[str, int, str]]:
    text = json.dumps({"rules": list(rules)}).ljust(100)
    return [(d.digest, d.priority, d.action) for d in evaluate(parse_policy(text), images, NOW)]


def by_age(priority: int, days: int, status: str = "untagged", **selection: Any) -> dict[str, Any]:
    archive = selection.pop("archive", False)
    return {
        "rulePriority": priority,
        "selection": {
            "tagStatus": status,
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
            **selection,
        },
        "action": {"type": "transition", "targetStorageClass": "archive"} if archive else {"type": "expire"},
    }


def by_count(priority: int, number: int, status: str = "any", **selection: Any) -> dict[str, Any]:
    counted = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": number, **selection}
    return {"rulePriority": priority, "selection": counted, "action": {"type": "expire"}}


def test_untagged_images_expire_when_older_than_the_days_and_tagged_ones_stay() -> None:
    images = [image("old", pushed=15), image("new", pushed=14), image("tagged", "v1", pushed=99)]
    assert act(images, by_age(1, 14)) == [("old", 1, "expire")]


def test_counting_keeps_the_newest_whatever_their_tags() -> None:
    images = [image(f"d{age}", *(["v"] if age % 2 else []), pushed=age) for age in range(5)]
    assert act(images, by_count(1, 2)) == [("d4", 1, "expire"), ("d3", 1, "expire"), ("d2", 1, "expire")]


def test_several_prefixes_in_one_rule_select_only_images_that_have_all_of_them() -> None:
    images = [image("both", "v1", "latest", pushed=9), image("one", "v2", pushed=9), image("other", "latest", pushed=9)]
    assert act(images, by_age(1, 3, "tagged", tagPrefixList=["v", "latest"])) == [("both", 1, "expire")]


@pytest.mark.parametrize(
    ("pattern", "tags"),
    [
        ("prod*", ["prod", "prod-1"]),
        ("*-rc*", ["v1-rc2"]),
        ("v1.0", ["v1.0"]),
        ("*", ["prod", "prod-1", "v1-rc2", "v1.0", "v1x0"]),
    ],
)
def test_a_pattern_matches_whole_tags_and_only_the_asterisk_is_special(pattern: str, tags: list[str]) -> None:
    images = [image(tag, tag, pushed=9) for tag in ("prod", "prod-1", "v1-rc2", "v1.0", "v1x0")]
    found = act(images, by_age(1, 3, "tagged", tagPatternList=[pattern]))
    assert sorted(name for name, _, _ in found) == sorted(tags)


def test_an_image_seen_by_a_rule_is_safe_from_rules_of_lower_priority_but_still_counts_there() -> None:
    # The example of the user guide, "Filtering on multiple rules": C alone is left for rule 2, and B is protected by 1.
    images = [
        image("A", "beta-1", "prod-1", pushed=10),
        image("B", "beta-2", "prod-2", pushed=9),
        image("C", "beta-3", pushed=8),
    ]
    rules = [
        by_count(1, 1, "tagged", tagPrefixList=["prod"]),
        by_count(2, 1, "tagged", tagPrefixList=["beta"]),
    ]
    assert act(images, *rules) == [("A", 1, "expire")]


def test_an_image_that_an_index_refers_to_is_left_alone() -> None:
    images = [image("child", pushed=99, referenced=True), image("index", "v1", pushed=99)]
    assert act(images, by_age(1, 14)) == []


def test_not_pulled_counts_from_the_last_pull_and_from_the_push_when_never_pulled() -> None:
    pulled = by_age(1, 30, "any", countType="sinceImagePulled", archive=True)
    images = [
        image("never", pushed=40),
        image("recently", pushed=400, pulled=5),
        image("long-ago", pushed=400, pulled=31),
        image("new", pushed=5),
    ]
    assert act(images, pulled) == [("never", 1, "transition"), ("long-ago", 1, "transition")]


def test_rules_of_one_storage_class_do_not_see_images_of_the_other() -> None:
    images = [
        image("standard", pushed=400),
        image("young", pushed=400, archived=90),
        image("old", pushed=9, archived=91),
    ]
    archived = by_age(2, 90, "any", countType="sinceImageTransitioned", storageClass="archive")
    assert act(images, by_age(1, 14), archived) == [("standard", 1, "expire"), ("old", 2, "expire")]
