"""What an environment may own of what stands in an account, where the embedded AWS cannot show it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.aws.adoptable import Adoptable, adoptable
from orchestrator.aws.session import AwsSession

KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"


def account(*tags: dict[str, str], **repository: Any) -> AwsSession:
    """A session whose account has one repository, `app`."""
    described = {"repositoryName": "app", "repositoryArn": "arn:app", **repository}
    pages = SimpleNamespace(paginate=lambda **_settings: [{"repositories": [described]}])
    client = SimpleNamespace(
        get_paginator=lambda _call: pages,
        get_registry_scanning_configuration=lambda: {"scanningConfiguration": {"scanType": "BASIC"}},
        get_registry_policy=lambda: {"policyText": '{"Statement": []}'},
        get_repository_policy=lambda **_name: {"policyText": '{"Statement": {"Sid": "One", "Principal": "*"}}'},
        get_lifecycle_policy=lambda **_name: {"lifecyclePolicyText": "{}"},
        list_tags_for_resource=lambda **_arn: {"tags": list(tags)},
    )
    return cast(AwsSession, SimpleNamespace(environment="dev", client=lambda _service: client))


def look(session: AwsSession, key_of_all: str | None = None) -> Adoptable:
    return adoptable(session, has_rules=False, key_of_all=key_of_all)


def test_a_repository_of_a_stack_belongs_to_the_stack() -> None:
    found = look(account({"Key": "aws:cloudformation:stack-name", "Value": "network"}))
    assert found.repositories == {}
    assert any("app is left out: the CloudFormation stack network owns it" in note for note in found.notes)


def test_tags_of_aws_are_not_written() -> None:
    found = look(account({"Key": "aws:servicecatalog:x", "Value": "1"}, {"Key": "team", "Value": "web"}))
    assert found.repositories["app"]["tags"] == {"team": "web"}


@pytest.mark.parametrize(
    ("encryption", "key_of_all", "reason"),
    [
        ({"encryptionType": "AES256"}, KEY, "it has no KMS key"),
        ({"encryptionType": "KMS_DSSE", "kmsKey": KEY}, None, "encrypted by KMS_DSSE"),
        ({"encryptionType": "KMS", "kmsKey": "alias/aws/ecr"}, None, "encrypted by KMS with alias/aws/ecr"),
    ],
)
def test_an_encryption_that_a_file_cannot_say_would_replace_the_repository(
    encryption: dict[str, str], key_of_all: str | None, reason: str
) -> None:
    found = look(account(encryptionConfiguration=encryption), key_of_all)
    assert found.repositories == {}
    assert any(reason in note for note in found.notes)


def test_a_key_and_a_policy_for_everybody() -> None:
    found = look(account(encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY}), KEY)
    assert found.repositories["app"]["kms_key_arn"] == KEY
    assert found.repositories["app"]["pull_account_ids"] == ()
    assert any("The policy of the repository app is left as it is" in note for note in found.notes)
