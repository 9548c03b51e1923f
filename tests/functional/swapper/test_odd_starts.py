"""Starts at which something is missing that a later moment may bring: the webhook begins, answers, and says so."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from tests.cluster.processes import free_ports
from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.references_table import tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    return tmp_path


def asked(webhook: ServedWebhook, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    with contextlib.closing(webhook.unverified()) as connection:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def redirects(webhook: ServedWebhook) -> bool:
    document = review(pod(containers=containers("nginx")))
    status, text = asked(webhook, "POST", "/webhook", json.dumps(document).encode())
    (found,) = patched(document, json.loads(text))["spec"]["containers"]
    return status == 200 and found["image"].endswith("/docker-hub/library/nginx")


def test_a_folder_that_cannot_be_made_costs_the_queue_s_file_alone(project: Path) -> None:
    (project / "file").write_text("")
    with served(project, project / "tls", "standard", "--state-dir", str(project / "file" / "state")) as running:
        running.logged("the folder of the queue cannot be made; name one that can be written with --state-dir")
        running.logged("the queue is kept in memory: what waits at the end of this process is forgotten")
        assert redirects(running)
        assert asked(running, "GET", "/readyz") == (200, "ready\n")


def test_an_own_certificate_waits_for_the_api_server_and_needs_no_disk(project: Path) -> None:
    (project / "file").write_text("")
    nobody = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(free_ports(1)[0])}
    own = ("--own-certificate", "infra/hook", "--webhook-configuration", "hook")
    with served(
        *(project, project / "tls", "standard", *own, "--state-dir", str(project / "file" / "state")), variables=nobody
    ) as running:
        running.logged("the API server gave no certificate; it is asked again")
        # A Service sends nobody here until the API server trusts what is served.
        status, text = asked(running, "GET", "/readyz")
        assert (status, text.partition(" to ")[0]) == (503, "The cluster's API gave no answer")
        assert asked(running, "GET", "/healthz")[0] == 200
        assert redirects(running)
