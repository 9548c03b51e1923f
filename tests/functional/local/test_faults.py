"""Faults on demand and the record of calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.errors import OrchestratorError
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import forget_requests, recorded_requests, reset, set_faults
from tests.functional.local.conftest import make_client, refused, trust

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Faults and resets would reach every test of a shared server."""
    state_dir = tmp_path_factory.mktemp("faults")
    try:
        yield ensure_running(state_dir)
    finally:
        stop(state_dir)


@pytest.fixture
def server(own_server: LocalAws) -> LocalAws:
    reset(own_server)
    return own_server


@pytest.fixture
def ecr(server: LocalAws) -> Iterator[Any]:
    client = make_client(server, "ecr", ACCOUNT)
    yield client
    client.close()


def outcomes(client: Any, calls: int = 40) -> str:
    """One letter a call: `.` for an answer, `x` for an error."""
    seen = ""
    for _ in range(calls):
        try:
            client.describe_registry()
            seen += "."
        except ClientError:
            seen += "x"
    return seen


def test_a_share_of_calls_is_throttled_and_the_same_seed_fails_the_same_calls(server: LocalAws, ecr: Any) -> None:
    set_faults(server, {"rate": 0.2, "seed": 7})
    first = outcomes(ecr)
    assert 2 <= first.count("x") <= 16
    set_faults(server, {"rate": 0.2, "seed": 7})
    assert outcomes(ecr) == first
    set_faults(server, {"rate": 0.2, "seed": 8})
    assert outcomes(ecr) != first
    set_faults(server)
    assert outcomes(ecr) == "." * 40


@pytest.mark.parametrize("service", ["ecr", "iam", "ec2", "s3", "eks", "sts", "secretsmanager"])
@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500)])
def test_every_protocol_carries_the_error(server: LocalAws, service: str, code: str, status: int) -> None:
    set_faults(server, {"rate": 1.0, "code": code, "status": status})
    operation = {
        "ecr": "describe_registry",
        "iam": "list_roles",
        "ec2": "describe_vpcs",
        "s3": "list_buckets",
        "eks": "list_clusters",
        "sts": "get_caller_identity",
        "secretsmanager": "list_secrets",
    }[service]
    client = make_client(server, service, ACCOUNT)
    with refused(code, "Rate exceeded"):
        getattr(client, operation)()
    client.close()


def test_clients_ride_out_faults_that_end(server: LocalAws) -> None:
    set_faults(server, {"rate": 1.0, "limit": 2})
    client = make_client(server, "ecr", ACCOUNT, attempts=4)
    assert client.describe_registry()["registryId"] == ACCOUNT
    client.close()
    assert [request["fault"] for request in recorded_requests(server)] == [True, True, False]
    assert server.request("GET", "/_orchestrator/status")["faults_injected"] == 2


def test_faults_can_be_limited_to_services_and_operations(server: LocalAws, ecr: Any) -> None:
    set_faults(server, {"rate": 1.0, "services": ["iam"]}, {"rate": 1.0, "operations": ["GetRegistryPolicy"]})
    ecr.describe_registry()
    with refused("ThrottlingException"):
        ecr.get_registry_policy()


def test_calls_can_be_delayed(server: LocalAws, ecr: Any) -> None:
    set_faults(server, {"latency_ms": 200})
    started = time.monotonic()
    ecr.describe_registry()
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("fault", [{"rate": 2}, {"rate": -0.1}, {"status": 200}, {"chance": 0.5}])
def test_a_fault_that_cannot_be_is_refused(server: LocalAws, fault: dict[str, Any]) -> None:
    with pytest.raises(OrchestratorError):
        set_faults(server, fault)


def test_calls_are_recorded_with_who_made_them(server: LocalAws, ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")
    iam = make_client(server, "iam", ACCOUNT, region="us-east-1")
    iam.list_roles()
    eks = make_client(server, "eks", ACCOUNT)
    with refused("ResourceNotFoundException"):
        eks.describe_cluster(name="dev")
    s3 = make_client(server, "s3", ACCOUNT)
    s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="state", Key="a/b/c", Body=b"x")
    for client in (iam, eks, s3):
        client.close()
    found = recorded_requests(server)
    assert [(request["service"], request["operation"], request["status"]) for request in found] == [
        ("ecr", "CreateRepository", 200),
        ("iam", "ListRoles", 200),
        ("eks", "DescribeCluster", 404),
        ("s3", "CreateBucket", 200),
        ("s3", "PutBucketVersioning", 200),
        ("s3", "PutObject", 200),
    ]
    assert {request["account_id"] for request in found} == {ACCOUNT}
    assert found[0]["principal"] == f"arn:aws:iam::{ACCOUNT}:user/local"
    assert found[0]["region"] == "eu-west-1"
    forget_requests(server)
    assert recorded_requests(server) == []


def test_a_reset_forgets_everything(server: LocalAws, ecr: Any, tmp_path: Path) -> None:
    ecr.create_repository(repositoryName="app")
    iam = make_client(server, "iam", ACCOUNT)
    iam.create_role(RoleName="nodes", AssumeRolePolicyDocument=trust())
    reset(server)
    assert ecr.describe_repositories()["repositories"] == []
    assert iam.list_roles()["Roles"] == []
    iam.close()
