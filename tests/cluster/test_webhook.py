"""The API server calls the real webhook, with the native policy beside it, and without a webhook that answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.manifests import generate
from orchestrator.manifests.swapper_objects import NAMESPACE, routes
from orchestrator.manifests.webhook_configuration import NAME
from orchestrator.swapper.cluster_api import ClusterApi
from orchestrator.swapper.own_certificate import LIFETIME, CertificateKeeper
from orchestrator.swapper.pod_logins import read_logins
from orchestrator.swapper.pod_secrets import PodSecrets
from orchestrator.swapper.review import ANNOTATION
from tests.cluster.api_server import ApiServer
from tests.cluster.pods import Document
from tests.cluster.processes import wait_until
from tests.cluster.redirecting import Engine, policy_engine, redirecting, webhook_document
from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.references_table import OWN, environment, tfvars

pytestmark = pytest.mark.cluster

NGINX = f"{OWN}/docker-hub/library/nginx:1"
UBI = "registry.access.redhat.com/ubi9:1"


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.create_namespace()


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWebhook]:
    project = tmp_path_factory.mktemp("project")
    (project / "environments").mkdir()
    (project / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    # The image of a mirror is looked for, and nothing can be asked: it keeps its source.
    with served(project, project / "tls", "--copy-policy", "none", "--log-level", "debug") as running:
        yield running


def pod(name: str, namespace: str, **images: str) -> Document:
    held = [{"name": key, "image": image} for key, image in images.items()]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": held}}


def asked(webhook: ServedWebhook) -> int:
    """How many reviews the webhook answered."""
    page = webhook.ask("GET", "/metrics")[1].decode()
    found = [line for line in page.splitlines() if line.startswith('swapper_requests_total{path="/webhook"')]
    return sum(int(float(line.rpartition(" ")[2])) for line in found)


def test_what_needs_no_decision_never_reaches_the_webhook(
    api_server: ApiServer, namespace: str, webhook: ServedWebhook
) -> None:
    engine = Engine(lambda of, _: webhook_document(of, webhook))
    with redirecting(api_server, engine, environment("standard"), namespace):
        admitted = api_server.admit([pod("web", namespace, web="nginx:1", ubi=UBI)], keep=True)[0]
        found = {one["name"]: one["image"] for one in admitted["spec"]["containers"]}
        assert found == {"web": NGINX, "ubi": UBI}
        assert json.loads(admitted["metadata"]["annotations"][ANNOTATION]) == {
            "containers/web": {"image": "nginx:1", "target": NGINX, "why": "docker-hub, pull-through"}
        }
        before = asked(webhook)
        api_server.kubectl("label", "-n", namespace, "pod/web", "tier=web")
        api_server.admit([pod("own", namespace, web=NGINX), pod("static", "kube-system", web="nginx:1")])
        assert asked(webhook) == before
        api_server.kubectl("set", "image", "-n", namespace, "pod/web", "web=nginx:2")
        assert asked(webhook) > before


def test_beside_the_native_policy_both_say_the_same(
    api_server: ApiServer, namespace: str, webhook: ServedWebhook
) -> None:
    of = environment("standard")
    written = pod("both", namespace, web="nginx:1", own="example.com/own:1")
    with redirecting(api_server, policy_engine("native"), of, namespace):
        alone = api_server.admit([written])[0]["spec"]
        document = webhook_document(of, webhook)
        try:
            api_server.kubectl("apply", "-f", "-", stdin=document)
            before = asked(webhook)
            # What the policy redirected needs no decision; another image has it asked.
            wait_until(lambda: bool(api_server.admit([written])) and asked(webhook) > before, "the webhook is asked")
            together = api_server.admit([written])[0]
        finally:
            api_server.kubectl("delete", "-f", "-", stdin=document)
    assert together["spec"] == alone
    assert ANNOTATION not in together["metadata"].get("annotations", {})


def test_a_webhook_that_is_away_costs_no_pod(api_server: ApiServer, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    with served(tmp_path, tmp_path / "tls", "--copy-policy", "none") as running:
        engine = Engine(lambda of, _: webhook_document(of, running))
        with redirecting(api_server, engine, environment("standard"), namespace):
            running.process.kill()
            running.process.wait()
            admitted = api_server.admit([pod("web", namespace, web="nginx:1")], keep=True)[0]
    assert admitted["spec"]["containers"][0]["image"] == "nginx:1"


def service_account(api_server: ApiServer, folder: Path) -> ClusterApi:
    """The API as a Pod of the swapper's ServiceAccount reaches it."""
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{NAME}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    folder.mkdir()
    (folder / "token").write_text(api_server.request("POST", path, asked)["status"]["token"])
    (folder / "ca.crt").write_bytes((api_server.folder / "certificates" / "apiserver.crt").read_bytes())
    return ClusterApi(api_server.url, folder)


