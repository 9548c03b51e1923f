"""`orchestrator doctor NAME --cluster` and `images --cluster` against a real API server with custom resources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.manifests import Options, generate
from orchestrator.project import Project
from tests.cluster.api_server import ApiServer, start_api_server
from tests.cluster.processes import wait_until
from tests.functional.running import Ran, run

pytestmark = pytest.mark.cluster

PROJECT = Project(Path(__file__).parents[2])
HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"


def definition(group: str, kind: str, plural: str, *versions: str, scope: str = "Namespaced") -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {"name": name, "served": True, "storage": number == 0, "schema": schema}
                for number, name in enumerate(versions)
            ],
        },
    }


DEFINITIONS = [
    definition("kyverno.io", "ClusterPolicy", "clusterpolicies", "v1", scope="Cluster"),
    definition("postgresql.cnpg.io", "Cluster", "clusters", "v1"),
    definition("flink.apache.org", "FlinkDeployment", "flinkdeployments", "v1beta1"),
    definition("widgets.example.com", "Widget", "widgets", "v1"),
]


@pytest.fixture(scope="module")
def with_definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server of its own with these custom resources, so that no other test sees them."""
    documents = yaml.safe_dump_all(DEFINITIONS)
    with start_api_server(tmp_path_factory.mktemp("custom-resources")) as server:
        server.kubectl("apply", "-f", "-", stdin=documents)
        server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", "-", stdin=documents)
        yield server


@pytest.fixture
def server(with_definitions: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """That server, which kubectl reaches."""
    monkeypatch.setenv("KUBECONFIG", str(with_definitions.kubeconfig))
    return with_definitions


def named(ran: Ran) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in ran.json["findings"] if one["check"] in ("cluster", "policy", "kyverno")}


