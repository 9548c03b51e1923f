"""`orchestrator images --cluster` as a shell runs it, with a kubectl that serves an API from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.lifecycle.in_use import parse_snapshot
from tests.functional.images_of_a_cluster import ENVIRONMENT, HOST, cluster, images, pod
from tests.functional.published_schemas import problems

from .cluster_of_files import Cluster
from .running import run

__all__ = ["cluster"]


def test_every_page_of_every_kind_is_read(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1")], [pod("b", "two")], [pod("c", "quay.io/org/one:1")]])
    template = {"spec": {"containers": [{"name": "x", "image": "quay.io/org/three:3"}]}}
    deployment = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 0, "template": template}}
    cluster.serve("/apis/apps/v1/deployments", [[deployment]])

    ran = images(tmp_path, "--json")
    assert problems("images", json.loads(ran.out)) == []

    assert ran.code == 0, ran.err
    found = {image["reference"]: image for image in json.loads(ran.out)["images"]}
    assert found["quay.io/org/one:1"]["workloads"] == ["Pod/shop/a", "Pod/shop/c"]
    assert found["quay.io/org/one:1"]["target"] == f"{HOST}/quay/org/one:1"
    assert found["quay.io/org/three:3"]["workloads"] == ["Deployment/shop/web"]
    assert (found["two"]["answer"], found["two"]["reason"]) == ("unchanged", "no route")
    assert len([call for call in cluster.calls() if "/api/v1/pods" in call]) == 3


def test_the_context_reaches_kubectl(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    assert images(tmp_path, "--context", "far").code == 0
    assert all(call.startswith("--context=far ") for call in cluster.calls())


def test_people_see_where_images_are_used(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod(f"p{number}", "quay.io/org/one:1") for number in range(5)]])
    cluster.has_policy("forbidden")
    lines = images(tmp_path).out.splitlines()
    assert lines == [
        f"quay.io/org/one:1  redirected  {HOST}/quay/org/one:1",
        "    Pod/shop/p0, Pod/shop/p1, Pod/shop/p2 and 2 more",
    ]


def test_a_snapshot_is_what_the_lifecycle_manager_reads(tmp_path: Path, cluster: Cluster) -> None:
    digest = "sha256:" + "a" * 64
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1", f"quay.io/org/one@{digest}")]])
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 0, ran.err
    snapshot = parse_snapshot((tmp_path / "snapshot.json").read_text())
    (image,) = snapshot.images
    assert snapshot.cluster == "prod"
    assert (image.reference, image.target, image.digests, image.workloads) == (
        "quay.io/org/one:1",
        f"{HOST}/quay/org/one:1",
        (digest,),
        ("Pod/shop/a",),
    )


def test_a_snapshot_says_the_name_that_it_is_read_by(tmp_path: Path, cluster: Cluster) -> None:
    usage = 'lifecycle_manager = { usage = { pod_identity = true, snapshot_name = "prod-eu" } }\n'
    (tmp_path / "environments" / "prod.tfvars").write_text(ENVIRONMENT + usage)
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 0, ran.err
    assert parse_snapshot((tmp_path / "snapshot.json").read_text()).cluster == "prod-eu"


def test_a_list_that_expired_while_it_was_read_begins_again(tmp_path: Path, cluster: Cluster) -> None:
    expired = {"error": "Error from server (Expired): The provided continue parameter is too old"}
    cluster.serve("/api/v1/pods", [[pod("a", "one")], expired, [pod("b", "two")]])
    ran = images(tmp_path, "--json")
    assert [image["reference"] for image in json.loads(ran.out)["images"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("path", "said", "remedy"),
    [
        ("/api/v1/pods", "Error from server (Forbidden): pods is forbidden", "--for usage"),
        ("/apis/argoproj.io/v1alpha1/rollouts", "Error from server (Forbidden): rollouts is forbidden", "--for usage"),
        ("/apis/apps/v1/deployments", "Unable to connect to the server: dial tcp", "--context"),
        ("/apis/batch/v1/cronjobs", "Error from server (NotFound): the server could not find the", "kubectl version"),
    ],
)
def test_a_kind_that_cannot_be_listed_leaves_no_snapshot(
    tmp_path: Path, cluster: Cluster, path: str, said: str, remedy: str
) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.serve(path, {"error": said})
    target = tmp_path / "snapshot.json"
    ran = images(tmp_path, "--snapshot", str(target))
    assert ran.code == 1
    assert said in ran.err
    assert remedy in ran.err
    assert not target.exists()


@pytest.mark.parametrize(
    "answer",
    [
        '{"items": [null]}',
        '{"items": ["x", 5]}',
        '{"items": 5}',
        '{"items": {"a": 1}}',
        '{"items": [], "metadata": "x"}',
        "[]",
        "<html>",
        "[" * 100_000,
    ],
    ids=["null", "text", "number", "object", "metadata", "list", "page", "deep"],
)
def test_what_is_no_list_of_objects_is_said_and_leaves_no_snapshot(
    tmp_path: Path, cluster: Cluster, answer: str
) -> None:
    cluster.serve_answer("/api/v1/pods", answer)
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 1
    assert "The cluster's Pods cannot be listed" in ran.err
    assert "its answer is no list" in ran.err
    assert not (tmp_path / "snapshot.json").exists()


def test_people_see_which_cluster_is_read(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    config = {"current-context": "prod-eu", "clusters": [{"cluster": {"server": "https://api.prod.example.com:6443"}}]}
    (cluster.folder / "config").write_text(json.dumps(config))
    assert 'reads context "prod-eu" (https://api.prod.example.com:6443)\n' in images(tmp_path).err
    assert 'reads context "far" (https://api.prod.example.com:6443)\n' in images(tmp_path, "--context", "far").err
    (cluster.folder / "config").unlink()
    assert "reads the cluster that kubectl reaches without a context\n" in images(tmp_path, "--json").err
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    assert "reads the cluster of this Pod (https://[fd00::1]:6443)\n" in images(tmp_path).err


def test_the_snapshot_of_another_cluster_is_not_overwritten(tmp_path: Path, cluster: Cluster) -> None:
    target = tmp_path / "snapshot.json"
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    assert parse_snapshot(target.read_text()).uid == "uid-of-prod"
    # Its own is written anew each hour.
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    before = target.read_bytes()
    cluster.is_called("uid-of-dev")
    (cluster.folder / "calls").unlink()

    refused = images(tmp_path, "--snapshot", str(target), "--context", "dev")

    assert refused.code == 2
    assert 'is the snapshot of another cluster than context "dev"' in refused.err
    assert "uid-of-prod there and uid-of-dev here" in refused.err
    assert "--cluster-replaced" in refused.err
    assert target.read_bytes() == before
    assert not any("pods" in call for call in cluster.calls())
    assert images(tmp_path, "--snapshot", str(target), "--cluster-replaced").code == 0
    assert parse_snapshot(target.read_text()).uid == "uid-of-dev"


def test_who_cannot_tell_the_cluster_overwrites_none_that_is_told(tmp_path: Path, cluster: Cluster) -> None:
    target = tmp_path / "snapshot.json"
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    ran = images(tmp_path, "--snapshot", str(target))
    assert ran.code == 0
    assert "does not say which cluster it is of: Error from server (Forbidden)" in ran.err
    assert parse_snapshot(target.read_text()).uid == ""
    # One that does not say it may be overwritten, also by one that does; and so may what is no snapshot.
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    (cluster.folder / "uid").unlink()
    refused = images(tmp_path, "--snapshot", str(target))
    assert refused.code == 2
    assert "may be the snapshot of another cluster" in refused.err
    assert parse_snapshot(target.read_text()).uid == "uid-of-prod"
    # A network that fails is not healed by rights, nor by saying that the cluster was replaced.
    (cluster.folder / "down").touch()
    failed = images(tmp_path, "--snapshot", str(target))
    assert failed.code == 1
    assert "does not answer. Unable to connect to the server" in " ".join(failed.err.split())
    assert "--cluster-replaced" not in failed.err
    (cluster.folder / "down").unlink()
    target.write_text("no snapshot")
    assert images(tmp_path, "--snapshot", str(target)).code == 0


@pytest.mark.parametrize("target", ["", "S3://records/snapshots/prod.json", "https://example.com/prod.json"])
def test_what_is_neither_a_file_nor_an_object_is_refused_before_anything_is_read(
    tmp_path: Path, cluster: Cluster, target: str
) -> None:
    ran = images(tmp_path, "--snapshot", target)
    assert ran.code == 2
    assert "is neither a file nor an object in S3" in ran.err
    assert not (cluster.folder / "calls").exists()


def test_a_folder_is_no_place_for_a_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    ran = images(tmp_path, "--snapshot", str(tmp_path))
    assert ran.code == 2
    assert "is there and is no file" in ran.err
    assert not any("pods" in call for call in cluster.calls())


def test_an_empty_cluster_leaves_no_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 1
    assert "uses no image at all" in ran.err
    assert not (tmp_path / "snapshot.json").exists()


@pytest.mark.parametrize("target", ["s3://", "s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_an_incomplete_place_in_s3_is_refused_before_anything_is_read(
    tmp_path: Path, cluster: Cluster, target: str
) -> None:
    assert images(tmp_path, "--snapshot", target).code == 2
    assert not (cluster.folder / "calls").exists()


def test_without_a_cluster_there_is_nothing_to_look_at(tmp_path: Path, cluster: Cluster) -> None:
    ran = run("-C", str(tmp_path), "images", "prod")
    assert ran.code == 2
    assert "--cluster" in ran.err


def test_a_missing_kubectl_is_named(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_KUBECTL", "/nowhere/kubectl")
    ran = images(tmp_path)
    assert ran.code == 1
    assert "/nowhere/kubectl is not installed" in ran.err
