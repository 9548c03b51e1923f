"""What policies do to Pods that are written again, and to Pods that others own, on the real API server with every engine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from orchestrator.environment.pods import COMPARING_OPERATORS
from orchestrator.manifests.metadata import ORIGINAL_IMAGE
from tests.cluster.api_server import ApiServer
from tests.cluster.pods import Document
from tests.cluster.processes import wait_until
from tests.cluster.redirecting import ENGINES, Engine, redirecting
from tests.references_table import OWN, environment

pytestmark = pytest.mark.cluster

NGINX = f"{OWN}/docker-hub/library/nginx"
REDIS = f"{OWN}/docker-hub/library/redis"
DATA = f"{OWN}/quay/a/data"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param.replace('-', '_')}_engine")
    return found


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.create_namespace()


@pytest.fixture
def policy(api_server: ApiServer, namespace: str, engine: Engine, old_pod: str) -> Iterator[None]:
    """The policy of the environment `standard`, in a cluster in which the Pod `old` was before it."""
    assert old_pod
    with redirecting(api_server, engine, environment("standard"), namespace):
        yield


@pytest.fixture
def old_pod(api_server: ApiServer, namespace: str) -> str:
    spec = {
        "containers": [{"name": "web", "image": "nginx:1"}, {"name": "side", "image": "redis:7"}],
        "initContainers": [{"name": "init", "image": "redis:6"}],
    }
    api_server.admit([pod("old", namespace, spec)], keep=True)
    return "old"


def pod(name: str, namespace: str, spec: Document, **metadata: Document) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


EVERYTHING: Document = {
    "containers": [{"name": "web", "image": "nginx:1"}, {"name": "own", "image": "example.com/own:1"}],
    "initContainers": [{"name": "init", "image": "redis:7"}],
    "volumes": [{"name": "data", "image": {"reference": "quay.io/a/data:1"}}],
}


def images(api_server: ApiServer, namespace: str, name: str) -> dict[str, str]:
    spec = api_server.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")["spec"]
    containers = [*spec["containers"], *spec.get("initContainers", []), *spec.get("ephemeralContainers", [])]
    found = {one["name"]: one["image"] for one in containers}
    return found | {one["name"]: one["image"]["reference"] for one in spec.get("volumes", []) if "image" in one}


REDIRECTED = {"web": f"{NGINX}:1", "own": "example.com/own:1", "init": f"{REDIS}:7", "data": f"{DATA}:1"}


@pytest.mark.usefixtures("policy")
def test_the_same_file_again_changes_nothing_however_it_is_applied(api_server: ApiServer, namespace: str) -> None:
    written = json.dumps(pod("again", namespace, EVERYTHING))

    api_server.kubectl("apply", "-f", "-", stdin=written)
    assert images(api_server, namespace, "again") == REDIRECTED
    diff = api_server.kubectl("diff", "-f", "-", stdin=written, check=False)
    assert "image" not in diff.stdout
    for again in (["apply"], ["apply", "--server-side", "--force-conflicts"], ["replace"]):
        api_server.kubectl(*again, "-f", "-", stdin=written)
        assert images(api_server, namespace, "again") == REDIRECTED, again
    diff = api_server.kubectl("diff", "--server-side", "--force-conflicts", "-f", "-", stdin=written, check=False)
    assert "image" not in diff.stdout


@pytest.mark.usefixtures("policy")
def test_of_an_update_exactly_the_images_are_redirected_that_it_changes(api_server: ApiServer, namespace: str) -> None:
    before = {"web": "nginx:1", "side": "redis:7", "init": "redis:6"}
    assert images(api_server, namespace, "old") == before

    api_server.kubectl("label", "-n", namespace, "pod/old", "tier=web")
    api_server.kubectl("annotate", "-n", namespace, "pod/old", "note=seen")
    assert images(api_server, namespace, "old") == before

    api_server.kubectl("set", "image", "-n", namespace, "pod/old", "web=nginx:2")
    assert images(api_server, namespace, "old") == {**before, "web": f"{NGINX}:2"}

    patch = json.dumps({"spec": {"initContainers": [{"name": "init", "image": "redis:8"}]}})
    api_server.kubectl("patch", "-n", namespace, "pod/old", "--type=strategic", "-p", patch)
    assert images(api_server, namespace, "old") == {"web": f"{NGINX}:2", "side": "redis:7", "init": f"{REDIS}:8"}

    # A controller that updates in place and writes the source back: the container keeps its image and does not restart.
    api_server.kubectl("set", "image", "-n", namespace, "pod/old", "web=nginx:2")
    assert images(api_server, namespace, "old")["web"] == f"{NGINX}:2"


@pytest.mark.usefixtures("policy")
def test_an_ephemeral_container_is_redirected_when_it_is_added_and_when_it_is_written_again(
    api_server: ApiServer, namespace: str
) -> None:
    def added() -> str:
        return api_server.admit_images(["redis:7"], namespace=namespace, kind="ephemeralContainers")["redis:7"]

    # It is a policy of its own, which may take effect later than the one for Pods.
    wait_until(lambda: added() == f"{REDIS}:7", "ephemeral containers are redirected")
    path = f"/api/v1/namespaces/{namespace}/pods/old"
    for names in (["one"], ["one", "two"]):
        whole = api_server.request("GET", path)
        whole["spec"]["ephemeralContainers"] = [{"name": name, "image": "redis:7"} for name in names]
        api_server.request("PUT", f"{path}/ephemeralcontainers", whole)
        assert {images(api_server, namespace, "old")[name] for name in names} == {f"{REDIS}:7"}
    assert images(api_server, namespace, "old")["side"] == "redis:7"


MIRROR = {"kubernetes.io/config.mirror": "abc", "kubernetes.io/config.source": "file"}


@pytest.mark.usefixtures("policy")
def test_mirror_pods_of_static_pods_tell_what_their_node_runs(api_server: ApiServer, namespace: str) -> None:
    static = pod("static-node-1", namespace, {**EVERYTHING, "nodeName": "node-1"}, annotations=MIRROR)
    lookalike = pod("lookalike", namespace, EVERYTHING, annotations={"kubernetes.io/config.source": "file"})

    api_server.admit([static, lookalike], keep=True)

    assert images(api_server, namespace, "static-node-1")["web"] == "nginx:1"
    assert images(api_server, namespace, "lookalike") == REDIRECTED


def labels_of(selector: str) -> dict[str, str]:
    """Labels of a Pod that the selector holds: `app=web`, or `app` alone."""
    key, _, value = selector.partition("=")
    return {key: value or "main"}


LABELS = {operator.name: labels_of(operator.selector) for operator in COMPARING_OPERATORS}


def reconcile(api_server: ApiServer, wanted: Document) -> int:
    """What an operator does that compares: make what is missing, delete what is another one. How many it deleted."""
    path = f"/api/v1/namespaces/{wanted['metadata']['namespace']}/pods"
    name = wanted["metadata"]["name"]
    there = {one["metadata"]["name"]: one for one in api_server.request("GET", path)["items"]}
    if name not in there:
        api_server.request("POST", path, wanted)
        return 0
    compared = [one["image"] for one in there[name]["spec"]["containers"]]
    if compared == [one["image"] for one in wanted["spec"]["containers"]]:
        return 0
    api_server.request("DELETE", f"{path}/{name}?gracePeriodSeconds=0")
    return 1


@pytest.mark.usefixtures("policy")
def test_an_operator_that_compares_images_remakes_nothing(api_server: ApiServer, namespace: str) -> None:
    remade = {}
    for number, (name, labels) in enumerate({**LABELS, "somebody else's": {"app": "web"}}.items()):
        wanted = pod(f"db-{number}", namespace, {"containers": [{"name": "db", "image": "nginx:1"}]}, labels=labels)
        remade[name] = sum(reconcile(api_server, wanted) for _ in range(6))

    # The last one shows what would happen otherwise.
    assert remade == {**dict.fromkeys(LABELS, 0), "somebody else's": 3}


def test_selectors_of_ones_own_are_left_alone_and_no_others(
    api_server: ApiServer, namespace: str, engine: Engine
) -> None:
    of = environment("standard").model_copy(update={"exclude_pods": ("tier in (db, cache),!redirect", "app=own")})
    labels = {
        "db": {"tier": "db"},
        "wanted": {"tier": "db", "redirect": "yes"},
        "web": {"tier": "web"},
        "own": {"app": "own"},
        "cnpg": {"cnpg.io/cluster": "main"},
        "bare": {},
    }
    with redirecting(api_server, engine, of, namespace):
        for name, found in labels.items():
            api_server.admit([pod(name, namespace, EVERYTHING, labels=found)], keep=True)
        left = {name for name in labels if images(api_server, namespace, name)["web"] == "nginx:1"}

    assert left == {"db", "own"}


def test_the_annotation_of_an_image_follows_it(api_server: ApiServer, namespace: str, native_engine: Engine) -> None:
    def kept() -> dict[str, str]:
        metadata = api_server.request("GET", f"/api/v1/namespaces/{namespace}/pods/kept")["metadata"]
        return {
            key.removeprefix(ORIGINAL_IMAGE): value
            for key, value in metadata.get("annotations", {}).items()
            if key.startswith(ORIGINAL_IMAGE)
        }

    spec = {"containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "redis:7"}]}
    with redirecting(api_server, native_engine, environment("standard"), namespace, annotate=True):
        api_server.kubectl("apply", "-f", "-", stdin=json.dumps(pod("kept", namespace, spec)))
        assert kept() == {"a": "nginx:1", "b": "redis:7"}
        api_server.kubectl("apply", "-f", "-", stdin=json.dumps(pod("kept", namespace, spec)))
        assert kept() == {"a": "nginx:1", "b": "redis:7"}
        api_server.kubectl("set", "image", "-n", namespace, "pod/kept", "a=nginx:2")
        assert kept() == {"a": "nginx:2", "b": "redis:7"}
        api_server.kubectl("set", "image", "-n", namespace, "pod/kept", "b=example.com/b:1")
        assert kept() == {"a": "nginx:2"}