def kyverno(namespace: str, version: str) -> str:
    labels = {"app.kubernetes.io/component": "admission-controller", "app.kubernetes.io/part-of": "kyverno"}
    container = {"name": "kyverno", "image": f"reg.kyverno.io/kyverno/kyverno:{version}"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    head = {"name": "kyverno-admission-controller", "namespace": namespace, "labels": labels}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": head, "spec": spec})


def test_the_doctor_warns_of_a_kyverno_that_is_about_to_refuse_the_policy(server: ApiServer, tmp_path: Path) -> None:
    shutil.copytree(PROJECT.root / "environments", tmp_path / "environments")
    doctor = ("-C", str(tmp_path), "doctor", "dev", "--cluster", "--local", "--json")
    namespace = server.create_namespace()

    found = named(run(*doctor))
    assert "Kubernetes v1.36" in found["cluster"]["what"]
    assert (found["policy"]["status"], found["kyverno"]["what"]) == ("note", "is not installed")

    policy = generate(PROJECT.load("dev"), ["kyverno"])[0].files["policy.yaml"]
    server.kubectl("apply", "-f", "-", stdin=policy)
    seen = {}
    for version in ("v1.16.4", "v1.18.2", "v1.19.1", "v1.20.0", "v1.21.3"):
        server.kubectl("apply", "-f", "-", stdin=kyverno(namespace, version))
        ran = run(*doctor)
        found = named(ran)
        seen[version] = found["kyverno"]["status"]
        assert found["policy"]["what"] == "kyverno redirects Pods"
        if seen[version] != "ok":
            assert "--for kyverno-cel" in found["kyverno"]["remedy"]
    server.kubectl("delete", "-f", "-", stdin=policy)
    without = named(run(*doctor))["kyverno"]["status"]
    server.kubectl("delete", "-f", "-", stdin=kyverno(namespace, "v1.21.3"))

    assert seen == {"v1.16.4": "ok", "v1.18.2": "ok", "v1.19.1": "note", "v1.20.0": "failed", "v1.21.3": "failed"}
    assert without == "ok"


def test_custom_resources_of_a_real_cluster_are_read_and_the_unknown_named(server: ApiServer) -> None:
    namespace = server.create_namespace()
    template = {"spec": {"containers": [{"name": "flink-main-container", "image": "example.com/side:1"}]}}
    specs = {
        ("postgresql.cnpg.io/v1", "Cluster"): {"imageName": "nginx:17"},
        ("flink.apache.org/v1beta1", "FlinkDeployment"): {"image": "flink:2", "podTemplate": template},
        ("widgets.example.com/v1", "Widget"): {"image": "secret:1"},
    }
    objects = [
        {"apiVersion": api, "kind": kind, "metadata": {"name": "main", "namespace": namespace}, "spec": spec}
        for (api, kind), spec in specs.items()
    ]
    server.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def seen() -> bool:
        return (
            "widgets.example.com"
            in run("-C", str(PROJECT.root), "images", "dev", "--cluster", "--json").json["not_read"]
        )

    wait_until(seen, "the API server's list of groups has the new ones")
    ran = run("-C", str(PROJECT.root), "images", "dev", "--cluster", "--json")

    here = {
        image["reference"]: image
        for image in ran.json["images"]
        if any(f"/{namespace}/" in workload for workload in image["workloads"])
    }
    assert set(here) == {"nginx:17", "flink:2", "example.com/side:1"}
    assert here["nginx:17"]["workloads"] == [f"Cluster.postgresql.cnpg.io/{namespace}/main"]
    assert here["nginx:17"]["stays"][0]["why"] == "operator"
    assert "widgets.example.com" in ran.err
    asked = run("-C", str(PROJECT.root), "images", "dev", "--cluster", "--from", "docker.io", "--json")
    assert "nginx:17" in {image["reference"] for image in asked.json["images"]}
    assert "flink:2" not in {image["reference"] for image in asked.json["images"]}


def test_pods_older_than_the_policy_are_told_from_those_that_it_redirected(server: ApiServer) -> None:
    namespace = server.create_namespace()
    server.kubectl("run", "old", "-n", namespace, "--image=nginx:1")
    document = generate(PROJECT.load("dev"), ["native"], Options(api_version="v1"))[0].files["policy.yaml"]
    becomes = f"{HOST}/docker-hub/library/nginx"

    with server.policy(document, probe="nginx", becomes=becomes, namespace=namespace):
        server.kubectl("run", "new", "-n", namespace, "--image=nginx:2")
        ran = run("-C", str(PROJECT.root), "images", "dev", "--cluster", "--json")

    found = {image["reference"]: image for image in ran.json["images"]}
    (stay,) = [one for one in found["nginx:1"]["stays"] if f"Pod/{namespace}/old" in one["workloads"]]
    assert stay["why"] == "before the policy"
    assert f"Pod/{namespace}/new" in found[f"{becomes}:2"]["workloads"]


def test_a_token_goes_into_the_pull_secret_and_other_logins_stay(server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    text = 'cluster_name = "rosa"\naccount_id = "111122223333"\naws_region = "us-east-1"\nplatform = "PLATFORM"\ncreate_vpc_endpoints = false\n'
    for platform in ("rosa-classic", "rosa-hcp", "eks"):
        (tmp_path / "environments" / f"{platform}.tfvars").write_text(text.replace("PLATFORM", platform))
    command = ("-C", str(tmp_path), "pull-secret")
    server.create_namespace("openshift-config")
    others = {"auths": {"quay.io": {"auth": "eDp5"}}, "credHelpers": {"a": "b"}}
    held = [
        "create",
        "secret",
        "generic",
        "pull-secret",
        "-n",
        "openshift-config",
        "--type=kubernetes.io/dockerconfigjson",
    ]
    server.kubectl(*held, f"--from-literal=.dockerconfigjson={json.dumps(others)}")

    def content(namespace: str, name: str) -> Any:
        import base64

        secret = server.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))

    for platform, place in (
        ("rosa-classic", ("openshift-config", "pull-secret")),
        ("rosa-hcp", ("kube-system", "additional-pull-secret")),
    ):
        for _ in range(2):
            ran = run(*command, platform, "--local")
            assert ran.code == 0, ran.err
            assert f"{HOST} has a token until" in ran.out
            assert HOST in content(*place)["auths"]
        assert "auth" not in ran.out.replace("/", "")
    assert content("openshift-config", "pull-secret")["auths"]["quay.io"] == others["auths"]["quay.io"]  # type: ignore[index]
    assert content("openshift-config", "pull-secret")["credHelpers"] == {"a": "b"}

    assert run(*command, "rosa-classic", "--remove").code == 0
    assert content("openshift-config", "pull-secret") == others
    assert run(*command, "eks").code == 2
    server.kubectl(
        "patch",
        "secret",
        "pull-secret",
        "-n",
        "openshift-config",
        "-p",
        json.dumps({"stringData": {".dockerconfigjson": "{}"}}),
    )
    broken = run(*command, "rosa-classic", "--local")
    assert (broken.code, "cannot be read" in broken.err) == (1, True)
    assert content("openshift-config", "pull-secret") == {}
    run("-C", str(tmp_path), "local", "down")
