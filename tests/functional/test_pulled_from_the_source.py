"""`images --cluster` says which Pods still pull from the source, and why; custom resources are read as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.lifecycle.in_use import parse_snapshot
from tests.functional.images_of_a_cluster import ENVIRONMENT, HOST, cluster, images, pod

from .cluster_of_files import Cluster
from .running import Ran

__all__ = ["cluster"]


def labelled(name: str, image: str, **metadata: Any) -> dict[str, Any]:
    made = pod(name, image)
    return {**made, "metadata": {**made["metadata"], **metadata}}


def stays(ran: Ran) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """{reference: [(why, workloads)]}"""
    assert ran.code == 0, ran.err
    return {
        image["reference"]: [(stay["why"], tuple(stay["workloads"])) for stay in image["stays"]]
        for image in ran.json["images"]
    }


def test_pods_say_why_they_run_from_the_source(tmp_path: Path, cluster: Cluster) -> None:
    cluster.has_policy("2026-11-01T00:00:00Z")
    old, new = "2026-10-01T00:00:00Z", "2026-11-02T00:00:00Z"
    pods = [
        labelled("system", "quay.io/a/system:1", namespace="kube-system", creationTimestamp=new),
        labelled(
            "static", "quay.io/a/static:1", creationTimestamp=new, annotations={"kubernetes.io/config.mirror": "x"}
        ),
        labelled("db-1", "quay.io/a/db:1", creationTimestamp=new, labels={"cnpg.io/cluster": "db"}),
        labelled("old", "quay.io/a/old:1", creationTimestamp=old),
        labelled("missed", "quay.io/a/missed:1", creationTimestamp=new),
        labelled("redirected", f"{HOST}/quay/a/fine:1", creationTimestamp=new),
        labelled("elsewhere", "example.com/a:1", creationTimestamp=old),
    ]
    cluster.serve("/api/v1/pods", [pods])

    ran = images(tmp_path, "--json")

    assert stays(ran) == {
        "quay.io/a/system:1": [("namespace", ("Pod/kube-system/system",))],
        "quay.io/a/static:1": [("static Pod", ("Pod/shop/static",))],
        "quay.io/a/db:1": [("operator", ("Pod/shop/db-1",))],
        "quay.io/a/old:1": [("before the policy", ("Pod/shop/old",))],
        "quay.io/a/missed:1": [("not redirected", ("Pod/shop/missed",))],
        f"{HOST}/quay/a/fine:1": [],
        "example.com/a:1": [],
    }
    found = {image["reference"]: image for image in ran.json["images"]}
    assert found["quay.io/a/old:1"]["pulled_from"] == [HOST, "quay.io"]
    assert "spec.imageName of its postgresql.cnpg.io/Cluster" in found["quay.io/a/db:1"]["stays"][0]["remedy"]
    assert found["example.com/a:1"]["pulled_from"] == ["example.com"]


def test_without_a_policy_every_pod_says_so_and_what_may_not_be_read_is_said(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/a/b:1")]])
    assert stays(images(tmp_path, "--json")) == {"quay.io/a/b:1": [("no policy", ("Pod/shop/a",))]}

    cluster.has_policy("forbidden")
    ran = images(tmp_path, "--json")
    assert stays(ran) == {"quay.io/a/b:1": []}
    assert "may not be read" in ran.err


def test_what_is_still_pulled_from_one_registry_can_be_asked(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "environments" / "prod.tfvars").write_text(
        ENVIRONMENT.replace("{ quay", '{ docker-hub = { upstream_registry_url = "registry-1.docker.io" }, quay')
        + 'exclude = ["docker.io/library/busybox"]\n'
    )
    template = {"spec": {"containers": [{"name": "x", "image": "redis:7"}]}}
    controllers = [
        {"metadata": {"name": name, "namespace": name}, "spec": {"template": template}} for name in ("shop", "kyverno")
    ]
    cluster.serve("/apis/apps/v1/deployments", [controllers])
    cluster.serve(
        "/api/v1/pods", [[pod("b", "busybox"), pod("c", "quay.io/a/b:1"), pod("d", f"{HOST}/docker-hub/x:1")]]
    )
    cluster.has_policy("forbidden")

    for registry in ("docker.io", "registry-1.docker.io"):
        ran = images(tmp_path, "--from", registry, "--json")
        assert {image["reference"] for image in ran.json["images"]} == {"busybox", "redis:7"}
    shown = images(tmp_path, "--from", "docker.io")
    assert "still from docker.io: namespace kyverno is left alone: Deployment/kyverno/redis" not in shown.out
    assert "still from docker.io: namespace kyverno is left alone: Deployment/kyverno/kyverno" in shown.out
    assert "pulled from their sources: docker.io (2)" in shown.err
    refused = images(tmp_path, "--from", "docker.io", "--snapshot", str(tmp_path / "s.json"))
    assert refused.code == 2


def test_custom_resources_are_read_in_the_version_that_has_them_and_the_others_are_named(
    tmp_path: Path, cluster: Cluster
) -> None:
    cluster.has_kinds(
        {
            "/apis/postgresql.cnpg.io/v1": {"Cluster": "clusters", "Backup": "backups"},
            "/apis/tekton.dev/v1": {"Task": "tasks"},
            "/apis/tekton.dev/v1beta1": {"Task": "tasks", "StepAction": "stepactions"},
            "/apis/cert-manager.io/v1": {"Issuer": "issuers"},
            "/apis/policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
            "/apis/metrics.k8s.io/v1beta1": {"PodMetrics": "pods"},
            "/apis/widgets.example.com/v1": {"Widget": "widgets"},
        }
    )
    database = {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"imageName": "quay.io/cnpg/postgresql:17"}}
    cluster.serve("/apis/postgresql.cnpg.io/v1/clusters", [[database]])
    step = {"metadata": {"name": "build", "namespace": "ci"}, "spec": {"image": "quay.io/ci/build:1"}}
    cluster.serve("/apis/tekton.dev/v1beta1/stepactions", [[step]])
    owned = labelled("db-1", "quay.io/cnpg/postgresql:17", labels={"cnpg.io/cluster": "db"})
    owner = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "db", "controller": True}
    owned["metadata"]["ownerReferences"] = [owner]
    cluster.serve("/api/v1/pods", [[owned]])
    cluster.has_policy("forbidden")

    ran = images(tmp_path, "--json")

    found = {image["reference"]: image for image in ran.json["images"]}
    assert found["quay.io/cnpg/postgresql:17"]["workloads"] == ["Cluster.postgresql.cnpg.io/shop/db"]
    assert found["quay.io/cnpg/postgresql:17"]["stays"][0]["why"] == "operator"
    assert found["quay.io/ci/build:1"]["workloads"] == ["StepAction.tekton.dev/ci/build"]
    assert ran.json["not_read"] == ["widgets.example.com"]
    assert "widgets.example.com" in ran.err
    assert not any("tekton.dev/v1beta1/tasks" in call for call in cluster.calls())

    target = tmp_path / "snapshot.json"
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    assert {image.reference for image in parse_snapshot(target.read_text()).images} == set(found)


def test_a_custom_resource_that_may_not_be_listed_leaves_no_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    cluster.has_kinds({"/apis/flink.apache.org/v1beta1": {"FlinkDeployment": "flinkdeployments"}})
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.serve(
        "/apis/flink.apache.org/v1beta1/flinkdeployments", {"error": "Error from server (Forbidden): it is forbidden"}
    )
    target = tmp_path / "snapshot.json"

    ran = images(tmp_path, "--snapshot", str(target))

    assert ran.code == 1
    assert "FlinkDeployments cannot be listed" in ran.err
    assert "--for usage" in ran.err
    assert not target.exists()
