"""`orchestrator verify --cluster` against a real API server: Pods with the statuses and events that a kubelet writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from tests.cluster.api_server import ApiServer
from tests.functional.running import run

pytestmark = pytest.mark.cluster

PROJECT = Project(Path(__file__).parents[2])


def create(api_server: ApiServer, namespace: str, name: str, image: str) -> None:
    spec = {"containers": [{"name": "c", "image": image}]}
    api_server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/pods",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec},
    )


def report(api_server: ApiServer, namespace: str, name: str, image: str, reason: str, message: str) -> None:
    """What a kubelet writes when a pull fails: the container waits, and an event says why."""
    waiting = {"waiting": {"reason": reason, "message": f'Back-off pulling image "{image}"'}}
    container = {"name": "c", "image": image, "imageID": "", "ready": False, "restartCount": 0, "state": waiting}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    pod = api_server.request("GET", path)
    pod["status"] = {"phase": "Pending", "containerStatuses": [container]}
    api_server.request("PUT", f"{path}/status", pod)
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.1"},
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": name},
        "type": "Warning",
        "reason": "Failed",
        "message": message,
    }
    api_server.request("POST", f"/api/v1/namespaces/{namespace}/events", event)


def test_what_runs_from_elsewhere_and_what_fails_is_said(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = build_route_table(PROJECT.load("dev"))
    own = f"{table.registry_host}/docker-hub/library/nginx:1.27"
    namespace = api_server.create_namespace()
    create(api_server, namespace, "source", "nginx:1.27")
    create(api_server, namespace, "own", own)
    create(api_server, namespace, "failing", own)
    report(
        api_server,
        namespace,
        "failing",
        own,
        "ImagePullBackOff",
        f'Failed to pull image "{own}": rpc error: code = NotFound desc = failed to resolve reference: no match for platform '
        "in manifest",
    )
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))

    ran = run("-C", str(PROJECT.root), "verify", "dev", "--cluster", "--json")

    assert ran.code == 3, ran.err
    here = {item["pod"]: item for item in ran.json["findings"] if item["namespace"] == namespace}
    assert {pod: (item["verdict"], item["cause"]) for pod, item in here.items()} == {
        "source": ("elsewhere", "not redirected"),
        "failing": ("failing", "architecture"),
    }
    assert "kubernetes.io/arch" in here["failing"]["remedy"]
