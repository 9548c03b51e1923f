"""One of each resource, with no more than it cannot do without: applied, it plans nothing; taken away, drift names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from orchestrator.local import LocalAws, ensure_running, stop
from tests.functional.running import Ran, run

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
mirror_queue      = {{ enabled = true }}
image_swapper     = {{ enabled = true, pods = {{ pod_identity = true }} }}
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


class Applied:
    """Both environments, applied on an embedded AWS of their own."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.folder = folder
        self.aws = aws

    def run(self, *arguments: str) -> Ran:
        return run("-C", str(self.folder), *arguments, "--local")

    def resources(self) -> list[dict[str, Any]]:
        """What the states hold, as Terraform writes it."""
        states = sorted((self.folder / ".orchestrator").rglob("state/*/terraform.tfstate"))
        return [entry for state in states for entry in json.loads(state.read_text("utf-8"))["resources"]]

    def client(self, service: str) -> Any:
        values = self.aws.variables(ACCOUNT, "us-east-1")
        return boto3.client(  # type: ignore[call-overload]  # a service of any name
            service,
            endpoint_url=values["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    folder = tmp_path_factory.mktemp("nothing-changes")
    (folder / "environments").mkdir()
    (folder / "environments" / "least.tfvars").write_text(LEAST, "utf-8")
    (folder / "environments" / "rosa.tfvars").write_text(ROSA, "utf-8")
    state_dir = folder / ".orchestrator" / "local-aws"
    made = Applied(folder, ensure_running(state_dir))
    try:
        done = made.run("apply", "--all", "--yes")
        assert done.code == 0, done.out[-3000:] + done.err[-3000:]
        yield made
    finally:
        stop(state_dir)


def test_an_applied_environment_plans_nothing_whatever_it_leaves_out(applied: Applied) -> None:
    # Blocks that the VPC got since: its Pods there would find endpoints that do not admit them.
    for more in ({"CidrBlock": "100.64.0.0/16"}, {"AmazonProvidedIpv6CidrBlock": True}):
        applied.client("ec2").associate_vpc_cidr_block(VpcId="vpc-0123456789abcdef1", **more)

    again = applied.run("plan", "--all", "--json", "--detailed-exitcode")
    assert [environment["changes"] for environment in again.json["environments"]] == [[], []]
    assert again.code == 0, again.err
    (blocks,) = [note for note in again.json["environments"][0]["notes"] if "vpc-0123456789abcdef1" in note]
    assert re.search(r'too, .* vpc_cidr = \["10.20.0.0/16", "100.64.0.0/16", "[0-9a-f:]+/56"\] admits it', blocks), (
        blocks
    )

    declared = {
        kind
        for path in MODULES.glob("*/*.tf")
        for kind in re.findall(r'^resource "(\w+)"', path.read_text("utf-8"), re.M)
    }
    assert declared - {entry["type"] for entry in applied.resources() if entry["mode"] == "managed"} == set()


# AWS gives the same one back, whoever asks; it has a name that nobody else can have, so that a second one may stand beside
# it; or it stands as AWS made it, which is none.
MADE_AGAIN = {
    "aws_sns_topic_subscription",
    "aws_security_group",
    "aws_vpc_security_group_ingress_rule",
    "aws_ecr_registry_scanning_configuration",
}


def test_after_a_lost_state_everything_is_taken_over_as_it_stands(applied: Applied) -> None:
    """Every kind that AWS has by its name is found before the plan is shown, and imported by the apply: nothing is left to do."""
    states = sorted((applied.folder / ".orchestrator").rglob("state/*/terraform.tfstate"))
    held = {entry["type"] for entry in applied.resources() if entry["mode"] == "managed"}
    for state in states:
        state.rename(state.with_suffix(".lost"))
    try:
        taken = applied.run("apply", "--all", "--json", "--adopt", "--yes")
        again = applied.run("plan", "--all", "--json")
    finally:
        for state in states:
            state.with_suffix(".lost").replace(state)

    assert [environment["changes"] for environment in again.json["environments"]] == [[], []]
    assert taken.code == 0, taken.out[-3000:] + taken.err[-3000:]
    changes = [change for environment in taken.json["environments"] for change in environment["changes"]]
    made = {change["type"] for change in changes if not change["importing"]}
    assert made <= MADE_AGAIN, [change for change in changes if not change["importing"]]
    assert not [change for change in changes if change["action"] in {"replace", "delete"}]
    assert held - {change["type"] for change in changes} == {"aws_iam_role_policy_attachment"}


Attributes = Mapping[str, Any]
Delete = Callable[[Any, Attributes], object]


def _unsubscribe(sns: Any, of: Attributes) -> None:
    for each in sns.list_subscriptions()["Subscriptions"]:
        if each["Endpoint"] == of["endpoint"] and each["TopicArn"] == of["topic_arn"]:
            sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])


