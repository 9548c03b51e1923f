"""Generated documents are what their consumers take: each by the real one, for every environment that we have."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrator.environment.model import Environment
from orchestrator.manifests import Options, available_targets, folder, generate
from orchestrator.manifests.targets import CONFIG_MAP_NAMESPACE
from orchestrator.project import Project
from tests import random_tables
from tests.cluster.api_server import ApiServer
from tests.cluster.kyverno import kyverno_mutate
from tests.cluster.pulls import kubelet_credentials, registries_conf_of, strict_decode
from tests.functional.running import run
from tests.references_table import ENVIRONMENTS, environment

pytestmark = pytest.mark.cluster

PROJECT = Project(Path(__file__).parents[2])
ALL: dict[str, Environment] = {
    **{name: environment(name) for name in ENVIRONMENTS},
    **{f"environments/{name}": PROJECT.load(name) for name in PROJECT.environment_names()},
    "random": random_tables.environment(1),
    "no routes": Environment(
        name="Empty_.1", cluster_name="No_Routes", account_id="111122223333", aws_region="us-east-1"
    ),
}
each = pytest.mark.parametrize("of", ALL.values(), ids=ALL)


@each
@pytest.mark.parametrize("api_version", ["v1", "v1beta1", "v1alpha1"])
@pytest.mark.parametrize("annotate", [False, True])
def test_the_api_server_takes_native_policies(
    of: Environment, api_version: str, annotate: bool, api_server: ApiServer
) -> None:
    document = generate(of, ["native"], Options(annotate, api_version))[0].files["policy.yaml"]

    created = api_server.kubectl("create", "--dry-run=server", "-f", "-", "-o", "name", stdin=document)

    assert len(created.stdout.split()) == 4


@each
def test_openshift_takes_mirror_sets_and_credentials(
    of: Environment, openshift_api_server: ApiServer, tmp_path: Path
) -> None:
    for target in ("idms", "itms"):
        (bundle,) = generate(of, [target])
        for name in bundle.resources:
            document = bundle.files[name]
            read = strict_decode(document, tmp_path)
            created = openshift_api_server.kubectl(
                "create", "--dry-run=server", "-f", "-", "-o", "name", stdin=document
            )
            assert len(created.stdout.split()) == len(read) > 0
            registries_conf_of(document, tmp_path)


@each
def test_openshift_takes_what_lets_it_pull(of: Environment, openshift_api_server: ApiServer, tmp_path: Path) -> None:
    for platform in ("rosa-classic", "rosa-hcp"):
        changed = of.model_copy(update={"platform": platform, "kubernetes_version": "1.36"})
        files = generate(changed, ["credentials"])[0].files
        secret = openshift_api_server.kubectl(
            *("create", "--dry-run=client", "--validate=strict", "-f", "-", "-o", "name"),
            stdin=files["pull-secret.yaml"],
        )
        assert secret.stdout.split()
        if platform == "rosa-classic":
            crio = files["crio-credential-provider-config.yaml"]
            read = strict_decode(crio, tmp_path)
            created = openshift_api_server.kubectl("create", "--dry-run=server", "-f", "-", "-o", "name", stdin=crio)
            assert len(created.stdout.split()) == len(read) > 0


@each
def test_the_api_server_takes_the_swapper(of: Environment, api_server: ApiServer) -> None:
    (bundle,) = generate(of, ["swapper"])
    api_server.kubectl("apply", "-f", "-", stdin=bundle.files["namespace.yaml"])

    for name in ("swapper.yaml", "webhook.yaml"):
        taken = api_server.kubectl(
            *("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name"), stdin=bundle.files[name]
        )
        assert taken.stdout.split()


@each
def test_the_kubelet_starts_with_its_configuration(of: Environment, tmp_path: Path) -> None:
    on_eks = of.model_copy(update={"platform": "eks"})
    document = generate(on_eks, ["credentials"])[0].files["credential-provider-config.yaml"]
    strict_decode(document, tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(document, "utf-8")

    found = kubelet_credentials([f"{of.registry_host}/a"], config)

    assert found[f"{of.registry_host}/a"]["users"] == [of.registry.region]


@pytest.mark.parametrize("target", ["kyverno", "kyverno-cel"])
def test_kyverno_takes_policies_without_routes(target: str, tmp_path: Path) -> None:
    document = generate(ALL["no routes"], [target])[0].files["policy.yaml"]

    assert kyverno_mutate(document, ["nginx"], folder=tmp_path) == {"nginx": "nginx"}


@each
def test_every_kustomization_builds_and_its_objects_carry_the_digest(
    of: Environment, api_server: ApiServer, tmp_path: Path
) -> None:
    bundles = generate(of, available_targets(of))
    for path, text in folder(bundles).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    for bundle in bundles:
        built = api_server.kubectl("kustomize", tmp_path / bundle.target).stdout
        documents = list(yaml.safe_load_all(built))
        assert documents
        for document in documents:
            assert re.fullmatch("sha256:[0-9a-f]{64}", document["metadata"]["annotations"]["orchestrator/route-table"])
            assert document["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "orchestrator"
        if not bundle.resources:
            (config_map,) = documents
            assert config_map["metadata"]["namespace"] == CONFIG_MAP_NAMESPACE
            assert sorted(config_map["data"].values()) == sorted(
                text for path, text in bundle.files.items() if path not in ("README.md", "kustomization.yaml")
            )
            api_server.kubectl("create", "--dry-run=server", "-f", "-", stdin=built)


def test_the_command_and_kubectl_send_a_pod_to_ecr(api_server: ApiServer) -> None:
    namespace = api_server.create_namespace()
    documents = run("-C", str(PROJECT.root), "manifests", "dev", "--for", "native", "--api-version", "v1")
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library/nginx"

    with api_server.policy(documents.out, probe="nginx", becomes=image, namespace=namespace):
        api_server.kubectl("run", "web", "-n", namespace, "--image=nginx")
        shown = api_server.kubectl("get", "pod", "web", "-n", namespace, "-o", "jsonpath={.spec.containers[0].image}")

    assert shown.stdout == image


def test_the_documents_of_a_folder_are_applied_and_rolled_back_with_its_kustomization(
    api_server: ApiServer, tmp_path: Path
) -> None:
    run("-C", str(PROJECT.root), "manifests", "dev", "--for", "native", "--api-version", "v1", "--out", str(tmp_path))
    objects = "mutatingadmissionpolicies,mutatingadmissionpolicybindings"
    chosen = "--selector=app.kubernetes.io/instance=dev"

    api_server.kubectl("apply", "-k", tmp_path / "native")
    there = api_server.kubectl("get", objects, chosen, "-o", "name").stdout.split()
    api_server.kubectl("delete", "-k", tmp_path / "native")
    gone = api_server.kubectl("get", objects, chosen, "-o", "name").stdout.split()

    assert (len(there), gone) == (4, [])


ROSA = """#!/bin/sh
case "$1 $2" in
  "list image-mirrors") cat "$ROSA_STATE" ;;
  "create image-mirror") echo "$@" >> "$ROSA_STATE.created" ;;
