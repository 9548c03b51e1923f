"""The pull secrets of a Pod: whose they are, what is read of them, and that nothing of them is told."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.oci.auth import FirstOf, Login
from orchestrator.swapper.pod_logins import read_logins
from orchestrator.swapper.pod_secrets import PodSecrets, secrets_of_pod, secrets_of_text


class Cluster:
    """An API server with these objects; `asked` are the paths."""

    def __init__(self, objects: dict[str, Any], *, refuses: bool = False) -> None:
        self.objects = objects
        self.refuses = refuses
        self.asked: list[str] = []

    def get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        if self.refuses:
            raise OrchestratorError(f"The cluster's API did not do GET {path}.")
        found: dict[str, Any] | None = self.objects.get(path)
        return found


def secret(document: object, key: str = ".dockerconfigjson") -> dict[str, Any]:
    return {"data": {key: base64.b64encode(json.dumps(document).encode()).decode()}}


def auths(registry: str, user: str) -> dict[str, Any]:
    return {registry: {"auth": base64.b64encode(f"{user}:hush".encode()).decode()}}


SHOP = "/api/v1/namespaces/shop"
CLUSTER = {
    f"{SHOP}/secrets/a": secret({"auths": auths("quay.io/team", "a")}),
    f"{SHOP}/secrets/old": secret(auths("https://index.docker.io/v1/", "old"), ".dockercfg"),
    f"{SHOP}/secrets/helper": secret({"credHelpers": {"quay.io": "evil"}, "credsStore": "evil", "auths": None}),
    f"{SHOP}/secrets/no-json": {"data": {".dockerconfigjson": "aHVzaA=="}},
    f"{SHOP}/secrets/no-base64": {"data": {".dockerconfigjson": "hush!"}},
    f"{SHOP}/secrets/odd": {"data": {".dockerconfigjson": 5}},
    f"{SHOP}/secrets/token": {"data": {"token": "aHVzaA=="}},
    f"{SHOP}/secrets/of-account": secret({"auths": auths("quay.io", "account")}),
    f"{SHOP}/serviceaccounts/builder": {"imagePullSecrets": [{"name": "of-account"}]},
}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, PodSecrets("shop")),
        ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}, {"name": "b"}]}, PodSecrets("shop", ("a", "b"))),
        ({"serviceAccountName": "builder"}, PodSecrets("shop", account="builder")),
        ({"serviceAccount": "old"}, PodSecrets("shop", account="old")),
        ({"imagePullSecrets": None, "serviceAccountName": None}, PodSecrets("shop")),
        (
            {"imagePullSecrets": [{"name": "../../kube-system/secrets/a"}, {"name": 5}, None, "a", {}]},
            PodSecrets("shop"),
        ),
        ({"imagePullSecrets": "a", "serviceAccountName": "x/../y"}, PodSecrets("shop")),
        ({"imagePullSecrets": [{"name": f"s{at}"} for at in range(99)]}, None),
    ],
)
def test_a_pod_names_its_secrets_or_its_account(spec: dict[str, Any], expected: PodSecrets | None) -> None:
    found = secrets_of_pod("shop", {"spec": spec})
    assert found is not None
    assert found == expected or (expected is None and len(found.names) == 20)


@pytest.mark.parametrize("namespace", ["", "..", "a/b", "a\n", "Upper"])
def test_a_namespace_that_is_no_name_has_none(namespace: str) -> None:
    assert secrets_of_pod(namespace, {"spec": {"imagePullSecrets": [{"name": "a"}]}}) is None


def test_the_pods_own_come_first_and_the_accounts_only_without_them() -> None:
    cluster = Cluster(CLUSTER)
    logins = FirstOf(read_logins(cluster, PodSecrets("shop", ("a", "gone", "old"), "builder")))
    assert logins.login("quay.io", "team/app") == Login("a", "hush")
    assert logins.login("quay.io", "other/app") is None
    assert logins.login("docker.io", "library/nginx") == Login("old", "hush")
    assert f"{SHOP}/serviceaccounts/builder" not in cluster.asked
    of_account = FirstOf(read_logins(cluster, PodSecrets("shop", account="builder")))
    assert of_account.login("quay.io", "other/app") == Login("account", "hush")
    assert read_logins(cluster, PodSecrets("shop", account="gone")) == []


def test_what_cannot_be_read_is_said_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    names = ("helper", "no-json", "no-base64", "odd", "token", "a")
    with caplog.at_level(logging.DEBUG):
        logins = FirstOf(read_logins(Cluster(CLUSTER), PodSecrets("shop", names)))
        # No program is run for a Secret's helper.
        assert logins.login("quay.io", "team/app") == Login("a", "hush")
        assert read_logins(Cluster(CLUSTER, refuses=True), PodSecrets("shop", names)) == []
    told = [record.__dict__ for record in caplog.records]
    assert [one.get("secret") for one in told[:-1]] == [
        f"Secret shop/{name}" for name in ("helper", "no-json", "no-base64", "odd")
    ]
    assert told[-1]["namespace"] == "shop"
    assert "hush" not in str(told)
    assert "hush" not in repr(logins)


def test_another_replica_reads_the_same_secrets_and_nothing_that_is_no_name() -> None:
    secrets = PodSecrets("shop", ("login", "other"), "web")
    assert secrets_of_text(secrets.as_text()) == secrets
    for text in ("", "nonsense", "[]", '["shop"]', '["../kube-system", "a"]', '["shop", "a", 1]', '{"a": 1}'):
        assert secrets_of_text(text) is None
