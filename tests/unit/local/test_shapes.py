"""Documents against the shapes of botocore's ECR model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import OperationModel

from orchestrator.local.models import service_model
from orchestrator.local.shapes import misfits, to_wire


def shapes(operation: str) -> OperationModel:
    """The model of one of ECR's operations."""
    ecr = service_model("ecr")
    assert ecr is not None
    return ecr.operation_model(operation)


def wrong(operation: str, document: Any, *, is_answer: bool = False) -> list[str]:
    shape = shapes(operation).input_shape
    assert shape is not None
    return [f"{misfit.path}: {misfit.rule}" for misfit in misfits(document, shape, is_answer=is_answer)]


def test_a_document_that_fits_has_no_misfits() -> None:
    document = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}
    assert wrong("CreatePullThroughCacheRule", document) == []


@pytest.mark.parametrize(
    ("operation", "document", "expected"),
    [
        ("CreateRepository", {}, "repositoryName: Member must not be null"),
        ("CreateRepository", {"repositoryName": None}, "repositoryName: Member must not be null"),
        ("CreateRepository", {"repositoryName": "app", "name": 1}, "name: Member is not part of the shape"),
        ("CreateRepository", {"repositoryName": 7}, "repositoryName: Member must be a string"),
        ("CreateRepository", {"repositoryName": "App"}, "repositoryName: must satisfy regular expression"),
        ("CreateRepository", {"repositoryName": "app\n"}, "repositoryName: must satisfy regular expression"),
        ("CreateRepository", {"repositoryName": "ａpp"}, "repositoryName: must satisfy regular expression"),
        ("CreateRepository", {"repositoryName": "a"}, "repositoryName: Member must have length greater than or equal"),
        ("CreateRepository", {"repositoryName": "app", "tags": {}}, "tags: Member must be a list"),
        ("CreateRepository", {"repositoryName": "app", "tags": ["a"]}, "tags.1: Member must be a structure"),
        (
            "CreateRepository",
            {"repositoryName": "app", "tags": [{"Key": "a"}]},
            "tags.1.Value: Member must not be null",
        ),
        (
            "CreateRepository",
            {"repositoryName": "app", "imageTagMutability": "X"},
            "imageTagMutability: Member must sat",
        ),
        ("DescribeRepositories", {"maxResults": 0}, "maxResults: Member must have value greater than or equal to 1"),
        ("DescribeRepositories", {"maxResults": 1001}, "maxResults: Member must have value less than or equal to 1000"),
        ("DescribeRepositories", {"maxResults": "9"}, "maxResults: Member must be a integer"),
        ("DescribeRepositories", {"maxResults": True}, "maxResults: Member must be a integer"),
        ("DescribeRepositories", {"repositoryNames": []}, "repositoryNames: Member must have length greater than"),
        ("DescribeRepositories", [], ": Member must be a structure"),
    ],
)
def test_each_way_not_to_fit_is_named(operation: str, document: Any, expected: str) -> None:
    (found,) = wrong(operation, document)
    assert found.startswith(expected)


def test_answers_may_hold_less_than_a_request_must() -> None:
    assert wrong("DescribeRepositories", {"repositoryNames": []}, is_answer=True) == []
    many = {"repositoryName": "app", "imageIds": [{"imageTag": str(number)} for number in range(101)]}
    assert wrong("BatchGetImage", many) == ["imageIds: Member must have length less than or equal to 100"]
    # ListImages answers with the same shape, a thousand at a time.
    assert wrong("BatchGetImage", many, is_answer=True) == []


def test_on_the_wire_times_are_seconds_and_absent_members_are_left_out() -> None:
    shape = shapes("DescribeImages").output_shape
    assert shape is not None
    detail = {"imagePushedAt": datetime(2026, 7, 1, tzinfo=UTC), "lastRecordedPullTime": None, "imageTags": ["v1"]}
    wire = to_wire({"imageDetails": [detail], "nextToken": None}, shape)
    assert wire == {"imageDetails": [{"imagePushedAt": 1782864000.0, "imageTags": ["v1"]}]}


@pytest.mark.parametrize(
    ("service", "shape", "taken", "refused"),
    [
        ("lambda", "TagKey", "kosten/übung 1", None),
        ("events", "TagKey", "a", None),
        ("logs", "TagKey", "kosten-stelle", "a*b"),
        ("logs", "ResourceType", "anything at all", None),
    ],
)
def test_expressions_of_java_are_read_or_refuse_nothing(
    service: str, shape: str, taken: str, refused: str | None
) -> None:
    model = service_model(service)
    assert model is not None
    wanted = model.shape_for(shape)
    assert list(misfits(taken, wanted)) == []
    if refused is not None:
        assert [found.rule for found in misfits(refused, wanted)]
