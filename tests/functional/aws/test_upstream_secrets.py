"""Upstream credentials: the shape, the name, and every state that a secret can be in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.session import AwsSession, open_session
from orchestrator.aws.upstream_credentials import Credentials
from orchestrator.aws.upstream_secrets import describe_secret, put_upstream_secret
from orchestrator.errors import OrchestratorError, RefusedInput

from .conftest import Target
from .scripted import endpoint, json_error

if TYPE_CHECKING:
    pass

NAME = "ecr-pullthroughcache/docker-hub"


def stored(session: AwsSession, name: str = NAME) -> object:
    return json.loads(session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def test_a_new_secret_has_the_shape_that_ecr_reads(session: AwsSession) -> None:
    made = put_upstream_secret(session, NAME, Credentials("me", "t0ken"), tags={"team": "platform"})
    assert made.created
    found = describe_secret(session, NAME)
    assert found is not None
    assert (found.arn, found.deleted) == (made.arn, False)
    assert stored(session) == {"username": "me", "accessToken": "t0ken"}
    tags = session.client("secretsmanager").describe_secret(SecretId=NAME)["Tags"]
    assert tags == [{"Key": "team", "Value": "platform"}]


def test_an_existing_secret_gets_a_new_value_and_keeps_its_arn(session: AwsSession) -> None:
    first = put_upstream_secret(session, NAME, Credentials("me", "old"))
    second = put_upstream_secret(session, NAME, Credentials("me", "new"), tags={"team": "platform"})
    assert (second.created, second.arn) == (False, first.arn)
    assert stored(session) == {"username": "me", "accessToken": "new"}


@pytest.mark.parametrize(
    "name",
    [
        "docker-hub",
        "ecr-pullthroughcache/",
        "ECR-pullthroughcache/x",
        "ecr-pullthroughcache/a b",
        "ecr-pullthroughcache/a\n",
    ],
)
def test_a_name_that_ecr_does_not_read_is_refused(session: AwsSession, name: str) -> None:
    with pytest.raises(RefusedInput, match="secret"):
        put_upstream_secret(session, name, Credentials("me", "token"))


def test_a_secret_that_waits_for_deletion_is_not_usable_and_says_how_to_get_it_back(session: AwsSession) -> None:
    put_upstream_secret(session, NAME, Credentials("me", "old"))
    session.client("secretsmanager").delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
    found = describe_secret(session, NAME)
    assert found is not None
    assert found.deleted
    with pytest.raises(OrchestratorError) as caught:
        put_upstream_secret(session, NAME, Credentials("me", "new"))
    assert "restore-secret" in caught.value.remedy


def test_a_secret_under_a_customer_managed_key_is_refused_because_ecr_cannot_read_it(session: AwsSession) -> None:
    session.client("secretsmanager").create_secret(Name=NAME, SecretString="{}", KmsKeyId="alias/own")
    with pytest.raises(OrchestratorError, match="alias/own"):
        put_upstream_secret(session, NAME, Credentials("me", "new"))


def test_absent_and_could_not_tell_are_different_answers(session: AwsSession, target: Target) -> None:
    assert describe_secret(session, NAME) is None
    with endpoint(lambda request: json_error("AccessDeniedException", "no")) as aws:
        denied = open_session(target, local=aws)
        with pytest.raises(OrchestratorError, match="secretsmanager:DescribeSecret"):
            describe_secret(denied, NAME)


def test_a_token_never_shows_in_a_representation() -> None:
    assert "t0ken" not in repr(Credentials("me", "t0ken"))
