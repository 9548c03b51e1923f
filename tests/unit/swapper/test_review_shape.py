"""A review's bytes: what is skipped decides nothing, and what is odd is read as it stands."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from orchestrator.environment.pods import MIRROR_POD
from orchestrator.swapper.filters import compile_filter
from orchestrator.swapper.pod_secrets import secrets_of_pod
from orchestrator.swapper.review import ANNOTATION, read_review
from orchestrator.swapper.review_answer import answer_review
from orchestrator.swapper.review_shape import decode_review
from tests.references_table import environment
from tests.unit.swapper.reviews import THERE, Document, containers, pod, review, rules_of

RULES = rules_of(environment("standard"))
BESIDE = {"env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": 1}}, "ports": None}
WHOLE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {"a": "b"}, "managedFields": [{"a": {}}]},
    "spec": {
        "containers": [{"name": "a", "image": "nginx", "imagePullPolicy": "Always", **BESIDE}],
        "initContainers": [{"name": "b", "image": "gcr.io/a/b:1", **BESIDE}],
        "ephemeralContainers": [{"name": "c", "image": "quay.io/a/b"}],
        "volumes": [
            {"name": "d", "image": {"reference": "ghcr.io/a/b", "pullPolicy": "Always"}},
            {"name": "e", "emptyDir": {}},
        ],
        "imagePullSecrets": [{"name": "one"}],
        "serviceAccountName": "robot",
        "tolerations": [],
    },
    "status": {},
}
ODD: list[Any] = [None, 1, "text", [], {}, [None], [1, {}], {"a": 1}]


def changed(place: tuple[str, ...], value: Any) -> Document:
    """A review with another value at one place, in the object as it is and was."""
    document = review(json.loads(json.dumps(WHOLE)), {**WHOLE, "spec": {}})
    there = document
    for part in place[:-1]:
        there = there[part]
    there[place[-1]] = value
    return document


PLACES = [
    ("apiVersion",),
    ("request",),
    *(("request", key) for key in ("uid", "kind", "resource", "subResource", "namespace", "operation", "dryRun")),
    ("request", "object"),
    ("request", "oldObject"),
    *(("request", "object", key) for key in ("kind", "metadata", "spec")),
    *(("request", "object", "metadata", key) for key in ("namespace", "labels", "annotations")),
    *(("request", "object", "spec", key) for key in WHOLE["spec"]),
]


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_what_is_skipped_decides_nothing(place: tuple[str, ...]) -> None:
    for value in ODD:
        document = changed(place, value)
        read = [read_review(one, RULES) for one in (document, decode_review(json.dumps(document).encode()))]
        answers = [answer_review(one, RULES, {image.target: THERE for image in one.looks}).document for one in read]
        assert answers[0] == answers[1], value
        assert secrets_of_pod("shop", read[0].pod) == secrets_of_pod("shop", read[1].pod), value


def test_most_of_a_pod_is_skipped_unless_it_is_wanted_whole() -> None:
    body = json.dumps(review(WHOLE)).encode()
    part: Any = decode_review(body)
    assert "env" not in part["request"]["object"]["spec"]["containers"][0]
    assert decode_review(body, "whole") == review(WHOLE)
    with_metadata: Any = decode_review(body, "metadata")
    assert "env" not in with_metadata["request"]["object"]["spec"]["containers"][0]
    assert with_metadata["request"]["object"]["metadata"] == WHOLE["metadata"]


@pytest.mark.parametrize("key", [ANNOTATION, MIRROR_POD])
def test_annotations_are_read(key: str) -> None:
    whole = {**pod(containers=containers("nginx")), "metadata": {"annotations": {key: "{}"}}}
    found: Any = decode_review(json.dumps(review(whole)).encode())
    assert found["request"]["object"]["metadata"] == {"annotations": {key: "{}"}}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{]", b'{"request": \xff}', b'{"request": {"uid": "\\ud800"}}', b"[" * 100_000]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)):
        decode_review(body)


@pytest.mark.parametrize(
    ("expression", "asks"),
    [
        ("obj.metadata.namespace == 'kube-system'", "metadata"),
        (
            "!(obj.metadata.labels.app == 'web') && contains(container.image, 'a') || ends_with(container.name, 'b')",
            "metadata",
        ),
        ("obj.metadata.labels.app", "metadata"),
        ("obj.spec.nodeName == 'a'", "whole"),
        ("container.env[0].name == 'A'", "whole"),
        ("obj.metadata.namespace == 'a' && length(obj.spec.containers) > `1`", "whole"),
        ("obj", "whole"),
        ("contains(keys(@), 'obj')", "whole"),
        ("obj.*.name", "whole"),
    ],
)
def test_filters_say_what_of_a_pod_they_ask_for(expression: str, asks: Any) -> None:
    one = compile_filter(expression)
    assert (one.asks, replace(RULES, filters=(one,)).asks) == (asks, asks)
    document = json.loads(json.dumps(review(WHOLE)))
    rules = replace(RULES, filters=(one,))
    read = [read_review(found, rules) for found in (document, decode_review(json.dumps(document).encode(), rules.asks))]
    assert len({json.dumps(answer_review(found, rules, {}).document) for found in read}) == 1
