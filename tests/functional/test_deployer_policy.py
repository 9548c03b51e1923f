"""The requests of a whole life (apply, change, destroy) against the published deployer policy, in both directions.

No request may need an action that the policy lacks, and no action may be in the policy that no request needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import Template

import pytest

from orchestrator.aws.deployer_policy import STATEMENTS
from orchestrator.aws.refused_calls import ACTIONS
from orchestrator.local import LocalAws, ensure_running, stop

from .running import Ran, run

pytestmark = [pytest.mark.terraform, pytest.mark.long]

FIRST = Template("""
cluster_name         = "dev"
account_id           = "$account"
aws_region           = "us-east-1"
tags                 = { Team = "platform", Stage = "dev" }
create_ecr           = true
force_delete         = true
repositories = {
  "dev/web" = { kms_key_arn = "arn:aws:kms:us-east-1:$account:key/11111111-2222-3333-4444-555555555555" }
}
pull_account_ids     = ["222222222222"]

pull_through_cache_rules = {
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    secret_name           = "ecr-pullthroughcache/first"
    template              = { description = "first" }
  }
  quay = { upstream_registry_url = "quay.io" }
}
root_template                 = { description = "first" }
registry_consumer_account_ids = ["222222222222"]
registry_scanning             = { scan_type = "BASIC" }
registry_account_settings     = { BASIC_SCAN_TYPE_VERSION = "AWS_NATIVE", REGISTRY_POLICY_SCOPE = "V2" }

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef1"
private_subnet_ids      = ["subnet-0123456789abcd101", "subnet-0123456789abcd102"]
vpc_cidr                = "10.20.0.0/16"
extra_vpc_endpoints     = ["s3"]
private_route_table_ids = ["rtb-0123456789abcd101"]

node_role_names = ["dev-node"]

push_roles = {
  ci = {
    repositories             = ["dev/web"]
    oidc_provider_arn        = "arn:aws:iam::$account:oidc-provider/oidc.example.com/id/A"
    subjects                 = ["system:serviceaccount:ci:builder"]
    permissions_boundary_arn = "arn:aws:iam::$account:policy/boundary"
  }
  nightly = {
    repositories      = ["dev/web"]
    oidc_provider_arn = "arn:aws:iam::$account:oidc-provider/oidc.example.com/id/A"
    subjects          = ["system:serviceaccount:ci:nightly"]
  }
  pods = {
    repositories = ["dev/web"]
    pod_identity = { namespace = "ci", service_account = "builder" }
  }
}

lifecycle_manager = { enabled = true, emails = ["a@example.com"], native_policy = "untagged", reserved_concurrency = 10, usage = { pod_identity = true } }
scan_findings     = { enabled = true, emails = ["a@example.com"] }
monitoring        = { enabled = true, storage_alarm_gib = 5 }
mirror_queue      = { enabled = true, workers = { pod_identity = true } }
image_swapper     = { enabled = true, pods = { pod_identity = true } }
""")

# Everything that can be changed in place is changed; what can go, goes. The platform changes for its other node access.
SECOND = Template("""
cluster_name             = "dev"
platform                 = "rosa-hcp"
machine_pools            = { workers = { instance_profile = "workers-profile" } }
account_id               = "$account"
aws_region               = "us-east-1"
tags                     = { Team = "images" }
create_ecr               = true
force_delete             = true
image_tag_mutability     = "IMMUTABLE"
scan_on_push             = false
lifecycle_policy_enabled = false

pull_through_cache_rules = {
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    secret_name           = "ecr-pullthroughcache/second"
    template              = { description = "second" }
  }
}
registry_scanning         = { scan_type = "BASIC", rules = [{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["*"] }] }
registry_account_settings = { BASIC_SCAN_TYPE_VERSION = "CLAIR" }

create_vpc_endpoints = true
vpc_id               = "vpc-0123456789abcdef1"
private_subnet_ids   = ["subnet-0123456789abcd101"]
vpc_cidr             = "10.30.0.0/16"

