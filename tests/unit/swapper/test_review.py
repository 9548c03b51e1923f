"""The review: what the table says, in every kind of container; only what a request changes; oddities are left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.routes.table import Answer, Redirected, RouteTable
from orchestrator.swapper.review import ANNOTATION, REMEMBERED, Verdict
from orchestrator.swapper.review_answer import annotation_of
from tests.references_table import CASES, ENVIRONMENTS, OWN, environment
from tests.unit.swapper.reviews import Document, containers, operations, patched, pod, review, reviewed, rules_of

RULES = rules_of(environment("standard"))
NGINX = f"{OWN}/docker-hub/library/nginx"
# Docker's grammar has no reference without a character, and Kubernetes no container without an image.
REFERENCES = [case for case in CASES if case.reference]


def slot(kind: str, image: str) -> Document:
    if kind == "volumes":
        return {"name": "data", "image": {"reference": image, "pullPolicy": "Always"}}
    return {"name": "web", "image": image}


def image_in(document: Document, kind: str) -> str:
    (entry,) = document["spec"][kind]
    return str(entry["image"]["reference"] if kind == "volumes" else entry["image"])


@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers", "volumes"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_reference_becomes_what_the_table_says(kind: str, name: str) -> None:
    rules = rules_of(environment(name))
    wrong = []
    for case in (case for case in REFERENCES if case.environment == name):
        document = review(pod(**{kind: [slot(kind, case.reference)]}))
        found = image_in(patched(document, reviewed(document, rules).document), kind)
        if found != (case.target or case.reference):
            wrong.append((case.reference, found, case.target))
    assert wrong == []


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_answer_has_the_version_and_the_uid_of_the_request(version: str) -> None:
    document = review(pod(containers=containers("nginx")), version=version)
    answer = reviewed(document, RULES).document
    assert answer["apiVersion"] == f"admission.k8s.io/{version}"
    assert answer["kind"] == "AdmissionReview"
    assert answer["response"]["uid"] == document["request"]["uid"]
    assert answer["response"]["allowed"] is True
    assert answer["response"]["patchType"] == "JSONPatch"


def test_the_patch_touches_images_and_one_annotation_only() -> None:
    of = pod(
        containers=containers("nginx", "quay.io/team/app:1", "unrouted.example.com/x"),
        initContainers=containers("redis:7"),
        volumes=[{"name": "data", "image": {"reference": "nginx:2"}}, {"name": "none", "emptyDir": {}}],
    )
    of["metadata"]["annotations"] = {"other": "stays"}
    document = review(of)
    answer = reviewed(document, RULES).document
    paths = [operation["path"] for operation in operations(answer)]
    assert paths == [
        "/spec/containers/0/image",
        "/spec/containers/1/image",
        "/spec/initContainers/0/image",
        "/spec/volumes/0/image/reference",
        "/metadata/annotations/swapper.orchestrator~1images",
    ]
    after = patched(document, answer)
    assert after["metadata"]["annotations"]["other"] == "stays"
    assert json.loads(after["metadata"]["annotations"][ANNOTATION])["containers/c0"] == {
        "image": "nginx",
        "target": NGINX,
        "why": "docker-hub, pull-through",
    }
    assert (
        f"containers/c0: nginx -> {NGINX} (docker-hub, pull-through)"
        in answer["response"]["auditAnnotations"]["swapped"]
    )


def test_a_second_round_changes_nothing() -> None:
    first = review(pod(containers=containers("nginx", "gcr.io/a/b:1")))
    after = patched(first, reviewed(first, RULES).document)
    assert "patch" not in reviewed(review(after), RULES).document["response"]
    # Nor does an update of something else, nor one that a reinvocation sees half done.
    assert "patch" not in reviewed(review(after, after), RULES).document["response"]
    assert "patch" not in reviewed(review(after, first["request"]["object"]), RULES).document["response"]


def test_an_update_is_redirected_only_where_it_changes_an_image() -> None:
    before = pod(containers=containers("nginx:1", "redis:1"))
    after = pod(containers=containers("nginx:1", "redis:2"))
    document = review(after, before)
    answer = reviewed(document, RULES).document
    assert [container["image"] for container in patched(document, answer)["spec"]["containers"]] == [
        "nginx:1",
        f"{OWN}/docker-hub/library/redis:2",
    ]


def test_an_image_that_is_written_back_is_redirected_again() -> None:
    """`kubectl apply` of the same file would undo the swap."""
    before = pod(containers=containers(NGINX))
    document = review(pod(containers=containers("nginx")), before)
    assert patched(document, reviewed(document, RULES).document)["spec"]["containers"][0]["image"] == NGINX


def test_containers_are_known_by_name_when_their_order_changes() -> None:
    before = pod(containers=containers("nginx:1", "redis:1"))
    after = pod(containers=list(reversed(before["spec"]["containers"])))
    assert "patch" not in reviewed(review(after, before), RULES).document["response"]


def test_the_annotation_of_an_image_that_is_gone_goes() -> None:
    first = review(pod(containers=containers("nginx")))
    before = patched(first, reviewed(first, RULES).document)
    after = json.loads(json.dumps(before))
    after["spec"]["containers"][0]["image"] = "unrouted.example.com/x:1"
    document = review(after, before)
    assert ANNOTATION not in patched(document, reviewed(document, RULES).document)["metadata"]["annotations"]


def test_ephemeral_containers_are_redirected_through_their_subresource_alone() -> None:
    before = pod(containers=containers("nginx"))
    after = pod(
        containers=containers("nginx"),
        ephemeralContainers=[{"name": "debug", "image": "busybox:1"}, {"name": "d", "image": "alpine"}],
    )
    document = review(after, before, subResource="ephemeralcontainers")
    (operation,) = operations(reviewed(document, RULES).document)
    assert operation == {
        "op": "replace",
        "path": "/spec/ephemeralContainers/1/image",
        "value": f"{OWN}/docker-hub/library/alpine",
    }


@pytest.mark.parametrize(
    "request_part",
    [
        {"subResource": "status"},
        {"subResource": "binding"},
        {"subResource": "resize"},
        {"operation": "DELETE"},
        {"operation": "CONNECT"},
        {"resource": {"group": "apps", "version": "v1", "resource": "deployments"}},
        {"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}},
        {"namespace": "kube-system"},
        {"namespace": "openshift-dns"},
    ],
)
def test_what_is_not_asked_for_is_left_alone(request_part: Document) -> None:
    answer = reviewed(review(pod(containers=containers("nginx")), **request_part), RULES)
    assert answer.document["response"] == {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": True}
    assert answer.decisions == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"kubernetes.io/config.mirror": "abc"}},
        {"labels": {"cnpg.io/cluster": "db"}},
        {"labels": {"app.kubernetes.io/managed-by": "kubeblocks"}},
    ],
)
def test_mirror_pods_and_pods_of_comparing_operators_are_left_alone(metadata: Document) -> None:
    of = pod(containers=containers("nginx")) | {"metadata": metadata}
    assert "patch" not in reviewed(review(of), RULES).document["response"]


ODD: list[Any] = [None, 0, -1, 1.5, True, "", "text", [], [None], [[]], {}, {"": None}, ["nginx"], {"image": "nginx"}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_values_anywhere_are_left_alone(odd: Any) -> None:
    good = review(pod(containers=containers("nginx"), volumes=[{"name": "v", "image": {"reference": "nginx"}}]))
    good["request"]["object"]["metadata"] |= {"labels": {"a": "b"}, "annotations": {"a": "b"}}
    for place in _places(good):
        document = json.loads(json.dumps(good))
        there = document
        for key in place[:-1]:
            there = there[key]
        there[place[-1]] = odd
        answer = reviewed(document, RULES).document
        assert answer["response"]["allowed"] is True
        json.dumps(answer)
        if isinstance(document.get("request"), dict) and isinstance(document["request"].get("object"), dict):
            patched(document, answer)
    for whole in ODD:
        assert reviewed(whole, RULES).document["response"] == {"uid": "", "allowed": True}


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [way] if way else []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += _places(inner, (*way, key))
    return found


def test_mirrors_wait_for_a_look_and_rules_do_not() -> None:
    document = review(pod(containers=containers("nginx", "gcr.io/a/b:1")))
    unseen = patched(document, reviewed(document, RULES, None).document)
    assert [container["image"] for container in unseen["spec"]["containers"]] == [NGINX, "gcr.io/a/b:1"]
    absent = reviewed(document, RULES, Verdict(swap=False, reason="absent"))
    assert [(one.swapped, one.reason) for one in absent.decisions] == [(True, "pull-through"), (False, "absent")]


def test_a_dry_run_says_what_it_would_do_and_changes_no_image() -> None:
    rules = rules_of(environment("standard"), dry_run=True)
    document = review(pod(containers=containers("nginx")))
    after = patched(document, reviewed(document, rules).document)
    assert after["spec"]["containers"][0]["image"] == "nginx"
    entry = json.loads(after["metadata"]["annotations"][ANNOTATION])["containers/c0"]
    assert entry == {"image": "nginx", "would": NGINX, "why": "docker-hub, pull-through"}
    assert "patch" not in reviewed(review(after, after), rules).document["response"]


def test_filters_see_the_namespace_of_the_request_and_the_container() -> None:
    seen = []

    class Filter:
        def skips(self, obj: Any, container: Any) -> bool:
            seen.append((obj["metadata"]["namespace"], container["name"]))
            return bool(container["name"] == "c0")

    rules = rules_of(environment("standard"), filters=(Filter(),))
    document = review(pod(containers=containers("nginx", "redis")))
    answer = reviewed(document, rules)
    assert seen == [("shop", "c0"), ("shop", "c1")]
    assert [one.reason for one in answer.decisions] == ["filter", "pull-through"]
    assert "namespace" not in document["request"]["object"]["metadata"]


@pytest.mark.parametrize("there", ["", "[", "[" * 100_000, "{}", '{"containers/c0": 1}', "x" * 300_000, '"text"'])
def test_what_a_person_wrote_in_the_annotation_does_no_harm(there: str) -> None:
    assert annotation_of(there, (), dry_run=False) == there
    of = pod(containers=containers("nginx"))
    of["metadata"]["annotations"] = {ANNOTATION: there}
    document = review(of)
    assert json.loads(patched(document, reviewed(document, RULES).document)["metadata"]["annotations"][ANNOTATION])


class CountingTable:
    """A route table that notes what it is asked."""

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self.asked: list[str] = []

    def redirect(self, reference: str) -> Answer:
        self.asked.append(reference)
        return self._table.redirect(reference)


@pytest.mark.parametrize(
    ("images", "times"), [(["nginx"], 1), (["nginx:" + "a" * 5000], 3), ([f"nginx:{tag}" for tag in range(17)], 3)]
)
def test_the_table_is_asked_once_for_the_images_of_a_pod_and_no_pod_fills_the_memory(
    images: list[str], times: int
) -> None:
    table: Any = CountingTable(RULES.table)
    rules = replace(RULES, table=table)
    answers = [reviewed(review(pod(containers=containers(*images))), rules) for _ in range(3)]
    assert table.asked == images * times
    assert len({json.dumps(one.document) for one in answers}) == 1


def test_as_many_pods_as_are_remembered_are_forgotten_when_more_come() -> None:
    table: Any = CountingTable(RULES.table)
    rules = replace(RULES, table=table)
    for tag in range(REMEMBERED + 1):
        reviewed(review(pod(containers=containers(f"nginx:{tag}"))), rules)
    assert len(rules._remembered) == 1
    reviewed(review(pod(containers=containers("nginx:0"))), rules)
    assert len(table.asked) == REMEMBERED + 2


def test_answers_that_are_remembered_are_those_of_the_same_containers_alone() -> None:
    """Every Pod twice, in turn: what a Pod has more than an earlier one stands in its answer."""
    pods = [pod(containers=containers(*images)) for images in (["nginx"], ["nginx", "redis"], ["redis", "nginx"], [])]
    noted = [{**one, "metadata": {"name": "web", "annotations": {"a": "b"}}} for one in pods]
    for whole in (*pods, *noted) * 2:
        document = review(whole)
        after = patched(document, reviewed(document, RULES).document)
        assert [one["image"] for one in after["spec"]["containers"]] == [
            answer.target if isinstance(answer := RULES.table.redirect(one["image"]), Redirected) else one["image"]
            for one in whole["spec"]["containers"]
        ]
        said = json.loads(after["metadata"].get("annotations", {}).get(ANNOTATION, "{}"))
        assert sorted(said) == [f"containers/{one['name']}" for one in whole["spec"]["containers"]]
        assert ("annotations" in whole["metadata"]) == (after["metadata"].get("annotations", {}).get("a") == "b")
