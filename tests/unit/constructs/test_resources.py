"""What an environment becomes in CloudFormation, and what is refused there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.constructs.cache_resources import cache_resources
from orchestrator.constructs.cluster_images import ImageRedirects
from orchestrator.constructs.manager_resources import manager_resources
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

HEAD = 'cluster_name = "dev"\naccount_id = "111122223333"\naws_region = "eu-west-1"\ncreate_vpc_endpoints = false\n'
MANAGER = 'lifecycle_manager = {{ enabled = true, clusters = ["dev"], {} }}\n'
RULES = """
pull_through_cache_rules = {
  "docker-hub" = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/docker-hub" }
  dockerhub    = { upstream_registry_url = "quay.io" }
  "a/b"        = { upstream_registry_url = "public.ecr.aws", template = {} }
  ROOT         = { upstream_registry_url = "444455556666.dkr.ecr.eu-west-1.amazonaws.com", custom_role_arn = "arn:aws:iam::111122223333:role/pull" }
}
"""
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf"
CODE = {"S3Bucket": "b", "S3Key": "k"}


def environment(text: str) -> Environment:
    return build_environment("dev", [parse_tfvars(HEAD + text, "environments/dev.tfvars")])


def test_each_rule_has_an_id_of_its_own_and_waits_for_its_template() -> None:
    made = cache_resources(environment(RULES), {"docker-hub": ARN})
    rules = {
        resource["Properties"]["EcrRepositoryPrefix"]: (name, resource)
        for name, resource in made.items()
        if resource["Type"] == "AWS::ECR::PullThroughCacheRule"
    }
    assert set(rules) == {"docker-hub", "dockerhub", "a/b", "ROOT"}
    assert all(name.isalnum() for name in made)
    (template,) = (name for name, one in made.items() if one["Type"] == "AWS::ECR::RepositoryCreationTemplate")
    assert rules["a/b"][1]["DependsOn"] == [template]
    assert rules["docker-hub"][1]["Properties"]["CredentialArn"] == ARN
    assert "CredentialArn" not in rules["dockerhub"][1]["Properties"]
    # ECR reads ROOT for an upstream ECR's missing prefix.
    assert rules["ROOT"][1]["Properties"]["UpstreamRepositoryPrefix"] == "ROOT"


def test_every_repository_of_a_shared_registry_lets_its_consumers_pull() -> None:
    text = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
    made = cache_resources(environment(text + 'registry_consumer_account_ids = ["777788889999"]\n'))
    (template,) = (one for one in made.values() if one["Type"] == "AWS::ECR::RepositoryCreationTemplate")
    assert "arn:aws:iam::777788889999:root" in template["Properties"]["RepositoryPolicy"]


@pytest.mark.parametrize(
    ("text", "credentials", "said"),
    [
        (RULES, {}, 'the rule "docker-hub" names its secret by secret_name'),
        (RULES, {"docker-hub": ARN, "dokcer-hub": ARN}, "credentials are given for dokcer-hub"),
        ("manage_registry = false\n", {}, "makes no pull-through cache rules"),
    ],
)
def test_what_no_stack_can_make_is_refused(text: str, credentials: dict[str, str], said: str) -> None:
    with pytest.raises(RefusedInput, match=said) as caught:
        cache_resources(environment(text), credentials)
    assert "environment" in str(caught.value)


def test_archived_images_are_never_deleted_by_the_function() -> None:
    made = manager_resources(environment(RULES + MANAGER.format('retention = { expire_action = "archive" }')), CODE)
    (policy,) = made["Role"]["Properties"]["Policies"]
    (cached,) = (one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "Cached")
    assert "ecr:UpdateImageStorageClass" in cached["Action"]
    assert "ecr:BatchDeleteImage" not in cached["Action"]
    assert cached["Resource"][0] == "arn:aws:ecr:eu-west-1:111122223333:repository/a/b/*"


def test_a_role_of_pod_identity_belongs_to_one_service_account() -> None:
    made = manager_resources(environment(RULES + MANAGER.format("usage = { pod_identity = true }")), CODE)
    (trust,) = made["UsageRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-namespace"] == "ecr-usage"
    assert made["UsageIdentity"]["Properties"]["RoleArn"] == {"Fn::GetAtt": ["UsageRole", "Arn"]}


@pytest.mark.parametrize("text", ["", MANAGER.format("force_destroy_records = true")])
def test_a_manager_that_no_stack_can_make_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput, match="lifecycle"):
        manager_resources(environment(text), CODE)


def test_what_is_no_image_is_refused() -> None:
    redirects = ImageRedirects(
        environment('pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n')
    )
    assert redirects.redirect("quay.io/a/b:1") == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/quay/a/b:1"
    assert redirects.redirect("example.com/a:1") == "example.com/a:1"
    with pytest.raises(RefusedInput, match="orchestrator route dev"):
        redirects.redirect("Not An Image")


@pytest.mark.parametrize("text", ["${Token[TOKEN.13]}", "quay.io/a/b:${Token[TOKEN.13]}", "${TfToken[TOKEN.0]}"])
def test_what_a_deployment_fills_in_is_refused_with_a_way_out(text: str) -> None:
    redirects = ImageRedirects(environment(""))
    with pytest.raises(RefusedInput, match=r"known at deployment only.*put what is not known behind it"):
        redirects.redirect(text)
