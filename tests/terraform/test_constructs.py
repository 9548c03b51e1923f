"""What CDK programs synthesise is what the root module plans for the same environment."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.constructs.cache_resources import cache_resources
from orchestrator.constructs.manager_resources import manager_resources
from orchestrator.local.placeholders import ensure_placeholders
from orchestrator.project import Project
from tests.terraform.conftest import REPOSITORY, Root, var_files

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

GUIDE = REPOSITORY / "docs" / "guide" / "cdk.md"
PARTS = ("module.pull_through_cache[0]", "module.lifecycle_manager[0]")
# A zip lies elsewhere in an application.
ELSEWHERE = frozenset({"filename", "source_code_hash"})

Planned = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def prod(local_aws: LocalAws) -> Environment:
    environment = Project(REPOSITORY).load("prod")
    ensure_placeholders(local_aws, environment)
    return environment


@pytest.fixture(scope="module")
def planned(root: Root, prod: Environment) -> Planned:
    """{(address below its module, type): values} of what the root module would create."""
    return below(root.plan(prod, *var_files("prod")), PARTS)


def below(plan: dict[str, Any], modules: tuple[str, ...]) -> Planned:
    found: Planned = {}
    for change in plan["resource_changes"]:
        for module in modules:
            if change["address"].startswith(f"{module}.") and change["change"]["actions"] == ["create"]:
                address = change["address"].removeprefix(f"{module}.")
                after = {key: value for key, value in change["change"]["after"].items() if key not in ELSEWHERE}
                found[address, change["type"]] = after
    return found


def of_type(planned: Planned, kind: str) -> list[dict[str, Any]]:
    return [values for (_, found), values in planned.items() if found == kind]


def properties(resources: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def by(key: str, values: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {value[key]: value for value in values}


@pytest.fixture(scope="module")
def made(prod: Environment) -> dict[str, dict[str, Any]]:
    secret = f"arn:aws:secretsmanager:{prod.aws_region}:{prod.account_id}:secret:"
    rules = prod.pull_through_cache_rules
    credentials = {prefix: f"{secret}{rule.secret_name}-AbCdEf" for prefix, rule in rules.items() if rule.secret_name}
    return {**cache_resources(prod, credentials), **manager_resources(prod, {"S3Bucket": "b", "S3Key": "k"})}


@pytest.mark.long
@pytest.mark.terraform
def test_a_role_may_do_what_the_modules_role_may(planned: Planned, made: dict[str, dict[str, Any]]) -> None:
    policies = {one["name"]: json.loads(one["policy"]) for one in of_type(planned, "aws_iam_role_policy")}
    roles = by("name", of_type(planned, "aws_iam_role"))
    found = properties(made, "AWS::IAM::Role")
    assert {one["PolicyName"]: one["PolicyDocument"] for role in found for one in role["Policies"]} == policies
    assert {role["RoleName"]: role["AssumeRolePolicyDocument"] for role in found} == {
        name: json.loads(role["assume_role_policy"]) for name, role in roles.items()
    }


@pytest.mark.long
@pytest.mark.terraform
def test_what_calls_and_what_rings_is_the_same(planned: Planned, made: dict[str, dict[str, Any]]) -> None:
    rules = by("name", of_type(planned, "aws_cloudwatch_event_rule"))
    assert {
        rule["Name"]: (rule.get("ScheduleExpression"), rule.get("EventPattern"))
        for rule in properties(made, "AWS::Events::Rule")
    } == {
        name: (rule["schedule_expression"], rule["event_pattern"] and json.loads(rule["event_pattern"]))
        for name, rule in rules.items()
    }
    alarms = by("alarm_name", of_type(planned, "aws_cloudwatch_metric_alarm"))
    names = {
        "alarm_description": "AlarmDescription",
        "namespace": "Namespace",
        "metric_name": "MetricName",
        "statistic": "Statistic",
        "period": "Period",
        "evaluation_periods": "EvaluationPeriods",
        "threshold": "Threshold",
        "comparison_operator": "ComparisonOperator",
        "treat_missing_data": "TreatMissingData",
    }
    found = by("AlarmName", properties(made, "AWS::CloudWatch::Alarm"))
    assert len(found) == 8
    assert {name: {key: alarm[of] for key, of in names.items()} for name, alarm in found.items()} == {
        name: {key: alarm[key] for key in names} for name, alarm in alarms.items()
    }
    assert {name: {one["Name"]: one["Value"] for one in alarm["Dimensions"]} for name, alarm in found.items()} == {
        name: alarm["dimensions"] for name, alarm in alarms.items()
    }


@pytest.mark.long
@pytest.mark.terraform
def test_queues_records_and_the_function_are_the_same(planned: Planned, made: dict[str, dict[str, Any]]) -> None:
    queues = by("name", of_type(planned, "aws_sqs_queue"))
    policies = {
        made[one["Queues"][0]["Ref"]]["Properties"]["QueueName"]: one["PolicyDocument"]
        for one in properties(made, "AWS::SQS::QueuePolicy")
    }
    assert policies == {name: json.loads(queue["policy"]) for name, queue in queues.items()}
    for queue in properties(made, "AWS::SQS::Queue"):
        theirs = queues[queue["QueueName"]]
        assert queue["MessageRetentionPeriod"] == theirs["message_retention_seconds"]
        assert queue.get("VisibilityTimeout", 30) == theirs["visibility_timeout_seconds"]
    (bucket,), (theirs,) = properties(made, "AWS::S3::Bucket"), of_type(planned, "aws_s3_bucket")
    assert bucket["BucketName"] == theirs["bucket"]
    (lifecycle,) = of_type(planned, "aws_s3_bucket_lifecycle_configuration")
    days = {rule["id"]: [one["days"] for one in rule["expiration"]] for rule in lifecycle["rule"]}
    assert {
        rule["Id"]: [rule["ExpirationInDays"]] if "ExpirationInDays" in rule else []
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    } == days
    (function,), (theirs,) = properties(made, "AWS::Lambda::Function"), of_type(planned, "aws_lambda_function")
    assert (function["FunctionName"], function["Handler"], function["Runtime"]) == (
        *(theirs["function_name"], theirs["handler"], theirs["runtime"]),
    )
    assert (function["MemorySize"], function["Timeout"], function["Architectures"]) == (
        *(theirs["memory_size"], theirs["timeout"], theirs["architectures"]),
    )


@pytest.mark.long
@pytest.mark.terraform
def test_rules_and_templates_are_the_same(planned: Planned, made: dict[str, dict[str, Any]]) -> None:
    rules = by("ecr_repository_prefix", of_type(planned, "aws_ecr_pull_through_cache_rule"))
    found = by("EcrRepositoryPrefix", properties(made, "AWS::ECR::PullThroughCacheRule"))
    assert {prefix: (rule["UpstreamRegistryUrl"], "CredentialArn" in rule) for prefix, rule in found.items()} == {
        prefix: (rule["upstream_registry_url"], rule.get("credential_arn") is not None)
        for prefix, rule in rules.items()
    }
    (template,) = properties(made, "AWS::ECR::RepositoryCreationTemplate")
    (theirs,) = of_type(planned, "aws_ecr_repository_creation_template")
    assert (template["Prefix"], template["Description"], template["CustomRoleArn"]) == (
        *(theirs["prefix"], theirs["description"], theirs["custom_role_arn"]),
    )
    assert template["EncryptionConfiguration"] == {
        "EncryptionType": theirs["encryption_configuration"][0]["encryption_type"],
        "KmsKey": theirs["encryption_configuration"][0]["kms_key"],
    }
    assert {one["Key"]: one["Value"] for one in template["ResourceTags"]} == theirs["resource_tags"]


def example(marker: str) -> str:
    """The Python example of the guide that imports `marker`."""
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)
    (found,) = (block for block in blocks if marker in block)
    return found


def run_example(folder: Path, text: str) -> None:
    shutil.copytree(REPOSITORY / "environments", folder / "environments", ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "app.py").write_text(text, "utf-8")
    done = subprocess.run([sys.executable, "app.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.terraform
def test_cdk_terrain_plans_what_the_root_module_plans(
    root: Root, prod: Environment, planned: Planned, tmp_path: Path
) -> None:
    run_example(tmp_path, example("orchestrator.constructs.terrain"))
    stack = tmp_path / "cdktf.out" / "stacks" / "registry"
    document = json.loads((stack / "cdk.tf.json").read_text("utf-8"))
    assert document["output"]["web"]["value"] == f"{prod.registry.host}/docker-hub/library/nginx:1.25"

    plan = root.plan(prod, folder=stack)

    assert below(plan, ("module.cache", "module.manager")) == planned
    (task,) = (one for one in plan["resource_changes"] if one["type"] == "aws_ecs_task_definition")
    (container,) = json.loads(task["change"]["after"]["container_definitions"])
    assert container["image"] == f"{prod.registry.host}/quay/prometheus/prometheus:v3"


@pytest.mark.long
def test_aws_cdk_synthesises_the_same_resources_and_redirects_every_image(
    prod: Environment, made: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    run_example(tmp_path, example("orchestrator.constructs.aws_cdk"))

    path = tmp_path / "cdk.out" / "registry.template.json"
    checked = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), "--format", "parseable", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    # The user guide calls one right by another name than the API, and the role has both.
    complaints = [line for line in checked.stdout.splitlines() if "'createpulltimeupdateexclusion'" not in line]
    assert complaints == []
    assert checked.stdout.count("W3037") == 1, checked.stdout + checked.stderr
    resources = json.loads(path.read_text("utf-8"))["Resources"].values()
    for kind in {resource["Type"] for resource in made.values()}:
        assert sum(one["Type"] == kind for one in resources) >= sum(one["Type"] == kind for one in made.values()), kind
    (task,) = (one for one in resources if one["Type"] == "AWS::ECS::TaskDefinition")
    images = [container["Image"] for container in task["Properties"]["ContainerDefinitions"]]
    assert images == [
        f"{prod.registry.host}/docker-hub/library/nginx:1.25",
        f"{prod.registry.host}/quay/prometheus/node-exporter:v1.8.2",
    ]
    (manifest,) = (one for one in resources if one["Type"] == "Custom::AWSCDK-EKS-KubernetesResource")
    (pod,) = json.loads(manifest["Properties"]["Manifest"])
    assert pod["spec"]["containers"][0]["image"] == f"{prod.registry.host}/docker-hub/bitnami/redis:7"


STAGES = """
import sys
from pathlib import Path

