"""Kubernetes objects and the images that they name: every kind that runs Pods or may run them again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.environment.model import Environment
from orchestrator.lifecycle.in_use import images_in_use
from orchestrator.routes.build import build_route_table
from orchestrator.routes.source import parse_source
from orchestrator.routes.table import Redirected, Unchanged
from orchestrator.workloads.in_cluster import images_of, uses_of

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
ENVIRONMENT = Environment.model_validate(
    {
        "name": "dev",
        "cluster_name": "dev",
        "account_id": "111122223333",
        "aws_region": "eu-west-1",
        "pull_through_cache_rules": {"docker-hub": {"upstream_registry_url": "registry-1.docker.io"}},
    }
)
TABLE = build_route_table(ENVIRONMENT)


def item(kind: str, name: str = "web", *, owner: tuple[str, str] | None = None, **members: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"kind": kind, "metadata": metadata, **members}


def spec(*images: str) -> dict[str, Any]:
    return {"containers": [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]}


def template(*images: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec(*images)}}}


def used(*items: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {image.reference: image.workloads for image in images_of(items, TABLE)}


@pytest.mark.parametrize(
    "kind",
    [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
        "Job",
        "DeploymentConfig",
        "Rollout",
    ],
)
def test_the_template_of_a_controller_counts_even_when_it_is_scaled_down(kind: str) -> None:
    held = template("nginx:1.27")
    held["spec"]["replicas"] = 0
    assert used(item(kind, **held)) == {"nginx:1.27": (f"{kind}/shop/web",)}


def test_a_cron_job_counts_between_its_runs() -> None:
    jobs = {"jobTemplate": {"spec": {"template": {"spec": spec("busybox")}}}}
    assert used(item("CronJob", spec=jobs)) == {"busybox": ("CronJob/shop/web",)}


@pytest.mark.parametrize(
    "data",
    [
        {"spec": {"template": {"$patch": "replace", "spec": spec("nginx:1.25")}}},
        {"spec": {"template": {"spec": spec("nginx:1.25")}}},
    ],
)
def test_what_a_rollback_would_bring_back_counts(data: dict[str, Any]) -> None:
    revision = item("ControllerRevision", "web-1", owner=("StatefulSet", "web"), data=data)
    assert used(revision) == {"nginx:1.25": ("StatefulSet/shop/web",)}


def test_an_old_replica_set_is_named_by_its_deployment() -> None:
    old = item("ReplicaSet", "web-1", owner=("Deployment", "web"), **template("nginx:1.25"))
    new = item("Deployment", **template("nginx:1.27"))
    assert used(old, new) == {"nginx:1.25": ("Deployment/shop/web",), "nginx:1.27": ("Deployment/shop/web",)}


def test_pods_are_named_by_the_topmost_controller() -> None:
    replica_set = item("ReplicaSet", "web-1", owner=("Deployment", "web"), **template("nginx"))
    pods = [item("Pod", f"web-1-{n}", owner=("ReplicaSet", "web-1"), spec=spec("nginx")) for n in range(3)]
    assert used(*pods, replica_set) == {"nginx": ("Deployment/shop/web",)}


def test_a_static_pod_is_named_by_itself_and_not_by_its_node() -> None:
    assert used(item("Pod", "etcd", owner=("Node", "n1"), spec=spec("etcd:3"))) == {"etcd:3": ("Pod/shop/etcd",)}


def test_controllers_that_own_each_other_end_somewhere() -> None:
    ring = [
        item("ReplicaSet", "a", owner=("ReplicaSet", "b"), **template("nginx")),
        item("ReplicaSet", "b", owner=("ReplicaSet", "a"), **template("nginx")),
    ]
    assert list(used(*ring)) == ["nginx"]


def test_all_containers_of_a_pod_and_its_image_volumes_count() -> None:
    whole = {
        "containers": [{"name": "a", "image": "one"}],
        "initContainers": [{"name": "b", "image": "two"}],
        "ephemeralContainers": [{"name": "c", "image": "three"}],
        "volumes": [{"name": "v", "image": {"reference": "four:1"}}, {"name": "w", "emptyDir": {}}],
    }
    assert set(used(item("Pod", spec=whole))) == {"one", "two", "three", "four:1"}


@pytest.mark.parametrize(
    ("image_id", "digests"),
    [
        (f"docker.io/library/nginx@{DIGEST}", (DIGEST,)),
        (f"docker-pullable://nginx@{DIGEST}", (DIGEST,)),
        (f"{HOST}/docker-hub/library/nginx@{DIGEST}", (DIGEST,)),
        (DIGEST, (DIGEST,)),
        ("a" * 64, ()),
        ("", ()),
        (None, ()),
    ],
)
def test_digests_come_from_what_nodes_report(image_id: str | None, digests: tuple[str, ...]) -> None:
    status = {"containerStatuses": [{"name": "c0", "imageID": image_id}]}
    (image,) = images_of([item("Pod", spec=spec("nginx"), status=status)], TABLE)
    assert image.digests == digests


def test_nodes_that_report_different_digests_for_one_tag_all_count() -> None:
    pods = [
        item("Pod", name, spec=spec("nginx"), status={"containerStatuses": [{"name": "c0", "imageID": digest}]})
        for name, digest in (("a", DIGEST), ("b", OTHER))
    ]
    (image,) = images_of(pods, TABLE)
    assert image.digests == (DIGEST, OTHER)


def test_an_upstream_name_has_its_place_in_ecr() -> None:
    (image,) = images_of([item("Deployment", **template("nginx:1.27"))], TABLE)
    assert image.answer == Redirected(f"{HOST}/docker-hub/library/nginx:1.27", TABLE.routes[0])
    in_use = images_in_use([]), image.as_used()
    assert in_use[1].target == f"{HOST}/docker-hub/library/nginx:1.27"


@pytest.mark.parametrize("reference", ["docker.io/library/nginx:1.27", "nginx:1.27"])
def test_an_excluded_image_is_what_a_node_would_have_cached_it_as(reference: str) -> None:
    """Node-level mirrors cannot exclude: they ask ECR first, so that what they cached is in use."""
    table = replace(TABLE, excludes=(parse_source("docker.io/library"),))
    (image,) = images_of([item("Pod", spec=spec(reference))], table)
    assert isinstance(image.answer, Unchanged)
    assert image.as_used().target == f"{HOST}/docker-hub/library/nginx:1.27"


def test_an_image_that_stays_where_it_is_has_no_target() -> None:
    (image,) = images_of([item("Deployment", **template(f"{HOST}/docker-hub/library/nginx:1.27"))], TABLE)
    assert image.answer == Unchanged("own")
    assert image.as_used().target is None


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"kind": "Pod"},
        {"kind": "Pod", "spec": None, "metadata": None},
        {"kind": "Pod", "spec": {"containers": [None, "x", {"image": 5}, {}]}},
        {"kind": "ReplicationController", "metadata": {"name": "a"}, "spec": {"template": None}},
        {"kind": "ControllerRevision", "data": "text"},
        {"kind": "CronJob", "spec": {"jobTemplate": {}}},
        {"kind": "Pod", "status": {"containerStatuses": {}}, "spec": {"containers": {}}},
    ],
)
def test_what_is_not_as_the_api_serves_it_names_nothing(broken: dict[str, Any]) -> None:
    assert list(uses_of(broken)) == []


def test_a_reference_that_cannot_be_parsed_is_kept_with_its_answer() -> None:
    (image,) = images_of([item("Pod", spec=spec("Not A Reference"))], TABLE)
    assert image.as_used().reference == "Not A Reference"
    assert image.as_used().target is None