def _empty_bucket(s3: Any, of: Attributes) -> None:
    for each in s3.list_object_versions(Bucket=of["bucket"]).get("Versions", ()):
        s3.delete_object(Bucket=of["bucket"], Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=of["bucket"])


# {type: (service, how somebody takes one away)}. First what hangs on others, then what it hangs on. What AWS cannot
# delete is set to something else.
LEAVES: dict[str, tuple[str, Delete]] = {
    "aws_ecr_account_setting": ("ecr", lambda c, a: c.put_account_setting(name=a["name"], value="V1")),
    "aws_ecr_registry_scanning_configuration": (
        "ecr",
        lambda c, a: c.put_registry_scanning_configuration(scanType="ENHANCED", rules=[]),
    ),
    "aws_ecr_lifecycle_policy": ("ecr", lambda c, a: c.delete_lifecycle_policy(repositoryName=a["repository"])),
    "aws_ecr_repository_policy": ("ecr", lambda c, a: c.delete_repository_policy(repositoryName=a["repository"])),
    "aws_ecr_registry_policy": ("ecr", lambda c, a: c.delete_registry_policy()),
    "aws_ecr_pull_through_cache_rule": (
        "ecr",
        lambda c, a: c.delete_pull_through_cache_rule(ecrRepositoryPrefix=a["ecr_repository_prefix"]),
    ),
    "aws_ecr_repository_creation_template": (
        "ecr",
        lambda c, a: c.delete_repository_creation_template(prefix=a["prefix"]),
    ),
    "aws_iam_role_policy": ("iam", lambda c, a: c.delete_role_policy(RoleName=a["role"], PolicyName=a["name"])),
    "aws_iam_role_policy_attachment": (
        "iam",
        lambda c, a: c.detach_role_policy(RoleName=a["role"], PolicyArn=a["policy_arn"]),
    ),
    "aws_cloudwatch_event_target": ("events", lambda c, a: c.remove_targets(Rule=a["rule"], Ids=[a["target_id"]])),
    "aws_lambda_permission": (
        "lambda",
        lambda c, a: c.remove_permission(FunctionName=a["function_name"], StatementId=a["statement_id"]),
    ),
    "aws_lambda_event_source_mapping": ("lambda", lambda c, a: c.delete_event_source_mapping(UUID=a["uuid"])),
    "aws_lambda_function_event_invoke_config": (
        "lambda",
        lambda c, a: c.delete_function_event_invoke_config(FunctionName=a["function_name"]),
    ),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", lambda c, a: c.delete_alarms(AlarmNames=[a["alarm_name"]])),
    "aws_cloudwatch_dashboard": ("cloudwatch", lambda c, a: c.delete_dashboards(DashboardNames=[a["dashboard_name"]])),
    "aws_s3_bucket_policy": ("s3", lambda c, a: c.delete_bucket_policy(Bucket=a["bucket"])),
    "aws_s3_bucket_lifecycle_configuration": ("s3", lambda c, a: c.delete_bucket_lifecycle(Bucket=a["bucket"])),
    "aws_s3_bucket_ownership_controls": ("s3", lambda c, a: c.delete_bucket_ownership_controls(Bucket=a["bucket"])),
    "aws_s3_bucket_public_access_block": ("s3", lambda c, a: c.delete_public_access_block(Bucket=a["bucket"])),
    "aws_s3_bucket_server_side_encryption_configuration": (
        "s3",
        lambda c, a: c.delete_bucket_encryption(Bucket=a["bucket"]),
    ),
    "aws_s3_bucket_versioning": (
        "s3",
        lambda c, a: c.put_bucket_versioning(Bucket=a["bucket"], VersioningConfiguration={"Status": "Suspended"}),
    ),
    "aws_sns_topic_policy": (
        "sns",
        lambda c, a: c.set_topic_attributes(
            TopicArn=a["arn"],
            AttributeName="Policy",
            AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": []}),
        ),
    ),
    "aws_sns_topic_subscription": ("sns", _unsubscribe),
    "aws_eks_pod_identity_association": (
        "eks",
        lambda c, a: c.delete_pod_identity_association(
            clusterName=a["cluster_name"], associationId=a["association_id"]
        ),
    ),
    "aws_vpc_security_group_ingress_rule": (
        "ec2",
        lambda c, a: c.revoke_security_group_ingress(
            GroupId=a["security_group_id"], SecurityGroupRuleIds=[a["security_group_rule_id"]]
        ),
    ),
}
STEMS: dict[str, tuple[str, Delete]] = {
    "aws_cloudwatch_event_rule": ("events", lambda c, a: c.delete_rule(Name=a["name"])),
    "aws_cloudwatch_log_group": ("logs", lambda c, a: c.delete_log_group(logGroupName=a["name"])),
    "aws_lambda_function": ("lambda", lambda c, a: c.delete_function(FunctionName=a["function_name"])),
    "aws_s3_bucket": ("s3", _empty_bucket),
    "aws_sns_topic": ("sns", lambda c, a: c.delete_topic(TopicArn=a["arn"])),
    "aws_dynamodb_table": ("dynamodb", lambda c, a: c.delete_table(TableName=a["name"])),
    "aws_sqs_queue": ("sqs", lambda c, a: c.delete_queue(QueueUrl=a["url"])),
    "aws_ecr_repository": ("ecr", lambda c, a: c.delete_repository(repositoryName=a["name"], force=True)),
    "aws_vpc_endpoint": ("ec2", lambda c, a: c.delete_vpc_endpoints(VpcEndpointIds=[a["id"]])),
    "aws_security_group": ("ec2", lambda c, a: c.delete_security_group(GroupId=a["id"])),
    "aws_iam_role": ("iam", lambda c, a: c.delete_role(RoleName=a["name"])),
}


