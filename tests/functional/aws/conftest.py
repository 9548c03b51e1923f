"""A session in the embedded AWS, as an account that nobody else uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.session import AwsSession, open_session

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


@dataclass(frozen=True)
class Target:
    account_id: str
    name: str = "dev"
    aws_region: str = "eu-central-1"
    aws_profile: str | None = None
    assume_role_arn: str | None = None


@pytest.fixture
def target(account_id: str) -> Target:
    return Target(account_id)


@pytest.fixture
def session(local_aws: LocalAws, target: Target) -> AwsSession:
    return open_session(target, local=local_aws)


@pytest.fixture
def session_of(local_aws: LocalAws, account_id: str) -> Callable[..., AwsSession]:
    def make(region: str = "eu-central-1", account: str | None = None) -> AwsSession:
        return open_session(Target(account or account_id, aws_region=region), local=local_aws)

    return make