esac
"""


def test_the_rosa_script_creates_what_is_missing_and_names_what_differs(tmp_path: Path) -> None:
    of = PROJECT.load("rosa-zero-egress")
    (bundle,) = generate(of, ["rosa"])
    script = tmp_path / "image-mirrors.sh"
    script.write_text(bundle.files["image-mirrors.sh"], "utf-8")
    (tmp_path / "rosa").write_text(ROSA, "utf-8")
    (tmp_path / "rosa").chmod(0o755)
    state = tmp_path / "state.json"
    host = of.registry_host
    state.write_text(
        f'[{{"source": "quay.io", "mirrors": ["{host}/quay"]}}, {{"source": "docker.io", "mirrors": ["elsewhere"]}}]'
    )
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ROSA_STATE": str(state)}

    done = subprocess.run(["bash", script], env=variables, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "exists: quay.io\n")
    assert f"differs: docker.io has elsewhere, not {host}/docker-hub" in done.stderr
    created = Path(f"{state}.created").read_text().splitlines()
    assert f"create image-mirror --cluster zero --type digest --source k8s.gcr.io --mirrors {host}/k8s" in created
    assert not any("quay.io" in line or "--source docker.io" in line for line in created)

    state.write_text("[]")
    assert subprocess.run(["bash", script], env=variables, capture_output=True, check=False).returncode == 0
