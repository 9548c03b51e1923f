"""`orchestrator images --cluster` against a real API server, and with the rights that `--for usage` gives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from orchestrator.kubectl import IDENTIFIES, KINDS, NoAnswer, StatusReason, find_kubectl
from orchestrator.lifecycle.in_use import parse_snapshot
from orchestrator.project import Project
from tests.cluster.api_server import ApiServer
from tests.functional.running import run

pytestmark = pytest.mark.cluster

PROJECT = Project(Path(__file__).parents[2])
SPEC = {"containers": [{"name": "main", "image": "nginx:1.27"}], "initContainers": [{"name": "i", "image": "busybox"}]}


def template(image: str, **spec: object) -> dict[str, object]:
    containers = [{"name": "main", "image": image}]
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers, **spec}}


def objects(namespace: str) -> list[dict[str, object]]:
    selector = {"matchLabels": {"app": "web"}}
    never = {"restartPolicy": "Never"}
    specs: dict[tuple[str, str], Mapping[str, object]] = {
        ("apps/v1", "Deployment"): {"replicas": 0, "selector": selector, "template": template("deployment:1")},
        ("apps/v1", "ReplicaSet"): {"replicas": 0, "selector": selector, "template": template("replicaset:1")},
        ("apps/v1", "StatefulSet"): {
            "replicas": 0,
            "serviceName": "web",
            "selector": selector,
            "template": template("statefulset:1"),
        },
        ("apps/v1", "DaemonSet"): {"selector": selector, "template": template("daemonset:1")},
        ("batch/v1", "Job"): {"suspend": True, "template": template("job:1", **never)},
        ("batch/v1", "CronJob"): {
            "schedule": "0 * * * *",
            "jobTemplate": {"spec": {"template": template("cronjob:1", **never)}},
        },
        ("v1", "ReplicationController"): {"replicas": 0, "selector": {"app": "web"}, "template": template("rc:1")},
        ("v1", "Pod"): SPEC,
    }
    made: list[dict[str, object]] = [
        {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": namespace}, "spec": spec}
        for (api, kind), spec in specs.items()
    ]
    revision = {"spec": {"template": {"$patch": "replace", **template("revision:1")}}}
    head = {"name": "web-1", "namespace": namespace}
    made.append(
        {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": head, "revision": 1, "data": revision}
    )
    made.append(
        {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {**head, "name": "t"}, "template": template("pt:1")}
    )
    return made


def test_every_kind_of_a_real_cluster_is_seen(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = api_server.create_namespace()
    api_server.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(objects(namespace)))
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))

    target = tmp_path / "snapshot.json"
    ran = run("-C", str(PROJECT.root), "images", "dev", "--cluster", "--json", "--snapshot", str(target))

    assert ran.code == 0, ran.err
    assert re.search(rf'(?m)^reads context "[^"]+" \({re.escape(api_server.url)}\)$', ran.err)
    uid = api_server.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert parse_snapshot(target.read_text()).uid == uid
    here = {
        image["reference"]: workload
        for image in json.loads(ran.out)["images"]
        for workload in image["workloads"]
        if f"/{namespace}/" in workload
    }
    assert here == {
        "nginx:1.27": f"Pod/{namespace}/web",
        "busybox": f"Pod/{namespace}/web",
        "deployment:1": f"Deployment/{namespace}/web",
        "replicaset:1": f"ReplicaSet/{namespace}/web",
        "statefulset:1": f"StatefulSet/{namespace}/web",
        "daemonset:1": f"DaemonSet/{namespace}/web",
        "job:1": f"Job/{namespace}/web",
        "cronjob:1": f"CronJob/{namespace}/web",
        "rc:1": f"ReplicationController/{namespace}/web",
        "revision:1": f"ControllerRevision/{namespace}/web-1",
        "pt:1": f"PodTemplate/{namespace}/t",
    }


def test_the_service_account_may_list_what_is_needed_and_change_nothing(api_server: ApiServer, tmp_path: Path) -> None:
    run("-C", str(PROJECT.root), "manifests", "dev", "--for", "usage", "--out", str(tmp_path))
    api_server.kubectl("apply", "-k", tmp_path / "usage")
    subject = {"user": "system:serviceaccount:ecr-usage:ecr-usage", "groups": ["system:serviceaccounts"]}

    def allowed(verb: str, group: str, resource: str, name: str = "") -> bool:
        attributes = {"verb": verb, "group": group, "resource": resource, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {**subject, "resourceAttributes": attributes},
        }
        made = api_server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(made["status"]["allowed"])

    for listed in KINDS:
        parts = listed.path.strip("/").split("/")
        group = "" if parts[0] == "api" else parts[1]
        assert allowed("list", group, parts[-1]), listed.kind
        assert not any(allowed(verb, group, parts[-1]) for verb in ("create", "update", "patch", "delete"))
    assert allowed("get", "", "namespaces", IDENTIFIES)
    assert not allowed("get", "", "namespaces", "default")
    assert not allowed("list", "", "secrets")
    # Nothing here would finish the namespace off.
    api_server.kubectl("delete", "-k", tmp_path / "usage", "--wait=false")


def test_what_the_api_server_refuses_is_told_by_the_reason_in_its_status(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reason(path: str, **user: str) -> StatusReason | None:
        config = yaml.safe_load(api_server.kubeconfig.read_text())
        config["users"][0]["user"].update(user)
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        found = find_kubectl().read(path)
        return found.reason if isinstance(found, NoAnswer) else None

    # `as` is impersonation: somebody who may do nothing.
    assert reason("/api/v1/secrets", **{"as": "nobody"}) is StatusReason.FORBIDDEN
    assert reason("/api/v1/secrets", token="wrong") is StatusReason.UNAUTHORIZED
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))
    kubectl = find_kubectl()
    assert kubectl.read("/apis/nobody.example.com/v1/things") is None
    namespace = api_server.create_namespace()
    assert kubectl.secret(namespace, "absent") is None
    # The message of a refusal may name another reason; only the one in brackets counts.
    assert kubectl.secret(namespace, "Forbidden") is None
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": "kept"}}
    assert kubectl.write(secret)
    assert not kubectl.write(secret), "it exists already"
    old = kubectl.secret(namespace, "kept")
    assert old is not None
    changed = {**old, "apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"}}
    assert kubectl.write(changed)
    assert not kubectl.write(changed), "its resourceVersion is no more"
