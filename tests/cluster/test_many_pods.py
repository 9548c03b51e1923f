"""A thousand Pods of one image at once: the API server asks the webhook about each, and the image is copied once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.local import ensure_running, stop
from orchestrator.project import Project
from tests.cluster.api_server import ApiServer
from tests.cluster.pods import Document
from tests.cluster.processes import wait_until
from tests.cluster.redirecting import webhook_document
from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.made_images import make_image
from tests.oci.strict_registry import StrictRegistry

pytestmark = pytest.mark.cluster

PODS = 1000
# Of the whole: a Deployment of so many Pods is not slower to start than its nodes are.
SECONDS = 60
ACCOUNT = "200000000078"
UBI = "registry.redhat.io/ubi9/ubi:9.4"
TARGET = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/redhat/ubi9/ubi:9.4"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    found = Project(tmp_path / "project")
    found.environments_dir.mkdir(parents=True)
    found.tfvars_path("dev").write_text(
        f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "eu-west-1"\n'
        "create_vpc_endpoints = false\nattach_ecr_policy = false\n"
        'mirrors = { redhat = { source = "registry.redhat.io" } }\n'
    )
    ensure_running(found.local_aws_dir)
    try:
        yield found
    finally:
        stop(found.local_aws_dir)


def pod_of(name: str, namespace: str) -> Document:
    """A Pod of the one image."""
    spec = {"containers": [{"name": "web", "image": UBI}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def answered(running: ServedWebhook) -> int:
    """How many reviews the webhook answered."""
    page = running.ask("GET", "/metrics")[1].decode().splitlines()
    counts = [line for line in page if line.startswith('swapper_requests_total{path="/webhook"')]
    return sum(int(float(line.rpartition(" ")[2])) for line in counts)


def test_a_thousand_pods_of_one_image_make_one_copy(api_server: ApiServer, project: Project, tmp_path: Path) -> None:
    shop = api_server.create_namespace()
    with StrictRegistry() as source:
        image = make_image(1)
        held = source.repository("ubi9/ubi")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags["9.4"] = image.digest
        via = ("--local", "--via", f"registry.redhat.io=http://{source.host}")
        with served(project.root, tmp_path / "tls", "dev", *via) as running:
            document = webhook_document(project.load("dev"), running)
            api_server.kubectl("apply", "-f", "-", stdin=document)

            def admitted(number: int | str) -> str:
                made = api_server.request("POST", f"/api/v1/namespaces/{shop}/pods", pod_of(f"web-{number}", shop))
                return str(made["spec"]["containers"][0]["image"])

            def dry() -> bool:
                # Nothing is copied for it, and it tells that the API server knows of the webhook.
                api_server.admit([pod_of("dry", shop)])
                return answered(running) > 0

            try:
                wait_until(dry, "the webhook is asked")
                before, started = answered(running), time.monotonic()
                with ThreadPoolExecutor(16) as threads:
                    images = list(threads.map(admitted, range(PODS)))
                running.logged("copied")
                wait_until(lambda: admitted(f"late-{time.monotonic_ns()}") == TARGET, "the copy is found")
                taken = time.monotonic() - started
                count, page = answered(running), running.ask("GET", "/metrics")[1].decode()
            finally:
                api_server.kubectl("delete", "-f", "-", stdin=document)
        reads = source.requests["get-blob"]
    # Those before the copy kept what they can pull.
    assert set(images) <= {UBI, TARGET}
    assert count - before > PODS
    assert 'swapper_copies_total{outcome="copied"} 1.0' in page
    assert 'swapper_copies_total{outcome="failed"}' not in page
    # No blob came twice.
    assert reads <= len(image.blobs)
    assert taken < SECONDS
