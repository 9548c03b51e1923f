"""The Environment: Terraform's conversions, derived values, start-up."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from orchestrator.checks.check import check_environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import Location
from orchestrator.project import find_project
from orchestrator.routes.build import build_route_table
from tests.unit.checks.wrong_inputs import file_of
from tests.unit.environment.declared_variables import ROOT, declared
from tests.unit.environment.environment_of_text import load

################################################################################
# Conversions: checked against `terraform plan` of 1.11
################################################################################


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        ('create_ecr = "true"', "create_ecr", True),
        ('create_ecr = "1"', "create_ecr", True),
        ('scan_on_push = "0"', "scan_on_push", False),
        ('lifecycle_keep_count = "5"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "5.0"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "+5"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "1e3"', "lifecycle_keep_count", 1000),
        ("lifecycle_keep_count = 5.0", "lifecycle_keep_count", 5),
        ("account_id = 111122223333", "account_id", "111122223333"),
        ("tags = { a = 5, b = true, c = 1.5 }", "tags", {"a": "5", "b": "true", "c": "1.5"}),
        ("vpc_id = null", "vpc_id", None),
        ("kubernetes_version = 1.33", "kubernetes_version", "1.33"),
        ("tags = { 1 = 2 }", "tags", {"1": "2"}),
    ],
)
def test_values_are_converted_as_terraform_does(text: str, variable: str, value: object) -> None:
    assert getattr(load(text), variable) == value


def test_null_in_an_object_gives_the_attributes_default() -> None:
    rules = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io", source = null, template = { image_tag_mutability = null, resource_tags = null } } }'
    template = load(rules).pull_through_cache_rules["quay"].template
    assert template is not None
    assert (template.image_tag_mutability, template.resource_tags) == ("MUTABLE", {})


################################################################################
# The value
################################################################################


def test_every_environment_of_the_repository_is_valid() -> None:
    project = find_project(ROOT)
    assert len(project.environment_names()) >= 5
    for name in project.environment_names():
        assert project.load(name).name == name


def test_what_is_valid_makes_a_route_table() -> None:
    project = find_project(ROOT)
    for name in project.environment_names():
        environment = project.load(name)
        routes = build_route_table(environment).routes
        assert len(routes) == len(environment.pull_through_cache_rules) + len(environment.mirrors)


def test_it_cannot_be_changed() -> None:
    environment = load("")
    with pytest.raises(ValidationError):
        environment.account_id = "999988887777"


@pytest.mark.parametrize(
    ("text", "partition", "host"),
    [
        ("", "aws", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"),
        ('aws_region = "us-gov-west-1"', "aws-us-gov", "111122223333.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ('aws_region = "cn-north-1"', "aws-cn", "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        (
            'manage_registry = false\nregistry_account_id = "999988887777"\nregistry_region = "us-east-1"',
            "aws",
            "999988887777.dkr.ecr.us-east-1.amazonaws.com",
        ),
    ],
)
def test_the_registry_host_follows_account_region_and_partition(text: str, partition: str, host: str) -> None:
    environment = load(text)
    assert (environment.partition, environment.registry_host) == (partition, host)


@pytest.mark.parametrize(
    ("text", "owns"),
    [
        ("", True),
        ("manage_registry = false", False),
        ('registry_account_id = "111122223333"\nregistry_region = "eu-west-1"', True),
        ('manage_registry = false\nregistry_region = "us-east-1"', False),
    ],
)
def test_only_the_own_registry_can_be_owned(text: str, owns: bool) -> None:
    assert load(text).owns_registry is owns


@pytest.mark.parametrize(
    ("text", "effective"),
    [
        ("", "leave"),
        ("allow_upstream = false", "redirect"),
        ('digest_references = "redirect"', "redirect"),
        ('allow_upstream = false\ndigest_references = "leave"', "leave"),
    ],
)
def test_digests_are_redirected_where_nothing_falls_back(text: str, effective: str) -> None:
    assert load(text).effective_digest_references == effective


def test_own_repositories_are_named_once() -> None:
    environment = load('create_ecr = true\ncluster_name = "Dev"\nrepositories = { "dev-registry" = {}, "x/y" = {} }')
    assert environment.own_repository_names == ("dev-registry", "x/y")


@pytest.mark.parametrize(
    ("cluster", "name"),
    [
        ("prod", "prod-ecr-usage-eu-west-1"),
        # 64 characters are IAM's limit; modules/lifecycle-manager cuts in the same way.
        ("c" * 44, f"{'c' * 44}-ecr-usage-eu-west-1"),
        ("c" * 45, f"{'c' * 45}-ecr-usage-e7e0eb38"),
    ],
)
def test_the_usage_role_is_named_after_cluster_and_region(cluster: str, name: str) -> None:
    assert load(f'cluster_name = "{cluster}"').usage_role_name == name
    assert len(name) <= 64


def test_a_snapshot_is_named_after_the_cluster_unless_said() -> None:
    assert load("").snapshot_name == "dev"
    assert load('lifecycle_manager = { usage = { pod_identity = true, snapshot_name = "x" } }').snapshot_name == "x"


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("", False),
        ("lifecycle_manager = { enabled = true }", True),
        ("scan_findings = { enabled = true }", True),
        ("lifecycle_manager = { keep_records = true }", True),
        ("manage_registry = false\nlifecycle_manager = { usage = { pod_identity = true } }", False),
    ],
)
def test_the_bucket_of_records_is_made_for_functions_and_kept_when_asked(text: str, keeps: bool) -> None:
    assert load(text).keeps_records is keeps


def test_variables_are_json_with_the_environments_name() -> None:
    values = load("").variables()
    assert values["environment"] == "dev"
    assert "name" not in values
    assert set(values) == set(declared())
    assert json.loads(json.dumps(values)) == values


@pytest.mark.parametrize("name", ["default", "common", "terraform", "x.auto", "my env", "-x", "a/b", "é", "a" * 91])
def test_a_name_that_no_workspace_or_file_can_have_is_refused(name: str) -> None:
    checked = check_environment(name, [parse_tfvars(file_of(""), "environments/x.tfvars")])
    (problem,) = checked.problems
    assert problem.where == Location("environments/x.tfvars")
    assert f'called "{name}"' in str(problem)


POLICY = """\
repositories = {
  "team/app" = {
    lifecycle_policy = <<-EOT
      {"rules": [{
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
        "action": {"type": "expire"}
      }]}
    EOT
  }
}
"""


def test_a_lifecycle_policy_in_a_heredoc_reaches_terraform_as_it_stands() -> None:
    text = load(POLICY).variables()["repositories"]["team/app"]["lifecycle_policy"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 7


def test_what_ecr_would_refuse_of_a_policy_is_said_at_its_line_with_ecrs_reason() -> None:
    wrong = POLICY.replace('"countUnit": "days", ', "").replace('"expire"', '"expires"')
    file = file_of(wrong)
    checked = check_environment("dev", [parse_tfvars(file, "environments/dev.tfvars")])
    line = next(number for number, text in enumerate(file.split("\n"), 1) if "lifecycle_policy" in text)
    assert {problem.where for problem in checked.problems} == {Location("environments/dev.tfvars", line)}
    assert [problem.why.split(" (")[0] for problem in checked.problems] == [
        'rules[0].selection: countUnit is required when countType is sinceImagePushed: it must be "days".',
        "rules[0].action.type: instance value",
    ]


################################################################################
# Start-up
################################################################################


def test_help_loads_neither_pydantic_nor_the_parsers() -> None:
    code = (
        "import sys; from orchestrator.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\n"
        "finally: print(sorted(set(sys.modules) & {'pydantic', 'pygohcl', 'tree_sitter', 'jinja2', 'boto3'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
