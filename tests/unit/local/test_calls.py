"""What an HTTP request asks of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.local.calls import parse_call

SECRET = "0123456789ABCDEF" * 2
KEY = "AKIA111122223333" + SECRET


def environ(
    service: str,
    key: str = KEY,
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    **headers: str,
) -> dict[str, Any]:
    signature = f"AWS4-HMAC-SHA256 Credential={key}/20260701/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": signature,
        **headers,
    }


FORM = "application/x-www-form-urlencoded; charset=utf-8"


@pytest.mark.parametrize(
    ("request_environ", "body", "operation"),
    [
        (environ("ecr", HTTP_X_AMZ_TARGET="AmazonEC2ContainerRegistry_V20150921.PutImage"), b"{}", "PutImage"),
        (environ("iam", CONTENT_TYPE=FORM), b"Action=GetRole&Version=2010-05-08&RoleName=a", "GetRole"),
        (environ("ec2", CONTENT_TYPE=FORM), b"Action=DescribeVpcs&VpcId.1=vpc-1", "DescribeVpcs"),
        (environ("s3", method="PUT", path="/bucket", query="versioning"), b"", "PutBucketVersioning"),
        (environ("s3", method="PUT", path="/bucket/a/b/c"), b"x", "PutObject"),
        (environ("s3", method="PUT", path="/bucket/a", HTTP_X_AMZ_COPY_SOURCE="b/c"), b"", "CopyObject"),
        (environ("s3", method="GET", path="/bucket", query="list-type=2&prefix=a"), b"", "ListObjectsV2"),
        (environ("s3", method="HEAD", path="/bucket"), b"", "HeadBucket"),
        (environ("eks", method="GET", path="/clusters/dev"), b"", "DescribeCluster"),
        (
            environ("lambda", method="GET", path="/2015-03-31/functions/f/configuration"),
            b"",
            "GetFunctionConfiguration",
        ),
        (environ("nothing", method="GET"), b"", ""),
    ],
)
def test_the_operation_is_read_in_every_protocol(request_environ: dict[str, Any], body: bytes, operation: str) -> None:
    call = parse_call(request_environ, body)
    assert (call.operation, call.region, call.account_id) == (operation, "eu-west-1", "111122223333")


def test_values_of_the_path_are_named_even_with_slashes() -> None:
    arn = "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/dev/a-1"
    call = parse_call(environ("eks", method="GET", path=f"/tags/{arn}"), b"")
    assert (call.operation, call.path_values) == ("ListTagsForResource", {"resourceArn": arn})


@pytest.mark.parametrize(
    "key",
    ["ASIAQWERTYUIOPASDFGH", "AKIA111122223333", KEY[:-1], KEY + "0", KEY.lower(), KEY.replace("1111", "１１１１")],
)
def test_other_keys_name_no_account(key: str) -> None:
    assert parse_call(environ("sts", key), b"").account_id is None


def test_a_presigned_request_is_read_from_its_query() -> None:
    request_environ = environ("s3", method="GET", path="/bucket/key")
    del request_environ["HTTP_AUTHORIZATION"]
    request_environ["QUERY_STRING"] = (
        f"X-Amz-Credential=AKIA444455556666{SECRET}%2F20260701%2Feu-west-1%2Fs3%2Faws4_request"
    )
    call = parse_call(request_environ, b"")
    assert (call.service, call.account_id, call.operation) == ("s3", "444455556666", "GetObject")
