"""The walker reads each marker of the model, however deep its field lies."""

from __future__ import annotations

import pytest

from orchestrator.checks import check_environment
from orchestrator.environment.tfvars import parse_tfvars

HEAD = 'cluster_name = "dev"\naccount_id = "111122223333"\naws_region = "us-east-1"\nattach_ecr_policy = false\ncreate_vpc_endpoints = false\n'


def said(text: str) -> list[tuple[str, str]]:
    """[(variable, remedy)] of what is wrong with an environment."""
    checked = check_environment("dev", [parse_tfvars(HEAD + text, "environments/dev.tfvars")])
    return [(getattr(problem, "variable", ""), problem.remedy) for problem in checked.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('platform = "ekss"', [("platform", 'Write "eks".')]),
        ("lifecycle_keep_count = 0", [("lifecycle_keep_count", "Write 1 or more.")]),
        (
            "repositories = { app = { lifecycle_untagged_days = 0 }, web = { lifecycle_untagged_days = 1 } }",
            [("repositories.app.lifecycle_untagged_days", "Write 1 or more.")],
        ),
        (
            'monitoring = { emails = ["a@example.com", "nobody", "a@example.com"] }',
            [
                ("monitoring.emails[1]", 'Write it like "platform@example.com".'),
                ("monitoring.emails[2]", "Remove one."),
            ],
        ),
        ('scan_findings = { architecture = "amd64" }', [("scan_findings.architecture", 'Write "x86_64".')]),
        (
            'push_roles = { ci = { repositories = [], permissions_boundary_arn = "boundary" } }',
            [
                ("push_roles.ci", "Add oidc_provider_arn and subjects (IRSA), or pod_identity (EKS)."),
                ("push_roles.ci.repositories", "Name at least one repository."),
                ("push_roles.ci.permissions_boundary_arn", 'Write it like "arn:aws:iam::111122223333:policy/…".'),
            ],
        ),
        (
            'scan_findings = { topic_arn = "arn:aws:sns:eu-west-1:111122223333:news" }',
            [("scan_findings.topic_arn", "Name one of us-east-1.")],
        ),
    ],
    ids=["a word", "a number", "in an object of a map", "in a list", "another word", "in a map", "a region"],
)
def test_a_rule_beside_its_field_is_checked_where_the_value_lies(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(said(text)) == sorted(expected)


def test_what_is_not_given_breaks_no_rule() -> None:
    assert said("monitoring = {}\nscan_findings = {}\nlifecycle_manager = {}\n") == []
