"""What a native policy does and leaves alone on a real API server, beyond single references."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from orchestrator.environment.model import Environment
from orchestrator.environment.parts import Mirror
from orchestrator.manifests import Options, generate
from orchestrator.manifests.metadata import ORIGINAL_IMAGE, ORIGINAL_VOLUME_IMAGE
from tests.cluster.api_server import ApiServer
from tests.cluster.pods import Document, pod_of, slots
from tests.cluster.processes import EngineRunError, wait_until
from tests.references_table import OWN, environment

pytestmark = pytest.mark.cluster

NGINX = f"{OWN}/docker-hub/library/nginx"
REDIS = f"{OWN}/docker-hub/library/redis"


def native(of: Environment, *, annotate: bool = False, api_version: str = "v1") -> str:
    return generate(of, ["native"], Options(annotate=annotate, api_version=api_version))[0].files["policy.yaml"]


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.create_namespace()


@pytest.fixture
def policy(api_server: ApiServer, namespace: str) -> Iterator[None]:
    """The policy of the environment `standard`, without annotations."""
    with api_server.policy(native(environment("standard")), probe="nginx", becomes=NGINX, namespace=namespace):
        yield


@pytest.fixture
def old_pod(api_server: ApiServer, namespace: str) -> Document:
    """A Pod from before the policy, with an ephemeral container."""
    pod = api_server.admit([pod_of("old", ["nginx:1"], namespace=namespace)], keep=True)[0]
    pod["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "busybox-extras:1"}]
    return api_server.request("PUT", f"/api/v1/namespaces/{namespace}/pods/old/ephemeralcontainers", pod)


def images(pod: Document, field: str = "containers") -> dict[str, str]:
    return {one["name"]: one["image"] for one in pod["spec"][field]}


@pytest.mark.usefixtures("old_pod", "policy")
def test_only_ephemeral_containers_that_are_added_change(api_server: ApiServer, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods/old"
    pod = api_server.request("GET", path)
    pod["spec"]["ephemeralContainers"].append({"name": "second", "image": "redis:7"})

    changed = api_server.request("PUT", f"{path}/ephemeralcontainers", pod)

    assert images(changed, "ephemeralContainers") == {"debugger": "busybox-extras:1", "second": f"{REDIS}:7"}
    assert images(changed)["i0"] == "nginx:1"


@pytest.mark.usefixtures("old_pod", "policy")
def test_kubectl_debug_gets_its_image_from_ecr(api_server: ApiServer, namespace: str) -> None:
    api_server.kubectl("debug", "-n", namespace, "old", "--image=redis:7", "--container=dbg", "--attach=false")

    pod = api_server.request("GET", f"/api/v1/namespaces/{namespace}/pods/old")
    assert images(pod, "ephemeralContainers")["dbg"] == f"{REDIS}:7"


def test_a_pod_that_was_redirected_does_not_change_again(api_server: ApiServer, namespace: str) -> None:
    document = native(environment("standard"), annotate=True)
    with api_server.policy(document, probe="nginx", becomes=NGINX, namespace=namespace):
        pod = pod_of("twice", ["nginx:1", "redis:7", "registry.example.org/a:1"], namespace=namespace)
        first = api_server.admit([pod], keep=True)[0]
        written = {name: first["metadata"][name] for name in ("name", "namespace", "annotations")}
        again = {**first, "metadata": written, "status": None}
        applied = api_server.kubectl("apply", "-f", "-", stdin=json.dumps(again)).stdout
        after_apply = api_server.request("GET", f"/api/v1/namespaces/{namespace}/pods/twice")
        second = api_server.admit([{**again, "metadata": {**written, "name": "copy"}}])[0]

    expected = {
        "i0": f"{NGINX}:1",
        "i1": f"{REDIS}:7",
        "i2": "registry.example.org/a:1",
    }
    for one in (first, after_apply, second):
        assert images(one) == expected
        kept = {key: value for key, value in one["metadata"]["annotations"].items() if "orchestrator" in key}
        assert kept == {f"{ORIGINAL_IMAGE}i0": "nginx:1", f"{ORIGINAL_IMAGE}i1": "redis:7"}
    assert "configured" in applied or "unchanged" in applied


@pytest.mark.usefixtures("policy")
def test_a_deployment_is_left_alone_however_often_it_is_edited(api_server: ApiServer, namespace: str) -> None:
    api_server.kubectl("create", "deployment", "web", "-n", namespace, "--image=nginx:1")
    for tag in ("2", "3"):
        api_server.kubectl("set", "image", "-n", namespace, "deployment/web", f"nginx=nginx:{tag}")
        deployment = api_server.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
        assert images(deployment["spec"]["template"])["nginx"] == f"nginx:{tag}"


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize(
    ("name", "redirected"),
    [
        ("kube-system", False),
        ("kube-node-lease", False),
        ("openshift-monitoring", False),
        ("redhat-ods", False),
        ("kyverno", False),
        ("openshift", True),
        ("my-openshift-x", True),
        ("kyverno-2", True),
        ("kube-system-2", True),
    ],
)
def test_excluded_namespaces_are_left_alone(name: str, redirected: bool, api_server: ApiServer) -> None:
    if not name.startswith("kube-") or name.endswith("2"):
        api_server.create_namespace(name)

    assert api_server.admit_images(["nginx"], namespace=name) == {"nginx": NGINX if redirected else "nginx"}


def test_without_excluded_namespaces_every_namespace_is_redirected(api_server: ApiServer) -> None:
    everywhere = environment("standard").model_copy(update={"exclude_namespaces": ()})
    with api_server.policy(native(everywhere), probe="nginx", becomes=NGINX, namespace="kube-system"):
        assert api_server.admit_images(["nginx"], namespace="kube-system") == {"nginx": NGINX}


def test_originals_are_kept_for_every_kind_of_image(api_server: ApiServer, namespace: str) -> None:
    pod = pod_of("kept", ["nginx:1", "busybox"], namespace=namespace)
    pod["spec"]["initContainers"] = [{"name": "init", "image": "redis:7"}]
    pod["spec"]["volumes"] = [
        {"name": "i0", "image": {"reference": "quay.io/a/data:1"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    document = native(environment("standard"), annotate=True)

    with api_server.policy(document, probe="nginx", becomes=NGINX, namespace=namespace):
        bare = api_server.admit([pod])[0]
        pod["metadata"]["annotations"] = {"mine": "stays"}
        annotated = api_server.admit([pod])[0]

    kept = {
        f"{ORIGINAL_IMAGE}i0": "nginx:1",
        f"{ORIGINAL_IMAGE}init": "redis:7",
        f"{ORIGINAL_VOLUME_IMAGE}i0": "quay.io/a/data:1",
    }
    assert bare["metadata"]["annotations"] == kept
    assert annotated["metadata"]["annotations"] == {"mine": "stays", **kept}


SIDECAR = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: zz-sidecar}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: asked, expression: "has(object.metadata.labels) && 'sidecar' in object.metadata.labels"}]
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          [JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "sidecar", image: "redis:7"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: zz-sidecar}
spec: {policyName: zz-sidecar}
"""


