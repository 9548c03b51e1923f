"""Odd reviews: what is answered to each, held against the table, an independent patch, and the policies' rule of updates."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from orchestrator.swapper.review import Admission, read_review
from orchestrator.swapper.review_answer import answer_review
from orchestrator.swapper.review_shape import decode_review
from tests.references_table import environment
from tests.unit.swapper.odd_reviews import Odd, apply_patch, expected
from tests.unit.swapper.reviews import THERE, Document, operations, rules_of

RULES = rules_of(environment("standard"))
REVIEWS = 400


def answered(document: object) -> tuple[Admission, Document]:
    admission = read_review(document, RULES)
    verdicts = {image.target: THERE for image in admission.looks}
    return admission, answer_review(admission, RULES, verdicts).document


def without_annotations(pod: Any) -> Any:
    found = copy.deepcopy(pod)
    if isinstance(found, dict) and isinstance(found.get("metadata"), dict):
        found["metadata"].pop("annotations", None)
    return found


def problems(document: Document) -> list[str]:
    """What is wrong with the answer to a review."""
    request = document["request"]
    admission, answer = answered(decode_review(json.dumps(document).encode()))
    response = answer["response"]
    found = []
    if answered(document)[1] != answer:
        found.append("read in part it is answered otherwise")
    if (answer["apiVersion"], response["uid"], response["allowed"]) != (document["apiVersion"], request["uid"], True):
        found.append(f"answered with {answer}")
    after = apply_patch(request["object"], operations(answer))
    is_pods = admission.left not in ("not a Pod", "operation")
    wanted = expected(document, RULES.table, ("kube-system",)) if is_pods else {}
    patch = [{"op": "replace", "path": path, "value": image} for path, image in wanted.items()]
    if without_annotations(after) != without_annotations(apply_patch(request["object"], patch)):
        found.append(f"becomes {after}, not by {patch}")
    again = copy.deepcopy(document)
    again["request"]["object"] = after
    if operations(answered(again)[1]):
        found.append("asked again it changes once more")
    return found


@pytest.mark.parametrize("first", range(0, REVIEWS, 100))
def test_odd_reviews_become_what_the_table_says(first: int) -> None:
    wrong = {seed: found for seed in range(first, first + 100) if (found := problems(Odd(seed).review()))}
    assert wrong == {}


def test_the_reviews_are_odd_and_not_all_left_alone() -> None:
    lefts = [answered(Odd(seed).review())[0] for seed in range(REVIEWS)]
    assert {one.left for one in lefts} == {"", "not a Pod", "operation", "namespace", "static Pod"}
    assert sum(any(image.target for image in one.images) for one in lefts) > REVIEWS / 10
    assert any(image.reason == "not changed" for one in lefts for image in one.images)
    assert any(image.reason.startswith("refused") for one in lefts for image in one.images)


@pytest.mark.parametrize("odd", [7, True, ["ephemeralcontainers"], {"a": 1}])
def test_a_subresource_that_is_no_text_is_left_alone(odd: object) -> None:
    document = Odd(3).review()
    document["request"] |= {"operation": "CREATE", "subResource": odd}
    assert answered(document)[0].left == "not a Pod"


def test_containers_of_one_name_are_each_compared() -> None:
    # The API refuses them, after its webhooks were asked.
    pod = {"kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a", "image": "nginx:1"}] * 2}}
    pod["spec"]["containers"][1] = {"name": "a", "image": "nginx:2"}  # type: ignore[index]
    document = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "7", "operation": "UPDATE"}}
    document["request"] |= {"object": pod, "oldObject": pod}  # type: ignore[operator]
    assert operations(answered(document)[1]) == []