def test_what_manifests_writes_is_installed_and_keeps_its_certificate(api_server: ApiServer, tmp_path: Path) -> None:
    of = environment("standard")
    (bundle,) = generate(of, ["swapper"])
    for name, text in bundle.files.items():
        (tmp_path / name).write_text(text)
    text = "---\n".join(bundle.files[name] for name in bundle.resources)
    # A namespace has to be there before what is in it.
    api_server.kubectl("apply", "-f", tmp_path / "namespace.yaml")
    api_server.kubectl("apply", "--validate=strict", "-f", "-", stdin=text)
    configuration = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/standard-{NAME}"
    api = service_account(api_server, tmp_path / "account")

    def keeper(now: datetime) -> CertificateKeeper:
        return CertificateKeeper(
            api,
            namespace=NAMESPACE,
            service=NAME,
            configuration=f"standard-{NAME}",
            clock=lambda: now,
        )

    def trusted() -> list[bytes]:
        hooks = api_server.request("GET", configuration)["webhooks"]
        return [base64.b64decode(hook["clientConfig"]["caBundle"]) for hook in hooks]

    try:
        now = datetime.now(UTC)
        replicas = [keeper(now) for _ in range(4)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(CertificateKeeper.keep, replicas))
        (first,) = {one.cert.read_bytes() for one in replicas}
        assert trusted() == [first, first]
        # The same files again leave what was told.
        api_server.kubectl("apply", "-f", tmp_path / "webhook.yaml")
        assert trusted() == [first, first]

        later = now + LIFETIME * 0.8
        renewed = [keeper(later) for _ in range(4)]
        renewed[0].keep()
        second = renewed[0].cert.read_bytes()
        assert second != first
        # One replica still serves the first.
        assert trusted() == [second + first] * 2
        renewed[1].keep()
        assert renewed[1].cert.read_bytes() == second

        # The API server calls a process that serves it. Its name is not to be found here, so that it is called by its address.
        project = tmp_path / "project"
        (project / "environments").mkdir(parents=True)
        (project / "environments" / "standard.tfvars").write_text(routes(of)["data"]["standard.tfvars"])
        with served(project, tmp_path / "tls", "standard", "--copy-policy", "none") as running:
            engine = Engine(lambda of, _: webhook_document(of, running))
            with redirecting(api_server, engine, of, api_server.create_namespace()):
                pass
        # Its rights go no further.
        for forbidden in ("/api/v1/namespaces/kube-system/secrets/any", f"{configuration}-of-others"):
            with pytest.raises(OrchestratorError, match="HTTP 403"):
                api.get(forbidden)
        # Unless somebody lets it read the pull secrets of Pods and their accounts.
        shop, secrets = api_server.create_namespace(), "/api/v1/namespaces/%s/secrets"
        login = {"auths": {"quay.io": {"auth": base64.b64encode(b"team:hush").decode()}}}
        held = {"metadata": {"name": "login"}, "type": "kubernetes.io/dockerconfigjson"}
        api_server.request("POST", secrets % shop, {**held, "stringData": {".dockerconfigjson": json.dumps(login)}})
        wanted = {"metadata": {"name": "builder"}, "imagePullSecrets": [{"name": "login"}]}
        api_server.request("POST", f"/api/v1/namespaces/{shop}/serviceaccounts", wanted)
        assert read_logins(api, PodSecrets(shop, account="builder")) == []
        api_server.kubectl("apply", "--validate=strict", "-f", tmp_path / "pull-secrets.yaml")
        wait_until(lambda: len(read_logins(api, PodSecrets(shop, account="builder"))) == 1, "the secret is read")
        with pytest.raises(OrchestratorError, match="HTTP 403"):
            api.get(secrets % shop)
    finally:
        api_server.kubectl("delete", "-f", tmp_path / "pull-secrets.yaml", "--ignore-not-found")
        api_server.kubectl("delete", "-f", tmp_path / "webhook.yaml", "--ignore-not-found")
