"""The table of refusals: complete against botocore's model, and each one happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StringShape, StructureShape

from orchestrator.local.ecr.aws_refusals import NOT_SERVED, REFUSALS
from orchestrator.local.ecr.service import OPERATIONS
from scripts.write_refusals import main
from tests.functional.local.conftest import Clients, refused
from tests.functional.local.refusal_cases import CASES, TOO_LARGE
from tests.functional.local.refused_account import World

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


MODEL = botocore.session.get_session().get_service_model("ecr")


def test_every_error_of_the_model_has_a_line() -> None:
    listed = {(refusal.operation, refusal.error) for refusal in REFUSALS}
    everywhere = {error for operation, error in listed if operation == "*"}
    declared = {
        (operation, shape.name)
        for operation in OPERATIONS
        for shape in MODEL.operation_model(operation).error_shapes
        if shape.name not in everywhere
    }
    assert declared - listed == set()
    assert {(operation, error) for operation, error in listed if operation != "*" and error not in everywhere} <= (
        declared
    )
    assert set(MODEL.operation_names) - OPERATIONS.keys() == NOT_SERVED


def test_the_page_is_what_the_table_says() -> None:
    assert main(["--check"]) == 0


def valid(shape: Shape, name: str = "") -> Any:
    """A value that the model allows."""
    if isinstance(shape, StructureShape):
        return {member: valid(shape.members[member], member) for member in shape.required_members}
    if isinstance(shape, ListShape):
        return [valid(shape.member, name)] * max(1, shape.metadata.get("min") or 0)
    if isinstance(shape, StringShape) and shape.enum:
        return shape.enum[0]
    known = {
        "repositoryName": "absent/app",
        "resourceArn": "arn:aws:ecr:eu-west-1:{account}:repository/absent/app",
        "layerDigests": "sha256:" + "0" * 64,
        "replicationBackfillId": "00000000-0000-0000-0000-000000000000",
        "uploadId": "00000000-0000-0000-0000-000000000000",
        "principalArn": "arn:aws:iam::{account}:role/scanner",
        "policyText": '{"Version": "2012-10-17", "Statement": []}',
        "lifecyclePolicyText": '{"rules": []}' + " " * 100,
        "imageDigest": "sha256:" + "0" * 64,
        "layerDigest": "sha256:" + "0" * 64,
    }
    if name in known:
        return known[name]
    return {"string": "aaaa", "blob": b"x", "long": 1, "integer": 1, "boolean": True}[shape.type_name]


def request_of(operation: str, account: str) -> dict[str, Any]:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    given = valid(shape)
    return {
        key: value.replace("{account}", account) if isinstance(value, str) else value for key, value in given.items()
    }


def call(ecr: Any, operation: str, given: dict[str, Any]) -> Any:
    return getattr(ecr, xform_name(operation))(**given)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_missing_member_and_a_wrong_one_are_refused_by_every_operation(
    ecr: Any, account_id: str, operation: str
) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    given = request_of(operation, account_id)
    for member in shape.required_members:
        with refused("ValidationException", member):
            call(ecr, operation, {key: value for key, value in given.items() if key != member})
    bounded = [
        (member, "!" * 5000)
        for member, of in shape.members.items()
        if isinstance(of, StringShape)
        and (of.enum or of.metadata.get("pattern") or of.metadata.get("max", 9999) < 5000)
    ]
    for member, wrong in bounded:
        with refused("InvalidParameterException", member):
            call(ecr, operation, {**given, member: wrong})


@pytest.mark.parametrize(
    "operation",
    sorted(
        operation
        for operation in OPERATIONS
        if "RepositoryNotFoundException" in {shape.name for shape in MODEL.operation_model(operation).error_shapes}
        and not any(r.operation == operation and r.error == "RepositoryNotFoundException" for r in REFUSALS)
    ),
)
def test_an_absent_repository_is_refused_by_every_operation(ecr: Any, account_id: str, operation: str) -> None:
    with refused("RepositoryNotFoundException", "absent/app"):
        given = request_of(operation, account_id)
        if operation == "DescribeRepositories":
            given["repositoryNames"] = ["absent/app"]
        call(ecr, operation, given)


def test_every_refusal_of_the_table_has_a_case() -> None:
    made = {(refusal.operation, refusal.error) for refusal in REFUSALS if refusal.made and refusal.operation != "*"}
    assert made == CASES.keys() | TOO_LARGE


@pytest.mark.parametrize(("operation", "error"), CASES)
def test_the_refusal_happens(
    clients: Clients, local_aws: LocalAws, account_id: str, operation: str, error: str
) -> None:
    with pytest.raises(ClientError) as caught:
        CASES[operation, error](World(clients, local_aws, account_id))
    assert (caught.value.operation_name, caught.value.response["Error"]["Code"]) == (operation, error)


IMPORTS = ["ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]


@pytest.mark.parametrize(
    ("actions", "scope", "taken"),
    [
        (IMPORTS, "V1", True),
        (["ecr:batchimportupstreamimage"], "V1", True),
        (["ecr:*"], "V1", True),
        ([*IMPORTS, "ecr:BatchGetImage"], "V1", False),
        (["ecr:GetDownloadUrlForLayer"], "V1", False),
        (["*"], "V1", False),
        (["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "V2", True),
        (["s3:GetObject"], "V2", False),
    ],
)
def test_the_scope_decides_which_actions_a_registry_policy_takes(
    ecr: Any, actions: list[str], scope: str, taken: bool
) -> None:
    assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V1"
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value=scope)
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": actions, "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    if taken:
        assert ecr.put_registry_policy(policyText=text)["policyText"] == text
        return
    with refused("InvalidParameterException", "Invalid registry policy provided"):
        ecr.put_registry_policy(policyText=text)