push_roles = {
  ci = {
    repositories      = ["dev-registry"]
    oidc_provider_arn = "arn:aws:iam::$account:oidc-provider/oidc.example.com/id/A"
    subjects          = ["system:serviceaccount:ci:other"]
  }
  nightly = {
    repositories             = ["dev-registry"]
    oidc_provider_arn        = "arn:aws:iam::$account:oidc-provider/oidc.example.com/id/A"
    subjects                 = ["system:serviceaccount:ci:nightly"]
    permissions_boundary_arn = "arn:aws:iam::$account:policy/boundary"
  }
}

mirror_queue      = { enabled = true }
dry_run_mode      = true
lifecycle_manager = { enabled = true, timeout_seconds = 300, max_concurrency = 3, log_retention_days = 30, architecture = "x86_64" }
monitoring        = { enabled = true }
""")

# IAM's prefix where it is not the name that requests are signed for.
PREFIXES = {"monitoring": "cloudwatch"}

# Actions of the policy that no request here shows, each for a reason.
NOT_SEEN_HERE = {
    "ecr:GetLifecyclePolicyPreview": "A new lifecycle policy on a repository that holds images.",
    "ecr:StartLifecyclePolicyPreview": "A new lifecycle policy on a repository that holds images.",
    "lambda:ListEventSourceMappings": "A function that another environment of the account hands over.",
    "eks:UntagResource": "Taking a tag from a Pod Identity association.",
    "eks:UpdatePodIdentityAssociation": "After its role was replaced.",
    "lambda:InvokeFunction": "`orchestrator lifecycle invoke` calls it, no apply does.",
    "s3:DeleteObject": "State lies on this machine with --local.",
    "s3:GetObject": "State lies on this machine with --local.",
    "s3:PutObject": "State lies on this machine with --local.",
    "sts:AssumeRole": "The embedded AWS is used with keys of the account itself.",
}


def actions_of(aws: LocalAws) -> set[str]:
    """The IAM action of every request that the embedded AWS has seen since it was asked last."""
    requests = aws.request("GET", "/_orchestrator/requests")["requests"]
    aws.request("DELETE", "/_orchestrator/requests")
    assert isinstance(requests, list)
    return {
        ACTIONS.get(
            request["operation"], f"{PREFIXES.get(request['service'], request['service'])}:{request['operation']}"
        )
        for request in requests
        if request["service"]
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[frozenset[str]]:
    root = tmp_path_factory.mktemp("life")
    environments = root / "environments"
    environments.mkdir()
    account = "333333333333"

    def orchestrator(*arguments: str, stdin: bytes = b"") -> Ran:
        ran = run("-C", str(root), *arguments, "--local", stdin=stdin)
        assert ran.code in (0, 3), ran.out[-3000:] + ran.err[-3000:]
        return ran

    def write(name: str, template: Template) -> None:
        (environments / f"{name}.tfvars").write_text(template.substitute(account=account))

    state_dir = root / ".orchestrator" / "local-aws"
    aws = ensure_running(state_dir)
    seen: set[str] = set()
    try:
        write("dev", FIRST)
        secret = json.dumps({"username": "me", "accessToken": "t"}).encode()
        for _ in range(2):
            orchestrator("secret", "set", "dev", "docker-hub", "--stdin", stdin=secret)
        orchestrator("apply", "dev", "--yes")
        seen |= actions_of(aws)
        write("dev", SECOND)
        orchestrator("secret", "set", "dev", "docker-hub", "--stdin", stdin=secret)
        orchestrator("apply", "dev", "--yes", "--allow-destroy", "dev/web")
        seen |= actions_of(aws)
        orchestrator("destroy", "dev", "--yes", "--allow-destroy", "dev-registry")
        seen |= actions_of(aws)
        yield frozenset(seen)
    finally:
        stop(state_dir)


def test_no_request_needs_more_than_the_policy_allows(recorded: frozenset[str]) -> None:
    assert len(recorded) > 50
    allowed = {action for statement in STATEMENTS for action in statement.all_actions}
    assert sorted(recorded - allowed) == []


def test_the_policy_allows_no_more_than_requests_need(recorded: frozenset[str]) -> None:
    seen_kind = {action for statement in STATEMENTS for action in statement.actions}
    assert sorted(seen_kind - recorded - set(NOT_SEEN_HERE)) == []


def test_what_is_said_not_to_be_seen_is_not_seen(recorded: frozenset[str]) -> None:
    assert sorted(set(NOT_SEEN_HERE) & recorded) == []