import aws_cdk
from aws_cdk import aws_ecs

from orchestrator.constructs.aws_cdk import ClusterImages
from orchestrator.project import Project

environment = Project(Path(".")).load("prod")
app = aws_cdk.App(outdir="cdk.out")


def web(scope, name):
    stack = aws_cdk.Stack(scope, name, env=aws_cdk.Environment(account=environment.account_id, region=environment.aws_region))
    task = aws_ecs.FargateTaskDefinition(stack, "Web")
    task.add_container("web", image=aws_ecs.ContainerImage.from_registry("nginx:1.25"))
    return stack


def images(assembly):
    for stack in assembly.stacks:
        for resource in stack.template["Resources"].values():
            for container in resource["Properties"].get("ContainerDefinitions", ()):
                yield stack.stack_name, container["Image"]
    for nested in assembly.nested_assemblies:
        yield from images(nested.nested_assembly)


top = web(app, "top")
stage = aws_cdk.Stage(app, "wave")
web(stage, "a")
web(aws_cdk.Stage(stage, "inner"), "b")
ClusterImages(top, "Images", environment=environment).redirect_everything(app)
# A stack may still come, a Stage may not.
web(stage, "c")
if "late" in sys.argv:
    web(aws_cdk.Stage(app, "late"), "d")
for name, image in sorted(images(app.synth())):
    print(name, image)
"""


@pytest.mark.long
def test_stages_of_a_pipeline_are_redirected_too_and_one_that_comes_too_late_is_said(
    prod: Environment, tmp_path: Path
) -> None:
    shutil.copytree(
        REPOSITORY / "environments", tmp_path / "environments", ignore=shutil.ignore_patterns(".terraform*")
    )
    (tmp_path / "app.py").write_text(STAGES, "utf-8")
    command = [sys.executable, "app.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    there = f"{prod.registry.host}/docker-hub/library/nginx:1.25"
    named = [f"{name} {there}" for name in ("top", "wave-a", "wave-c", "wave-inner-b")]
    assert done.stdout.splitlines() == named
    late = subprocess.run([*command, "late"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert late.returncode != 0
    assert "The images of late are not redirected." in late.stderr
    assert "Call redirect_everything after the last Stage is made." in late.stderr