@pytest.mark.parametrize("deletions", [LEAVES, STEMS], ids=["leaves", "stems"])
def test_each_kind_of_thing_that_somebody_took_away_is_named(
    applied: Applied, deletions: Mapping[str, tuple[str, Delete]]
) -> None:
    """Every one of these types, so that nothing that indexes them is left; `stems` follows `leaves` on one AWS."""
    held: dict[str, list[Attributes]] = {}
    for entry in applied.resources():
        held.setdefault(entry["type"], []).extend(each["attributes"] for each in entry["instances"])
    assert set(LEAVES) | set(STEMS) == {e["type"] for e in applied.resources() if e["mode"] == "managed"}
    for kind, (service, delete) in deletions.items():
        client = applied.client(service)
        for attributes in held[kind]:
            delete(client, attributes)

    found = applied.run("drift", "--all", "--json")

    assert found.code == 3, found.out[-3000:] + found.err[-3000:]
    named = {change["type"] for environment in found.json["environments"] for change in environment["drift"]}
    assert set(deletions) - named == set()


def test_what_was_taken_away_is_made_again_and_then_nothing_changes(applied: Applied) -> None:
    """Follows `stems`: nearly all is gone, and things that stayed hang on things that went."""
    made = applied.run("apply", "--all", "--yes")
    assert made.code == 0, made.out[-3000:] + made.err[-3000:]

    again = applied.run("plan", "--all", "--json", "--detailed-exitcode")
    assert [environment["changes"] for environment in again.json["environments"]] == [[], []]
