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
        (
            'lifecycle_manager = { snapshot_writers = { "a/b" = "arn:aws:iam::111122223333:role/w" } }',
            [('lifecycle_manager.snapshot_writers["a/b"]', "Write the cluster's name, not its ARN.")],
        ),
        (
            "lifecycle_manager = { silence_days = 8 }",
            [("lifecycle_manager.silence_days", "Write 1 to 7, or 0 for no such alarm.")],
        ),
        (
            "lifecycle_manager = { max_expire_fraction_account = 25 }",
            [("lifecycle_manager.max_expire_fraction_account", "Write 0.25.")],
        ),
        ('node_role_names = ["arn:aws:iam::1:role/path/nodes"]', [("node_role_names[0]", 'Write "nodes".')]),
        ('kubernetes_version = "4.18"', [("kubernetes_version", 'OpenShift 4.18 is Kubernetes 1.31: write "1.31".')]),
        ('registry_region = "us-east-1a"\nmanage_registry = false', [("registry_region", 'Write "us-east-1".')]),
        (
            f'root_template = {{ description = "{"x" * 256}" }}',
            [("root_template.description", "Shorten it.")],
        ),
        (
            'registry_scanning = { scan_type = "BASIC", rules = [{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = [] }] }',
            [("registry_scanning.rules[0].repository_patterns", 'Write ["*"] for all repositories.')],
        ),
    ],
    ids=[
        "a word",
        "a number",
        "in an object of a map",
        "in a list",
        "another word",
        "in a map",
        "an ARN's region",
        "the key of a map",
        "a number with a remedy of its own",
        "a fraction",
        "a form with what was meant",
        "a judged text",
        "a region",
        "a length",
        "a number of entries",
    ],
)
def test_a_rule_beside_its_field_is_checked_where_the_value_lies(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(said(text)) == sorted(expected)


def test_what_is_not_given_breaks_no_rule() -> None:
    assert said("monitoring = {}\nscan_findings = {}\nlifecycle_manager = {}\n") == []
