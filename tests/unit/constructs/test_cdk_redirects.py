"""Which properties of CloudFormation resources change, and what is said of those that a deployment fills in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.constructs.cdk_redirects import (
    RedirectedProperty,
    is_built_image,
    redirect_chart_values,
    redirect_containers,
    redirect_images,
    redirect_manifests,
    redirect_patch,
)
from orchestrator.constructs.cluster_images import ImageRedirects
from tests.unit.constructs.test_terrain_redirects import HOST, redirects

Redirect = Callable[[ImageRedirects, Any], RedirectedProperty]
NOTHING = {"Ref": "AWS::NoValue"}
TAG = {"Ref": "Tag"}
OWN = {"Fn::Join": ["", [{"Ref": "Account"}, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".amazonaws.com/own:1"]]}


def joined(*pieces: Any) -> dict[str, Any]:
    return {"Fn::Join": ["", list(pieces)]}


def pods(*containers: str) -> str:
    return '[{"apiVersion":"v1","kind":"Pod","spec":{"containers":[' + ",".join(containers) + "]}}]"


@pytest.mark.parametrize(
    ("redirect", "value"),
    [
        (redirect_containers, [{"image": "@"}, {"Image": "@"}, {"name": "none"}, NOTHING]),
        (redirect_containers, [{"Fn::If": ["C", {"Image": "@"}, {"Fn::If": ["D", NOTHING, {"Image": "@"}]}]}]),
        (redirect_containers, [{"Image": {"Fn::If": ["C", "@", OWN]}}]),
        (redirect_containers, {"Fn::If": ["C", [{"Image": "@"}], NOTHING]}),
        (redirect_manifests, pods('{"name":"ü \\"q\\"","image":"@"}')),
        (redirect_manifests, joined('[{"apiVersion":"v1","kind":"ConfigMap","data":{"image":"quay.io/c/d:1","n":"', TAG, '"}},' + pods('{"image":"@"}')[1:])),
        (
            redirect_manifests,
            joined(
                '[{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":',
                {"Ref": "N"},
                ',"template":{"spec":{"containers":[{"image":"@","env":[{"value":"',
                TAG,
                {"Fn::ImportValue": "x"},
                '"}]},{"image":"',
                {"Ref": "Account"},
                ".dkr.ecr.eu-west-1.amazonaws.com/own:",
                TAG,
                '"}]}}}}]',
            ),
        ),
        (redirect_images, {"containers": [{"image": "@", "imagePullPolicy": "x"}], "n": {"Image": {"Fn::If": ["C", "@", NOTHING]}}}),
        (redirect_images, None),
        (redirect_patch, '{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"@"}]}}}}'),
        (redirect_chart_values, '{"image":{"repository":"@"},"n":1}'),
        (redirect_chart_values, joined('{"web":{"image":"@"},"role":"', TAG, '"}')),
    ],
)  # fmt: skip
def test_images_are_redirected_and_nothing_else_changes(redirect: Redirect, value: Any) -> None:
    before = json.loads(json.dumps(value).replace("@", "quay.io/a/b:1"))
    after = json.loads(json.dumps(value).replace("@", f"{HOST}/quay/a/b:1"))
    assert redirect(redirects(), before) == RedirectedProperty(after)
    assert redirect(redirects(), after) == RedirectedProperty(after)


@pytest.mark.parametrize(
    ("redirect", "value", "said"),
    [
        (redirect_containers, [{"Image": joined("quay.io/a/b:", TAG)}], "The image of container 1 is known at deployment"),
        (redirect_containers, [{"Image": {"Fn::If": ["C", "example.com/a:1", TAG]}}], "The image of container 1 is known"),
        (redirect_containers, [{"name": "a"}, TAG], "Container 2 is known at deployment only"),
        (redirect_containers, {"Fn::Transform": {"Name": "x"}}, "The containers are known at deployment only"),
        (
            redirect_manifests,
            joined(pods('{"image":"quay.io/a/b:')[:-4], TAG, '"}]}}]'),
            "The image items[0].spec.containers[0].image is known at deployment only",
        ),
        (redirect_images, {"image": joined("quay.io/a/b:", TAG)}, "An image is known at deployment only"),
        (redirect_manifests, {"Ref": "Manifest"}, "This text is known at deployment only"),
        (redirect_chart_values, joined('{"image":"', TAG, '"}'), "The image image is known at deployment only"),
    ],
)  # fmt: skip
def test_what_a_deployment_fills_in_stays_and_is_said(redirect: Redirect, value: Any, said: str) -> None:
    answer = redirect(redirects(), value)
    assert answer.value == value
    (text,) = answer.unknown
    assert text.startswith(said)


def test_a_chart_s_tag_may_be_filled_in() -> None:
    values = joined('{"image":{"repository":"quay.io/a/b","tag":"', TAG, '"}}')
    assert redirect_chart_values(redirects(), values) == RedirectedProperty(
        joined(f'{{"image":{{"repository":"{HOST}/quay/a/b","tag":"', TAG, '"}}')
    )


def test_digits_of_the_text_are_not_taken_for_what_is_filled_in() -> None:
    digits = "".join(str(7_310_000_000_000_000 + index) for index in range(3))
    text = pods('{"image":"quay.io/a/b:1","n":"' + digits + '"}')[:-1] + ',{"n":'
    assert redirect_manifests(redirects(), joined(text, TAG, "}]")) == RedirectedProperty(
        joined(text.replace("quay.io/a", f"{HOST}/quay/a"), TAG, "}]")
    )


@pytest.mark.parametrize(
    ("image", "built"),
    [
        ("nginx:1", False),
        (None, False),
        (TAG, False),
        (joined("quay.io/a/b:", TAG), False),
        (OWN, True),
        ({"Fn::Sub": "${AWS::AccountId}.dkr.ecr.eu-west-1.${AWS::URLSuffix}/assets:abc"}, True),
        ({"Fn::Sub": "${AWS::AccountId}.dkr-ecr.eu-west-1.on.aws/assets:abc"}, True),
        ({"Fn::If": ["C", "1.dkr.ecr.eu-west-1.amazonaws.com/a", TAG]}, False),
    ],
)
def test_what_cdk_builds_is_told_from_what_a_deployment_fills_in(image: object, built: bool) -> None:
    assert is_built_image(image) is built
