"""What Kyverno's policies do and leave alone, beyond single references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from orchestrator.environment.model import Environment
from orchestrator.environment.parts import Mirror
from orchestrator.manifests import Options, generate
from orchestrator.manifests.metadata import ORIGINAL_IMAGE, ORIGINAL_VOLUME_IMAGE
from tests.cluster.kyverno import KyvernoRun, kyverno_apply, kyverno_mutate
from tests.cluster.pods import Document, pod_of, slots
from tests.cluster.processes import engine_environment, run_engine
from tests.references_table import OWN, environment

pytestmark = pytest.mark.cluster
both = pytest.mark.parametrize("target", ["kyverno", "kyverno-cel"])

NGINX = f"{OWN}/docker-hub/library/nginx"
REDIS = f"{OWN}/docker-hub/library/redis"


def policy(of: Environment, target: str, *, annotate: bool = False) -> str:
    return generate(of, [target], Options(annotate=annotate))[0].files["policy.yaml"]


def images(run: KyvernoRun, pod: str, field: str = "containers") -> list[str]:
    return [one["image"] for one in run.pods[pod]["spec"][field]]


@both
def test_excluded_namespaces_are_left_alone(target: str, tmp_path: Path) -> None:
    left = ["kube-system", "kube-public", "openshift-monitoring", "redhat-ods", "kyverno"]
    redirected = ["default", "openshift", "my-openshift-x", "kyverno-2", "kube-system-2"]
    pods = [pod_of(f"in-{name}", ["nginx"], namespace=name) for name in (*left, *redirected)]

    run = kyverno_apply(policy(environment("standard"), target), pods, tmp_path)

    found = {pod["metadata"]["namespace"]: images(run, name)[0] for name, pod in run.pods.items()}
    assert {name: found.get(name, "nginx") for name in left} == dict.fromkeys(left, "nginx")
    assert {name: found[name] for name in redirected} == dict.fromkeys(redirected, NGINX)


@both
def test_without_excluded_namespaces_every_namespace_is_redirected(target: str, tmp_path: Path) -> None:
    everywhere = environment("standard").model_copy(update={"exclude_namespaces": ()})

    found = kyverno_mutate(policy(everywhere, target), ["nginx"], folder=tmp_path, namespace="kube-system")

    assert found == {"nginx": NGINX}


@both
def test_a_pod_that_was_redirected_does_not_change_again(target: str, tmp_path: Path) -> None:
    document = policy(environment("standard"), target, annotate=True)
    pod = pod_of("twice", ["nginx:1", "redis:7", "registry.example.org/a:1"], namespace="default")

    first = kyverno_apply(document, [pod], tmp_path).pods["twice"]
    second = kyverno_apply(document, [first], tmp_path).pods["twice"]

    assert [one["image"] for one in first["spec"]["containers"]] == [
        f"{NGINX}:1",
        f"{REDIS}:7",
        "registry.example.org/a:1",
    ]
    assert second == first


@both
def test_originals_are_kept_for_every_kind_of_image(target: str, tmp_path: Path) -> None:
    bare = pod_of("bare", ["nginx:1", "busybox"], namespace="default")
    bare["spec"]["initContainers"] = [{"name": "init", "image": "redis:7"}]
    bare["spec"]["volumes"] = [
        {"name": "i0", "image": {"reference": "quay.io/a/data:1"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    annotated = {**bare, "metadata": {"name": "annotated", "namespace": "default", "annotations": {"mine": "stays"}}}
    untouched = pod_of("untouched", ["busybox"], namespace="default")

    run = kyverno_apply(policy(environment("standard"), target, annotate=True), [bare, annotated, untouched], tmp_path)

    kept = {
        f"{ORIGINAL_IMAGE}i0": "nginx:1",
        f"{ORIGINAL_IMAGE}init": "redis:7",
        f"{ORIGINAL_VOLUME_IMAGE}i0": "quay.io/a/data:1",
    }
    assert run.pods["bare"]["metadata"]["annotations"] == kept
    assert run.pods["annotated"]["metadata"]["annotations"] == {"mine": "stays", **kept}
    assert images(run, "annotated") == [f"{NGINX}:1", "busybox"]
    assert images(run, "annotated", "initContainers") == [f"{REDIS}:7"]
    assert "annotations" not in run.pods.get("untouched", untouched)["metadata"]


@both
def test_deployments_are_left_alone(target: str, tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": slots(["nginx"], "containers")}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    deployment: Document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    }
    job = {**deployment, "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "default"}}

    run = kyverno_apply(policy(environment("standard"), target), [deployment, job], tmp_path)

    assert (run.failed, run.errors) == (0, 0), run.output
    for found in run.pods.values():
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx"


@both
def test_many_routes_and_excludes_in_one_policy(target: str, tmp_path: Path) -> None:
    large = Environment(
        name="large",
        cluster_name="large",
        account_id="123456789012",
        aws_region="us-east-1",
        mirrors={f"team-{number}": Mirror(source=f"quay.io/team-{number}") for number in range(50)},
        exclude=tuple(f"quay.io/team-{number % 50}/project-{number}" for number in range(200)),
    )
    expected = {
        "quay.io/team-49/app:1": f"{OWN}/team-49/team-49/app:1",
        "quay.io/team-49/project-49/app:1": "quay.io/team-49/project-49/app:1",
        "quay.io/team-49/project-490/app:1": f"{OWN}/team-49/team-49/project-490/app:1",
        "quay.io/team-5/app:1": f"{OWN}/team-5/team-5/app:1",
    }
    document = policy(large, target)

    assert kyverno_mutate(document, expected, folder=tmp_path) == expected
    assert max(len(yaml.safe_dump(one)) for one in yaml.safe_load_all(document)) < 250_000


VALUES = """
apiVersion: cli.kyverno.io/v1alpha1
kind: Values
metadata: {name: values}
globalValues:
  request.operation: UPDATE
subresources:
  - subresource: {name: pods/ephemeralcontainers, kind: Pod, version: v1}
    parentResource: {name: pods, kind: Pod, version: v1}
"""


def test_a_cluster_policy_redirects_only_ephemeral_containers_that_are_added(tmp_path: Path) -> None:
    # The CLI has no old object; the new one stands in for it, with those that carry the tag "old".
    held = "request.oldObject.spec.ephemeralContainers[]"
    document = policy(environment("standard"), "kyverno")
    assert held in document
    document = document.replace(held, 'request.object.spec.ephemeralContainers[?ends_with(image, `":old"`)]')
    pod = pod_of("debugged", ["nginx"], namespace="default")
    pod["spec"]["ephemeralContainers"] = slots(["redis:old", "redis:new"], "ephemeralContainers")
    for name, text in {"policy.yaml": document, "values.yaml": VALUES, "pod.yaml": json.dumps(pod)}.items():
        (tmp_path / name).write_text(text, "utf-8")

    command = ["kyverno", "apply", "policy.yaml", "-r", "pod.yaml", "-f", "values.yaml", "-o", "out.yaml"]
    run_engine(
        [*command[:2], *(tmp_path / one if one.endswith(".yaml") else one for one in command[2:])],
        environment=engine_environment(tmp_path),
    )

    spec = next(yaml.safe_load_all((tmp_path / "out.yaml").read_text("utf-8")))["spec"]
    assert [one["image"] for one in spec["ephemeralContainers"]] == ["redis:old", f"{REDIS}:new"]
    assert [one["image"] for one in spec["containers"]] == ["nginx"]
