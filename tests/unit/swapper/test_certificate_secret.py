"""The Secret of the webhook's certificate: what is kept of it, whose it is, and that no failure ends the watch."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.cluster_api import ApiSilent, ClusterApi, ObjectChanged
from orchestrator.swapper.own_certificate import (
    CONFIGURATIONS,
    CertificateKeeper,
    KeptCertificate,
    make_certificate,
)
from orchestrator.swapper.served_certificate import Certificate
from tests.cluster.processes import wait_until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOSTS = ["hook.infra.svc", "hook.infra.svc.cluster.local"]
SECRET = "/api/v1/namespaces/infra/secrets/hook-certificate"
CONFIGURATION = f"{CONFIGURATIONS}/dev-hook"


@dataclass(frozen=True, slots=True)
class Cluster(ClusterApi):
    """An API server that holds objects by their path; the type of a Secret cannot change, as in the real one."""

    url: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    def create(self, path: str, document: Mapping[str, Any]) -> None:
        self.objects[f"{path}/{document['metadata']['name']}"] = dict(document)

    def replace(self, path: str, document: Mapping[str, Any]) -> None:
        assert document["type"] == self.objects[path]["type"]
        assert document["metadata"]["resourceVersion"] == self.objects[path]["metadata"]["resourceVersion"]
        self.objects[path] = dict(document)

    def patch(self, path: str, document: Mapping[str, Any]) -> None:
        self.objects[path] = dict(document)


def secret(data: Mapping[str, bytes], kind: str = "kubernetes.io/tls", **metadata: Any) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"type": kind, "metadata": {"resourceVersion": "7", **metadata}, "data": encoded}


def of(kept: KeptCertificate, **changed: bytes) -> dict[str, bytes]:
    return {"tls.crt": kept.cert, "tls.key": kept.key, "ca.crt": kept.trusted, **changed}


def keeper(cluster: Cluster) -> CertificateKeeper:
    cluster.objects.setdefault(CONFIGURATION, {"webhooks": [{"name": "pods", "clientConfig": {}}]})
    return CertificateKeeper(cluster, namespace="infra", service="hook", configuration="dev-hook", clock=lambda: NOW)


OURS = make_certificate(HOSTS, NOW)
FUTURE = make_certificate(HOSTS, NOW + timedelta(days=400))
USELESS = {
    "trusted by nobody": of(OURS, **{"ca.crt": b""}),
    "trusted is another": of(OURS, **{"ca.crt": make_certificate(HOSTS, NOW).cert}),
    "another's key": of(OURS, **{"tls.key": make_certificate(HOSTS, NOW).key}),
    "no key": of(OURS, **{"tls.key": b""}),
    "torn": of(OURS, **{"tls.crt": OURS.cert[:100]}),
    "made by a clock that was ahead": of(FUTURE),
    "empty": {},
}


@pytest.mark.parametrize("data", USELESS.values(), ids=USELESS)
def test_what_nobody_could_use_is_made_anew(data: dict[str, bytes]) -> None:
    cluster = Cluster(objects={SECRET: secret(data)})
    keeper(cluster).keep()
    written = {key: base64.b64decode(value) for key, value in cluster.objects[SECRET]["data"].items()}
    kept = KeptCertificate(written["tls.crt"], written["tls.key"], written["ca.crt"])
    assert not kept.is_due(NOW, HOSTS)
    assert kept.cert != data.get("tls.crt")
    (hook,) = cluster.objects[CONFIGURATION]["webhooks"]
    assert base64.b64decode(hook["clientConfig"]["caBundle"]) == kept.trusted


def test_one_that_serves_is_kept() -> None:
    cluster = Cluster(objects={SECRET: secret(of(OURS))})
    keeper(cluster).keep()
    assert cluster.objects[SECRET] == secret(of(OURS))


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/tls", "example.com/own"])
def test_what_else_the_secret_holds_stays(kind: str) -> None:
    owner = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1"}]
    before = secret(
        of(OURS, **{"ca.crt": b"", "keystore.p12": b"x"}), kind, ownerReferences=owner, labels={"team": "a"}
    )
    cluster = Cluster(objects={SECRET: before})
    keeper(cluster).keep()
    after = cluster.objects[SECRET]
    assert after["type"] == kind
    assert after["metadata"]["ownerReferences"] == owner
    assert after["metadata"]["labels"] == {"team": "a"}
    assert after["data"]["keystore.p12"] == before["data"]["keystore.p12"]
    assert after["data"]["tls.crt"] != before["data"]["tls.crt"]


OTHERS = {
    "a shop's certificate": of(make_certificate(["shop.example.com"], NOW)),
    "one of another namespace": of(make_certificate(["hook.other.svc"], NOW)),
    "one that has ended": of(make_certificate(["shop.example.com"], NOW - timedelta(days=900))),
    "a password": {"password": b"hush"},
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_a_secret_of_somebody_else_is_not_written_over(data: dict[str, bytes]) -> None:
    cluster = Cluster(objects={SECRET: secret(data)})
    with pytest.raises(OrchestratorError, match="infra/hook-certificate is not the webhook's"):
        keeper(cluster).keep()
    assert cluster.objects[SECRET] == secret(data)


@pytest.mark.parametrize(
    "failure", [ObjectChanged(), RuntimeError("odd"), OrchestratorError("The API is away."), KeyError("metadata")]
)
def test_no_failure_ends_the_watch(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("orchestrator.swapper").propagate = True
    stopped = threading.Event()
    asked: list[str] = []

    class Odd(Cluster):
        def get(self, path: str) -> dict[str, Any] | None:
            asked.append(path)
            if len(asked) == 3:
                stopped.set()
            raise failure

    watched: Callable[..., None] = keeper(Odd()).watch
    watched(stopped, 0.001)
    assert len(asked) >= 3
    assert "was not kept" in caplog.text


class Away(Cluster):
    """An API server that answers from the fourth question on."""

    def get(self, path: str) -> dict[str, Any] | None:
        asked = self.objects.setdefault("asked", {"times": 0})
        asked["times"] += 1
        if asked["times"] < 4:
            raise ApiSilent("The API is away.", why="No route to host.")
        return super().get(path)


def test_an_api_server_that_is_away_at_the_start_is_waited_for() -> None:
    cluster = Away(objects={SECRET: secret(of(OURS))})
    kept, stopped = keeper(cluster), threading.Event()
    kept.begin()
    # It can be served, so that the process lives, and nobody is sent to it.
    provisional = Certificate(kept.cert, kept.key)
    provisional.require()
    stamp = provisional.stamp()
    assert kept.problem == "The API is away. No route to host."
    watching = threading.Thread(target=kept.watch, args=(stopped,), kwargs={"retry_seconds": 0.001})
    watching.start()
    wait_until(lambda: not kept.problem, "the API server has answered")
    stopped.set()
    watching.join()
    assert (kept.cert.read_bytes(), kept.key.read_bytes()) == (OURS.cert, OURS.key)
    assert provisional.stamp() != stamp


def test_a_refusal_at_the_start_is_none_to_wait_for() -> None:
    with pytest.raises(OrchestratorError, match="is not the webhook's"):
        keeper(Cluster(objects={SECRET: secret({"password": b"hush"})})).begin()


def test_the_key_lies_in_no_folder_and_what_stands_is_not_written_again() -> None:
    kept = keeper(Cluster(objects={SECRET: secret(of(OURS))}))
    kept.keep()
    served = Certificate(kept.cert, kept.key)
    before = served.stamp()
    kept.keep()
    assert served.stamp() == before
    assert "memfd" in str(kept.key.readlink())
