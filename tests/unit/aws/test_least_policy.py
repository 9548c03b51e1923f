"""The least policy of one environment: its statements alone, in its account, within IAM's limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.aws.deployer_policy import STATEMENTS
from orchestrator.aws.least_policy import least_statements, policy_parts
from orchestrator.aws.statements import MAX_CHARACTERS, characters
from orchestrator.environment.model import Environment
from orchestrator.project import Project

PROJECT = Project(Path(__file__).resolve().parents[3])
NAMES = PROJECT.environment_names()
SMALLEST = {"name": "a", "cluster_name": "a", "account_id": "111122223333", "aws_region": "us-gov-west-1"}


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_gets_what_it_needs_and_nothing_of_other_accounts(name: str) -> None:
    environment = PROJECT.load(name)
    found = least_statements(environment)
    assert [each.sid for each in found] == [each.sid for each in STATEMENTS if each.needed(environment)]
    for statement in found:
        for resource in statement.resources:
            assert not resource.startswith("arn:*"), resource
            assert (
                resource == "*"
                or environment.account_id in resource
                or ":aws-service-role/" in resource
                or ":s3:::" in resource
            )
    parts = policy_parts(found)
    assert all(characters(part) <= MAX_CHARACTERS for part in parts)
    assert [each["Sid"] for part in parts for each in part["Statement"]] == [each.sid for each in found]


def test_what_a_file_does_not_use_is_not_allowed() -> None:
    bare = Environment.model_validate({**SMALLEST, "create_vpc_endpoints": False, "manage_registry": False})
    assert {each.sid for each in least_statements(bare)} == {"Repositories"}


def test_partition_keys_and_buckets_are_those_of_the_file() -> None:
    key = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    environment = Environment.model_validate(
        {
            **SMALLEST,
            "kms_key_arn": key,
            "state": {"bucket": "states", "kms_key_arn": key.replace("1111-2222", "1111-3333")},
            "lifecycle_manager": {"enabled": True},
        }
    )
    resources = {each.sid: each.resources for each in least_statements(environment)}
    assert resources["Repositories"] == ("arn:aws-us-gov:ecr:us-gov-west-1:111122223333:repository/*",)
    assert resources["State"] == ("arn:aws-us-gov:s3:::states", "arn:aws-us-gov:s3:::states/*")
    assert resources["RepositoryKeys"] == (key,)
    assert resources["StateKey"] == (key.replace("1111-2222", "1111-3333"),)
    assert resources["Records"] == ("arn:aws-us-gov:s3:::ecr-lifecycle-111122223333-us-gov-west-1",)
    assert resources["Roles"] == ("arn:aws-us-gov:iam::111122223333:role/*",)


def test_a_long_policy_is_cut_between_statements() -> None:
    statements = least_statements(PROJECT.load("prod"))
    assert len(policy_parts(statements, largest=2000)) > len(policy_parts(statements))
