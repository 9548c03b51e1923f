"""Accounts, regions, partitions, and what is answered for what is not served."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.controls import recorded_requests
from tests.functional.local.conftest import Clients, trust

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

OTHER = "444455556666"


def test_the_access_key_chooses_the_account(clients: Clients, account_id: str) -> None:
    assert clients("sts").get_caller_identity()["Account"] == account_id
    assert clients("sts", account=OTHER).get_caller_identity()["Account"] == OTHER


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
    ],
)
def test_each_region_has_the_arns_and_hosts_of_its_partition(
    clients: Clients, account_id: str, region: str, partition: str, suffix: str
) -> None:
    arn = clients("sts", region=region).get_caller_identity()["Arn"]
    assert arn == f"arn:{partition}:iam::{account_id}:user/local"
    repository = clients("ecr", region=region).create_repository(repositoryName="team/app")["repository"]
    assert repository["repositoryArn"] == f"arn:{partition}:ecr:{region}:{account_id}:repository/team/app"
    assert repository["repositoryUri"] == f"{account_id}.dkr.ecr.{region}.{suffix}/team/app"
    token = clients("ecr", region=region).get_authorization_token()["authorizationData"][0]
    assert token["proxyEndpoint"] == f"https://{account_id}.dkr.ecr.{region}.{suffix}"
    assert token["expiresAt"].timestamp() > time.time()
    role = clients("iam", region=region).create_role(RoleName="nodes", AssumeRolePolicyDocument=trust())["Role"]
    assert role["Arn"] == f"arn:{partition}:iam::{account_id}:role/nodes"


def test_accounts_and_regions_do_not_see_each_other(clients: Clients, ecr: Any) -> None:
    ecr.create_repository(repositoryName="mine")
    assert clients("ecr", region="eu-central-1").describe_repositories()["repositories"] == []
    other = clients("ecr", account="777788889999").describe_repositories()["repositories"]
    assert "mine" not in [repository["repositoryName"] for repository in other]


def test_a_registry_id_reaches_the_registry_of_another_account(clients: Clients, ecr: Any, account_id: str) -> None:
    ecr.create_repository(repositoryName="shared")
    seen = clients("ecr", account=OTHER).describe_repositories(registryId=account_id)["repositories"]
    assert [repository["registryId"] for repository in seen] == [account_id]


def test_an_assumed_role_acts_in_the_account_of_the_role(local_aws: LocalAws, clients: Clients) -> None:
    target = "222233334444"
    answer = clients("sts").assume_role(RoleArn=f"arn:aws:iam::{target}:role/deployer", RoleSessionName="ci")
    keys = answer["Credentials"]
    credentials = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    identity = clients("sts", **credentials).get_caller_identity()
    assert identity["Account"] == target
    assert identity["Arn"] == f"arn:aws:sts::{target}:assumed-role/deployer/ci"
    repository = clients("ecr", **credentials).create_repository(repositoryName="by-role")["repository"]
    assert repository["registryId"] == target
    last = recorded_requests(local_aws)[-1]
    assert (last["operation"], last["principal"]) == ("CreateRepository", identity["Arn"])
    role = clients("iam", **credentials).create_role(RoleName="made-by-role", AssumeRolePolicyDocument=trust())["Role"]
    assert role["Arn"].split(":")[4] == target


def test_aws_managed_policies_exist(clients: Clients) -> None:
    policy = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    assert clients("iam").get_policy(PolicyArn=policy)["Policy"]["Arn"] == policy


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("ecr", "get_signing_configuration", {}),
        ("eks", "list_insights", {"clusterName": "dev"}),
        ("iam", "get_service_last_accessed_details", {"JobId": "x" * 36}),
        ("ec2", "describe_ipam_policies", {}),
        ("secretsmanager", "validate_resource_policy", {"ResourcePolicy": "{}"}),
    ],
)
def test_what_is_not_served_is_refused_at_once_by_name(
    clients: Clients, service: str, operation: str, arguments: dict[str, str]
) -> None:
    client = clients(service, attempts=8)
    if not hasattr(client, operation):
        pytest.skip(f"this botocore has no {service}:{operation}")
    name = client.meta.method_to_api_mapping[operation]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "NotImplemented"
    assert f"{service}:{name}" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_calls_share_a_connection(local_aws: LocalAws) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", local_aws.port, timeout=10)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/_orchestrator/status", headers={"X-Orchestrator-Start-Id": local_aws.start_id})
        assert connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert sockets != {None}


def test_a_request_whose_client_left_halfway_does_nothing(
    local_aws: LocalAws, clients: Clients, account_id: str
) -> None:
    s3, bucket = clients("s3"), f"bucket-{account_id}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    target = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "half"}))
    with socket.create_connection(("127.0.0.1", local_aws.port), timeout=10) as connection:
        head = f"PUT {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 500)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_objects_go_in_and_out_of_s3_whole(clients: Clients, account_id: str) -> None:
    s3, bucket, content = clients("s3"), f"bucket-{account_id}", bytes(range(256)) * 8192
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="a/b", Body=content)
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == content
    assert s3.head_object(Bucket=bucket, Key="a/b")["ContentLength"] == len(content)
    s3.delete_object(Bucket=bucket, Key="a/b")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
