"""What AWS fills in is written out: an environment that leaves out every optional argument plans nothing once applied."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestrator.local import ensure_running, stop
from tests.functional.running import run

pytestmark = [pytest.mark.terraform, pytest.mark.long]

MODULES = Path(__file__).parents[2] / "modules"
ACCOUNT = "333333333333"
# One of each resource, each with no more than it cannot do without.
LEAST = f"""
cluster_name  = "least"
account_id    = "{ACCOUNT}"
aws_region    = "us-east-1"
create_ecr    = true
force_delete  = true
pull_account_ids = ["222222222222"]
repositories  = {{ "least/app" = {{}} }}

pull_through_cache_rules = {{
  docker-hub = {{ upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }}
  quay       = {{ upstream_registry_url = "quay.io", template = {{}} }}
  abroad     = {{ upstream_registry_url = "{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com" }}
  central    = {{
    upstream_registry_url = "444455556666.dkr.ecr.us-east-1.amazonaws.com"
    custom_role_arn       = "arn:aws:iam::{ACCOUNT}:role/pull"
  }}
  ROOT       = {{ upstream_registry_url = "444455556666.dkr.ecr.eu-west-1.amazonaws.com", custom_role_arn = "arn:aws:iam::{ACCOUNT}:role/pull" }}
}}
root_template                 = {{}}
registry_consumer_account_ids = ["222222222222"]
registry_scanning             = {{ scan_type = "BASIC" }}
registry_account_settings     = {{ REGISTRY_POLICY_SCOPE = "V2" }}

vpc_id                  = "vpc-0123456789abcdef1"
private_subnet_ids      = ["subnet-0123456789abcd101"]
vpc_cidr                = "10.20.0.0/16"
extra_vpc_endpoints     = ["s3", "sts", "logs"]
private_route_table_ids = ["rtb-0123456789abcd101"]

node_role_names = ["least-node"]

push_roles = {{
  ci = {{
    repositories      = ["least/app"]
    oidc_provider_arn = "arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example.com/id/A"
    subjects          = ["system:serviceaccount:ci:builder"]
  }}
  pods = {{
    repositories = ["least/app"]
    pod_identity = {{ namespace = "ci", service_account = "builder" }}
  }}
}}

lifecycle_manager = {{ enabled = true, emails = ["a@example.com"], usage = {{ pod_identity = true }} }}
scan_findings     = {{ enabled = true, emails = ["a@example.com"] }}
monitoring        = {{ enabled = true, emails = ["a@example.com"], storage_alarm_gib = 5, pulls_alarm = 5 }}
"""
# What EKS has not.
ROSA = f"""
cluster_name         = "rosa"
account_id           = "{ACCOUNT}"
aws_region           = "us-east-1"
platform             = "rosa-classic"
worker_role_prefix   = "rosa"
manage_registry      = false
create_vpc_endpoints = false
"""


def test_an_applied_environment_plans_nothing_whatever_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "least.tfvars").write_text(LEAST, "utf-8")
    (tmp_path / "environments" / "rosa.tfvars").write_text(ROSA, "utf-8")
    state_dir = tmp_path / ".orchestrator" / "local-aws"
    ensure_running(state_dir)
    try:
        applied = run("-C", str(tmp_path), "apply", "--all", "--yes", "--local")
        assert applied.code == 0, applied.out[-3000:] + applied.err[-3000:]
        again = run("-C", str(tmp_path), "plan", "--all", "--local", "--json", "--detailed-exitcode")
    finally:
        stop(state_dir)
    assert [environment["changes"] for environment in again.json["environments"]] == [[], []]
    assert again.code == 0, again.err

    states = (tmp_path / ".orchestrator").rglob("state/*/terraform.tfstate")
    made = {entry["type"] for state in states for entry in json.loads(state.read_text("utf-8"))["resources"]}
    declared = {
        kind
        for path in MODULES.glob("*/*.tf")
        for kind in re.findall(r'^resource "(\w+)"', path.read_text("utf-8"), re.M)
    }
    assert declared - made == set()
