"""Whom ECR is asked to exclude from pull times: a session's role as IAM names it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.ports import CallerExclusion
from orchestrator.lifecycle.ports import PortError

ACCOUNT = "111122223333"
SSO = "AWSReservedSSO_Admin_0123456789abcdef"


class Sts:
    def __init__(self, arn: str) -> None:
        self._arn = arn

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": self._arn}


class Iam:
    """Knows the paths of roles; without them it denies."""

    def __init__(self, **paths: str) -> None:
        self._paths = paths

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if RoleName not in self._paths:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetRole")
        return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role{self._paths[RoleName]}{RoleName}"}}


class Ecr:
    """Takes any principal, as ECR does: one that nobody is would be excluded in vain."""

    def __init__(self) -> None:
        self.registered: list[str] = []

    def list_pull_time_update_exclusions(self) -> dict[str, list[str]]:
        return {"pullTimeUpdateExclusions": []}

    def register_pull_time_update_exclusion(self, principalArn: str) -> None:  # noqa: N803 - AWS's name
        self.registered.append(principalArn)


def registered(session: str, iam: Iam | None) -> list[str]:
    ecr = Ecr()
    CallerExclusion(ecr, Sts(session), mode="require", iam=iam).ensure()
    return ecr.registered


def test_a_role_is_excluded_with_its_path() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO}/me@example.com"
    path = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
    assert registered(session, Iam(**{SSO: path})) == [f"arn:aws:iam::{ACCOUNT}:role{path}{SSO}"]


def test_without_the_right_to_ask_a_role_that_must_have_a_path_reads_no_manifest() -> None:
    with pytest.raises(PortError, match="PullTimesWouldChange"):
        registered(f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO}/me@example.com", Iam())


def test_without_the_right_to_ask_any_other_role_is_taken_to_have_none() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me"
    assert registered(session, Iam()) == [f"arn:aws:iam::{ACCOUNT}:role/deployer"]
    assert registered(session, None) == [f"arn:aws:iam::{ACCOUNT}:role/deployer"]


def test_a_user_is_excluded_as_it_is() -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user/team/me"
    assert registered(user, Iam()) == [user]
