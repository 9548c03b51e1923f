"""The published deployer policy: up to date, within IAM's limits, made of actions that exist, each with a reason."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from orchestrator.aws.deployer_functions import FUNCTION_STATEMENTS
from orchestrator.aws.deployer_policy import CORE_STATEMENTS, STATE_BUCKET, STATEMENTS
from orchestrator.aws.statements import MAX_CHARACTERS, Statement, characters, document
from orchestrator.environment.model import Environment
from scripts.write_deployer_policy import DOCS, files

ALL = (*STATEMENTS, STATE_BUCKET)

# Actions that are no operation of the service's API, from the service authorization reference.
PERMISSIONS_ONLY = {
    "iam:PassRole",
    "lambda:InvokeFunction",
    "s3:DeleteObjectVersion",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketCORS",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucketVersions",
    "s3:PutLifecycleConfiguration",
    "s3:DeleteObject",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
}


def test_the_published_files_are_up_to_date() -> None:
    for name, content in files().items():
        assert (DOCS / name).read_text() == content, "run `python -m scripts.write_deployer_policy`"


@pytest.mark.parametrize("statements", [CORE_STATEMENTS, FUNCTION_STATEMENTS, (STATE_BUCKET,)])
def test_each_document_fits_into_one_managed_policy(statements: tuple[Statement, ...]) -> None:
    assert characters(document(statements)) <= MAX_CHARACTERS


def test_the_length_is_counted_as_iam_counts_it() -> None:
    assert characters({"Sid": "a b"}) == len('{"Sid":"ab"}')


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.sid)
def test_each_action_is_one_that_aws_has(statement: Statement) -> None:
    session = botocore.session.get_session()
    for action in statement.all_actions:
        service, _, operation = action.partition(":")
        if action in PERMISSIONS_ONLY:
            continue
        assert operation in session.get_service_model(service).operation_names, action


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.sid)
def test_each_statement_has_a_reason_and_a_sid_that_iam_takes(statement: Statement) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]+", statement.sid)
    assert statement.reason.endswith(".")
    assert all(reason.endswith(".") for reason in statement.unseen.values())
    assert statement.all_actions


def test_no_action_is_a_wildcard() -> None:
    assert not [action for statement in ALL for action in statement.all_actions if "*" in action or "?" in action]


def test_roles_are_passed_to_named_services_only() -> None:
    for statement in STATEMENTS:
        if "iam:PassRole" in statement.all_actions:
            assert "iam:PassedToService" in statement.condition["StringEquals"]


def needed(**changes: Any) -> set[str]:
    values = {
        "name": "dev",
        "cluster_name": "dev",
        "account_id": "111111111111",
        "aws_region": "eu-central-1",
        "create_vpc_endpoints": False,
        **changes,
    }
    environment = Environment.model_validate(values)
    return {statement.sid for statement in STATEMENTS if statement.needed(environment)}


KEY = "arn:aws:kms:eu-central-1:111111111111:key/1"
HUB = {"upstream_registry_url": "registry-1.docker.io", "secret_name": "ecr-pullthroughcache/hub"}


@pytest.mark.parametrize(
    ("changes", "adds"),
    [
        ({}, set()),
        ({"create_vpc_endpoints": True}, {"Endpoints"}),
        ({"pull_through_cache_rules": {"quay": {"upstream_registry_url": "quay.io"}}}, {"ServiceLinkedRoles"}),
        ({"pull_through_cache_rules": {"hub": HUB}}, {"ServiceLinkedRoles", "UpstreamSecrets"}),
        ({"root_template": {}}, {"ServiceLinkedRoles", "TemplatesForRepositories"}),
        (
            {"root_template": {"custom_role_arn": "arn:aws:iam::111111111111:role/ecr"}},
            {"ServiceLinkedRoles", "TemplatesForRepositories", "RolesForEcr"},
        ),
        ({"kms_key_arn": "arn:aws:kms:eu-central-1:111111111111:key/1"}, {"RepositoryKeys"}),
        ({"registry_scanning": {"scan_type": "ENHANCED"}}, {"EnhancedScanning", "ServiceLinkedRoles"}),
        ({"node_role_names": ["nodes"]}, {"Roles"}),
        ({"node_role_names": ["nodes"], "attach_ecr_policy": False}, set()),
        ({"machine_pools": {"a": {"instance_profile": "p"}}}, {"Roles", "InstanceProfiles"}),
        (
            {"push_roles": {"ci": {"repositories": ["a"], "pod_identity": {"namespace": "n", "service_account": "s"}}}},
            {"Roles", "PodIdentity", "RolesForPods"},
        ),
        ({"state": {"bucket": "b"}}, {"State"}),
        ({"state": {"bucket": "b", "kms_key_arn": "arn:aws:kms:eu-central-1:1:key/1"}}, {"State", "StateKey"}),
        (
            {"lifecycle_manager": {"enabled": True}},
            {"Alarms", "Events", "Functions", "LogGroups", "Logs", "QueueOfTheFunction", "Queues", "Records"}
            | {"Roles", "RolesForFunctions", "Topics"},
        ),
        (
            {"scan_findings": {"enabled": True}},
            {"Alarms", "Events", "Functions", "LogGroups", "Logs", "Queues", "Records", "Roles", "RolesForFunctions"}
            | {"Topics"},
        ),
        ({"mirror_queue": {"enabled": True}}, {"CopyTable", "Queues"}),
        (
            {"mirror_queue": {"enabled": True, "workers": {"pod_identity": True}}},
            {"CopyTable", "Queues", "Roles", "PodIdentity", "RolesForPods"},
        ),
        ({"mirror_queue": {"workers": {"pod_identity": True}}}, set()),
        ({"image_swapper": {"enabled": True}}, {"CopyTable", "Events", "Queues"}),
        (
            {"image_swapper": {"enabled": True, "pods": {"pod_identity": True}}},
            {"CopyTable", "Events", "Queues", "Roles", "PodIdentity", "RolesForPods"},
        ),
        ({"lifecycle_manager": {"keep_records": True}}, {"Records"}),
        ({"lifecycle_manager": {"keep_records": True, "kms_key_arn": KEY}}, {"Records", "KeyOfRecords"}),
        ({"lifecycle_manager": {"usage": {"pod_identity": True}}}, {"Roles", "PodIdentity", "RolesForPods"}),
        ({"monitoring": {"enabled": True}}, {"Alarms", "Topics"}),
        ({"assume_role_arn": "arn:aws:iam::111111111111:role/deployer"}, {"Identity"}),
    ],
)
def test_an_environment_needs_what_it_makes(changes: dict[str, Any], adds: set[str]) -> None:
    assert needed(**changes) - needed() == adds


@pytest.mark.parametrize(
    ("setting", "adds"),
    [
        ({"reserved_concurrency": 10}, {"ReservedConcurrency"}),
        ({"force_destroy_records": True}, {"EmptyingRecords"}),
        ({"kms_key_arn": KEY}, {"KeyOfRecords"}),
    ],
)
def test_a_setting_of_the_manager_needs_what_it_does(setting: dict[str, Any], adds: set[str]) -> None:
    plain = needed(lifecycle_manager={"enabled": True})
    assert needed(lifecycle_manager={"enabled": True, **setting}) - plain == adds


def test_reserved_concurrency_of_any_deployed_function_needs_its_actions() -> None:
    assert "ReservedConcurrency" in needed(scan_findings={"enabled": True, "reserved_concurrency": 5})
    assert "ReservedConcurrency" not in needed(scan_findings={"enabled": False, "reserved_concurrency": 5})


def test_an_environment_that_owns_no_registry_touches_none() -> None:
    assert "Registry" in needed()
    assert not needed(manage_registry=False, pull_through_cache_rules={"hub": HUB}) & {"Registry", "UpstreamSecrets"}