@pytest.mark.usefixtures("policy")
def test_what_another_policy_adds_is_redirected_in_a_second_round(api_server: ApiServer, namespace: str) -> None:
    pod = pod_of("with-sidecar", ["nginx:1"], namespace=namespace)
    pod["metadata"]["labels"] = {"sidecar": "yes"}
    api_server.kubectl("apply", "-f", "-", stdin=SIDECAR)
    try:
        wait_until(lambda: "sidecar" in images(api_server.admit([pod])[0]), "the other policy takes effect")
        admitted = api_server.admit([pod])[0]
    finally:
        api_server.kubectl("delete", "-f", "-", stdin=SIDECAR)

    assert images(admitted) == {"i0": f"{NGINX}:1", "sidecar": f"{REDIS}:7"}


def large(rules: int, excludes: int) -> Environment:
    """As many routes as a registry can have, and excludes of several components below them."""
    return Environment(
        name="large",
        cluster_name="large",
        account_id="123456789012",
        aws_region="us-east-1",
        mirrors={
            f"team-{number:02}": Mirror(source=f"registry-{number:02}.example.com/organisation/team-{number:02}")
            for number in range(rules)
        },
        exclude=tuple(
            f"registry-{number % rules:02}.example.com/organisation/team-{number % rules:02}/project-{number:03}/private"
            for number in range(excludes)
        ),
    )


@pytest.mark.parametrize("annotate", [False, True])
def test_fifty_routes_with_two_hundred_excludes_stay_within_the_limits(
    annotate: bool, api_server: ApiServer, namespace: str
) -> None:
    document = native(large(50, 200), annotate=annotate)
    # etcd takes 1.5 MB.
    assert max(len(yaml.safe_dump(one)) for one in yaml.safe_load_all(document)) < 100_000
    base = "registry-49.example.com/organisation/team-49"
    target = f"{OWN}/team-49/organisation/team-49"
    references = [f"{base}/service-{number:03}/component/image:1.{number}" for number in range(300)]

    with api_server.policy(document, probe=f"{base}/a", becomes=f"{target}/a", namespace=namespace):
        found = api_server.admit_images(references, namespace=namespace, per_pod=300)
        left = f"{base}/project-049/private/app:1"
        assert api_server.admit_images([left], namespace=namespace) == {left: left}

    assert found == {one: one.replace(base, target) for one in references}


@pytest.mark.parametrize("policy_says", ["Ignore", "Fail"])
def test_a_pod_that_costs_more_than_the_budget_is_admitted_as_it_is_unless_the_policy_fails_closed(
    policy_says: str, api_server: ApiServer, namespace: str
) -> None:
    strict = environment("standard").model_copy(update={"failure_policy": policy_says})
    # Ten times what any Pod has.
    pod = pod_of("huge", [], namespace=namespace)
    pod["spec"]["containers"] = slots([f"quay.io/{'a' * 200}/{number}:1" for number in range(3000)], "containers")

    with api_server.policy(native(strict), probe="nginx", becomes=NGINX, namespace=namespace):
        if policy_says == "Fail":
            with pytest.raises(EngineRunError, match="cost limit exceeded"):
                api_server.admit([pod])
        else:
            assert images(api_server.admit([pod])[0])["i0"] == f"quay.io/{'a' * 200}/0:1"


@pytest.mark.parametrize("api_version", ["v1beta1", "v1alpha1"])
def test_older_versions_of_the_api_redirect_too(api_version: str, api_server: ApiServer, namespace: str) -> None:
    document = native(environment("standard"), api_version=api_version)

    with api_server.policy(document, probe="nginx", becomes=NGINX, namespace=namespace):
        assert api_server.admit_images(["redis:7"], namespace=namespace) == {"redis:7": f"{REDIS}:7"}
