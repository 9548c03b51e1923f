"""Lifecycle policies and creation templates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.local.controls import SeedImage, seed_images
from tests.functional.local.conftest import refused

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def policy(*rules: tuple[dict[str, Any], dict[str, str]]) -> str:
    numbered = [
        {"rulePriority": number, "description": "rule of a test", "selection": selection, "action": action}
        for number, (selection, action) in enumerate(rules, 1)
    ]
    return json.dumps({"rules": numbered})


UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
KEEP_TWO = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}
NOT_PULLED = {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}
GOOD = policy((UNTAGGED, EXPIRE), (KEEP_TWO, EXPIRE))


@pytest.fixture
def repository(local_aws: LocalAws, ecr: Any, account_id: str) -> str:
    """Images v0 (new) to v3 (oldest), one untagged old one and one untagged new one."""
    now = datetime.now(UTC)
    images = [SeedImage([f"v{n}"], pushed_at=now - timedelta(days=20 * n), pulled_at=now) for n in range(4)]
    images += [SeedImage(name=f"untagged-{n}", pushed_at=now - timedelta(days=n)) for n in (15, 70)]
    seed_images(local_aws, account_id, "eu-west-1", "cache/app", images)
    return "cache/app"


def test_a_policy_is_put_got_and_deleted(ecr: Any, repository: str) -> None:
    with refused("LifecyclePolicyNotFoundException"):
        ecr.get_lifecycle_policy(repositoryName=repository)
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=GOOD)
    assert ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"] == GOOD
    ecr.delete_lifecycle_policy(repositoryName=repository)
    with refused("LifecyclePolicyNotFoundException"):
        ecr.delete_lifecycle_policy(repositoryName=repository)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (policy((NOT_PULLED, EXPIRE), (KEEP_TWO, EXPIRE)), "sinceImagePulled allows the action transition only"),
        (policy((NOT_PULLED, ARCHIVE), (KEEP_TWO, EXPIRE)), "highest rulePriority"),
        (policy((KEEP_TWO, EXPIRE), (UNTAGGED, EXPIRE)), "highest rulePriority"),
        (policy(({**UNTAGGED, "countUnit": "hours"}, EXPIRE)), "not found in enum"),
        ("{" + " " * 200, "Could not map policyString into LifecyclePolicy."),
    ],
)
def test_a_policy_that_aws_refuses_is_refused_in_its_words(ecr: Any, repository: str, text: str, reason: str) -> None:
    expected = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation"
    for call in (ecr.put_lifecycle_policy, ecr.start_lifecycle_policy_preview):
        with refused("InvalidParameterException", reason):
            call(repositoryName=repository, lifecyclePolicyText=text)
        with refused("InvalidParameterException", expected):
            call(repositoryName=repository, lifecyclePolicyText=text)
    with refused("InvalidParameterException", "lifecyclePolicy"):
        ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText='{"rules": []}')


def test_a_preview_says_what_would_expire_and_touches_nothing(ecr: Any, repository: str) -> None:
    with refused("LifecyclePolicyPreviewNotFoundException"):
        ecr.get_lifecycle_policy_preview(repositoryName=repository)
    started = ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=GOOD)
    assert started["status"] == "IN_PROGRESS"
    preview = ecr.get_lifecycle_policy_preview(repositoryName=repository)
    assert (preview["status"], preview["summary"]["expiringImageTotalCount"]) == ("COMPLETE", 5)
    found = [
        (result.get("imageTags"), result["appliedRulePriority"], result["action"]["type"])
        for result in preview["previewResults"]
    ]
    # Rule 2 counts the untagged image of 15 days among the two newest, though rule 1 expires it.
    assert found == [(None, 1, "EXPIRE")] * 2 + [([tag], 2, "EXPIRE") for tag in ("v3", "v2", "v1")]
    tagged = ecr.get_lifecycle_policy_preview(repositoryName=repository, filter={"tagStatus": "TAGGED"})
    assert len(tagged["previewResults"]) == 3
    one = ecr.get_lifecycle_policy_preview(repositoryName=repository, imageIds=[{"imageTag": "v3"}])
    assert len(one["previewResults"]) == 1
    first = ecr.get_lifecycle_policy_preview(repositoryName=repository, maxResults=3)
    rest = ecr.get_lifecycle_policy_preview(repositoryName=repository, maxResults=3, nextToken=first["nextToken"])
    assert (len(first["previewResults"]), len(rest["previewResults"])) == (3, 2)
    assert len(ecr.describe_images(repositoryName=repository)["imageDetails"]) == 6


def test_a_preview_of_a_transition_names_the_archive(ecr: Any, repository: str) -> None:
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy((NOT_PULLED, ARCHIVE)))
    ecr.start_lifecycle_policy_preview(repositoryName=repository)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=repository)
    (result,) = preview["previewResults"]  # never pulled, pushed 70 days ago
    assert result["action"] == {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    counts = preview["summary"]["transitioningImageTotalCounts"]
    assert counts == [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 1}]


def test_templates_are_created_changed_listed_and_deleted(ecr: Any) -> None:
    made = ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], lifecyclePolicy=GOOD, description="cache"
    )["repositoryCreationTemplate"]
    assert (made["imageTagMutability"], made["encryptionConfiguration"]) == ("MUTABLE", {"encryptionType": "AES256"})
    with refused("TemplateAlreadyExistsException", "quay"):
        ecr.create_repository_creation_template(prefix="quay", appliedFor=["REPLICATION"])
    changed = ecr.update_repository_creation_template(prefix="quay", imageTagMutability="IMMUTABLE")
    template = changed["repositoryCreationTemplate"]
    assert (template["imageTagMutability"], template["description"]) == ("IMMUTABLE", "cache")
    for number in range(4):
        ecr.create_repository_creation_template(prefix=f"p{number}", appliedFor=["PULL_THROUGH_CACHE"])
    first = ecr.describe_repository_creation_templates(maxResults=3)
    rest = ecr.describe_repository_creation_templates(maxResults=3, nextToken=first["nextToken"])
    names = [t["prefix"] for page in (first, rest) for t in page["repositoryCreationTemplates"]]
    assert names == ["p0", "p1", "p2", "p3", "quay"]
    asked = ecr.describe_repository_creation_templates(prefixes=["none", "quay"])["repositoryCreationTemplates"]
    assert [found["prefix"] for found in asked] == ["quay"]
    ecr.delete_repository_creation_template(prefix="quay")
    for call in (ecr.delete_repository_creation_template, ecr.update_repository_creation_template):
        with refused("TemplateNotFoundException", "quay"):
            call(prefix="quay")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"prefix": "Quay"}, "prefix"),
        ({"prefix": "quay", "appliedFor": ["PULLS"]}, "appliedFor"),
        ({"prefix": "quay", "description": "x" * 257}, "description"),
        ({"prefix": "quay", "lifecyclePolicy": policy((NOT_PULLED, EXPIRE))}, "transition only"),
        ({"prefix": "quay", "repositoryPolicy": "{}"}, "repositoryPolicy"),
        ({"prefix": "quay", "encryptionConfiguration": {"encryptionType": "ROT13"}}, "encryptionType"),
        ({"prefix": "quay", "imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "must not be empty"),
    ],
)
def test_a_template_that_aws_refuses_is_refused(ecr: Any, arguments: dict[str, Any], reason: str) -> None:
    with refused("InvalidParameterException", reason):
        ecr.create_repository_creation_template(**{"appliedFor": ["PULL_THROUGH_CACHE"], **arguments})
