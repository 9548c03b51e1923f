"""Clients of the embedded AWS, each ECR answer checked against botocore's model from the outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from orchestrator.local.shapes import misfits

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

REGION = "eu-west-1"
Clients = Callable[..., Any]


def _fits_the_model(http_response: Any, model: Any, **_: object) -> None:
    if http_response.status_code == 200:
        found = list(misfits(json.loads(http_response.content), model.output_shape, is_answer=True))
        assert not found, f"{model.name}: {found}"


# Services' models, read once for all clients: to read them again took most of the time that a test's clients took.
_MODELS = botocore.loaders.create_loader()


def make_client(
    local: LocalAws, service: str, account_id: str, region: str = REGION, *, attempts: int = 1, **credentials: str
) -> Any:
    """A client without retries, unless `attempts` says otherwise, and without botocore's own checks of parameters."""
    core = botocore.session.Session()
    core.register_component("data_loader", _MODELS)
    session = boto3.Session(botocore_session=core)
    keys = credentials or {"aws_access_key_id": local.access_key_for(account_id), "aws_secret_access_key": "local"}
    client: Any = session.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        endpoint_url=local.endpoint,
        config=Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            parameter_validation=False,
            # The first call of a service imports it, which takes a busy machine more than botocore's minute.
            read_timeout=300,
            s3={"addressing_style": "path"},
        ),
        **keys,
    )
    if service == "ecr":
        client.meta.events.register("after-call.ecr", _fits_the_model)
    return client


@pytest.fixture
def clients(local_aws: LocalAws, account_id: str) -> Iterator[Clients]:
    """Make a client: clients("ecr"), clients("ecr", account=OTHER, region="us-gov-west-1")."""
    made: list[Any] = []

    def make(service: str, *, account: str | None = None, region: str = REGION, **options: Any) -> Any:
        made.append(make_client(local_aws, service, account or account_id, region, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def ecr(clients: Clients) -> Any:
    """ECR of the test's own account in eu-west-1."""
    return clients("ecr")


def trust(service: str = "ec2.amazonaws.com") -> str:
    """The trust policy of a role that the service assumes."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    """The call inside is refused with this AWS error code, and a message that contains `message`."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"]
