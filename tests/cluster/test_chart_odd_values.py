"""The chart with values that are odd and legal, and with those that cannot work: by a real Helm and a real API server."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.environment.model import Environment
from orchestrator.manifests.webhook_configuration import NAME
from orchestrator.swapper.own_certificate import make_certificate
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import binary
from tests.cluster.test_chart import CHART, EVERYTHING, by_name, helm, values_of
from tests.references_table import ENVIRONMENTS, environment

pytestmark = pytest.mark.cluster

PEM = make_certificate(["mine"], datetime.now(UTC)).cert.decode()
CONFIGURATION = f"mutatingwebhookconfiguration/standard-{NAME}"


def rendered(folder: Path, *words: str, namespace: str = "infra") -> dict[tuple[str, str], dict[str, Any]]:
    """What Helm makes of the standard environment and `words`."""
    values = values_of(environment("standard"), folder)
    return by_name(
        helm(
            *(folder, "template", "image-swapper", str(CHART), "--kube-version", "1.34"),
            *("--namespace", namespace, "-f", values, *words),
        )
    )


def refused(folder: Path, *words: str) -> str:
    """Why Helm refuses `words`."""
    values = values_of(environment("standard"), folder)
    command = [
        str(binary("helm3")),
        "template",
        "image-swapper",
        str(CHART),
        "--kube-version",
        "1.34",
        "-f",
        values,
        *words,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(folder)}, check=False)
    assert done.returncode != 0
    return done.stderr


# What YAML reads as a number, a truth, nothing or a date where nobody quotes it.
@pytest.mark.parametrize(
    ("namespace", "name", "of"),
    [("123", NAME, "standard"), ("0x1f", "true", "1"), ("1e3", "null", "on"), ("on", "y", "2026-01-01")],
)
def test_a_name_is_text_whatever_it_looks_like(
    namespace: str, name: str, of: str, api_server: ApiServer, tmp_path: Path
) -> None:
    named = Environment(name=of, **ENVIRONMENTS["standard"])
    words = ("image-swapper", str(CHART), "--namespace", namespace, "-f", values_of(named, tmp_path))
    config = api_server.kubeconfig
    helm(tmp_path, "install", *words, "--create-namespace", "--set-string", f"name={name}", kubeconfig=config)
    try:
        found = json.loads(api_server.kubectl("get", CONFIGURATION, "-o", "json").stdout)
        (match,) = found["webhooks"][0]["namespaceSelector"]["matchExpressions"]
        assert match["values"] == [namespace]
        assert found["metadata"]["labels"]["app.kubernetes.io/instance"] == of
        process = json.loads(api_server.kubectl("-n", namespace, "get", f"deployment/{name}", "-o", "json").stdout)
        arguments = process["spec"]["template"]["spec"]["containers"][0]["args"]
        assert f"{namespace}/{name}" in arguments
    finally:
        helm(tmp_path, "uninstall", "image-swapper", "--namespace", namespace, kubeconfig=config)
    left = api_server.kubectl("get", "mutatingwebhookconfigurations,clusterroles,clusterrolebindings", "-o", "name")
    assert NAME not in left.stdout


def test_labels_and_annotations_of_somebody_elses_cannot_take_the_place_of_ours(tmp_path: Path) -> None:
    key, stale = "app\\.kubernetes\\.io/name", "orchestrator/route-table"
    theirs = (
        *("--set", EVERYTHING),
        *("--set", f"podLabels.{key}=x,podLabels.team=a,alerts.labels.{key}=x,alerts.labels.team=a"),
        *("--set", f"serviceMonitor.labels.{key}=x,serviceMonitor.labels.team=a,dashboard.labels.{key}=x"),
        *("--set", f"podAnnotations.{stale}=x,webhook.annotations.{stale}=x,serviceAccount.annotations.{stale}=x"),
        *("--set", "podAnnotations.team=a,webhook.annotations.team=a,serviceAccount.annotations.team=a"),
    )
    plain, found = rendered(tmp_path, "--set", EVERYTHING), rendered(tmp_path, *theirs)
    for at, one in plain.items():
        for part in ("labels", "annotations"):
            assert one["metadata"][part].items() <= found[at]["metadata"][part].items()
    template = found["Deployment", NAME]["spec"]["template"]["metadata"]
    before = plain["Deployment", NAME]["spec"]["template"]["metadata"]
    for part in ("labels", "annotations"):
        assert template[part] == {**before[part], "team": "a"}
    assert found["ServiceMonitor", NAME]["metadata"]["labels"]["team"] == "a"


def test_a_variable_stands_once(tmp_path: Path) -> None:
    given = ("--set", "extraEnv[0].name=AWS_REGION,extraEnv[0].value=eu-west-1,extraEnv[1].name=NO_PROXY")
    (process,) = rendered(tmp_path, *given)["Deployment", NAME]["spec"]["template"]["spec"]["containers"]
    names = [one["name"] for one in process["env"]]
    assert sorted(names) == sorted({"AWS_REGION", "HOME", "NO_PROXY"})
    assert {"name": "AWS_REGION", "value": "eu-west-1"} in process["env"]


@pytest.mark.parametrize(
    "given", [PEM, base64.b64encode(PEM.encode()).decode(), base64.encodebytes(PEM.encode()).decode()]
)
def test_an_authority_is_taken_as_people_have_it(given: str, tmp_path: Path) -> None:
    (tmp_path / "ca").write_text(given)
    own = ("--set", "certificate.from=secret,certificate.secretName=mine,serviceMonitor.enabled=true")
    found = rendered(tmp_path, *own, "--set-file", f"certificate.caBundle={tmp_path / 'ca'}")
    for hook in found["MutatingWebhookConfiguration", f"standard-{NAME}"]["webhooks"]:
        assert base64.b64decode(hook["clientConfig"]["caBundle"]).decode() == PEM
    # Prometheus has it from where it certainly is: a Secret of type kubernetes.io/tls has no ca.crt.
    (endpoint,) = found["ServiceMonitor", NAME]["spec"]["endpoints"]
    source = endpoint["tlsConfig"]["ca"]["configMap"]
    assert found["ConfigMap", source["name"]]["data"][source["key"]] == PEM


CANNOT_WORK = {
    "no certificate": ("certificate.from=secret,certificate.secretName=m,certificate.caBundle=Zm9v", "no certificate"),
    "more at least than at most": ("autoscaling.minReplicas=9", "at least as many"),
    "one Pod that may never go": ("autoscaling.minReplicas=1", "could be drained"),
    "all Pods have to stay": ("podDisruptionBudget.minAvailable=100%", "could be drained"),
    "half of one and a bit": ("podDisruptionBudget.minAvailable=51%", "could be drained"),
    "fixed Pods that may never go": ("autoscaling.enabled=false,replicas=1", "could be drained"),
    "a share of nothing": ("resources.requests=null", "resources.requests.cpu"),
    "no map": ("autoscaling=null", "missing property 'autoscaling'"),
    "a name that no Service has": ("name=1st", "/name"),
}


@pytest.mark.parametrize(("given", "why"), CANNOT_WORK.values(), ids=CANNOT_WORK)
def test_what_would_never_work_is_refused_before_it_is_installed(given: str, why: str, tmp_path: Path) -> None:
    assert why in refused(tmp_path, "--set", given)


@pytest.mark.parametrize(
    "given",
    [
        "autoscaling.minReplicas=1,podDisruptionBudget.minAvailable=0",
        "podDisruptionBudget.minAvailable=50%",
        "autoscaling.enabled=false,replicas=0",
        "resources.requests=null,resources.limits.cpu=1",
        "autoscaling.minReplicas=3,podDisruptionBudget.minAvailable=2",
    ],
)
def test_what_works_is_not_refused(given: str, tmp_path: Path) -> None:
    assert ("PodDisruptionBudget", NAME) in rendered(tmp_path, "--set", given)


def test_another_way_out_stands_beside_those_of_the_environment(tmp_path: Path) -> None:
    before = rendered(tmp_path)["NetworkPolicy", NAME]["spec"]
    rule = {"ports": [{"port": 3128, "protocol": "TCP"}]}
    found = rendered(tmp_path, "--set-json", f"networkPolicy.egress={json.dumps([rule])}")["NetworkPolicy", NAME]
    assert found["spec"] == {**before, "egress": [*before["egress"], rule]}


def test_its_pods_are_what_a_restricted_namespace_takes(api_server: ApiServer, tmp_path: Path) -> None:
    api_server.create_namespace("infra-restricted")
    label = "pod-security.kubernetes.io/enforce=restricted"
    api_server.kubectl("label", "namespace", "infra-restricted", label)
    for words in (
        (),
        (
            "--set",
            f"certificate.from=secret,certificate.secretName=m,certificate.caBundle={base64.b64encode(PEM.encode()).decode()}",
        ),
    ):
        found = rendered(tmp_path, *words, namespace="infra-restricted")
        for (kind, _), one in found.items():
            if kind in ("ServiceAccount",):
                api_server.kubectl("apply", "-f", "-", stdin=json.dumps(one))
        template = found["Deployment", NAME]["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        pod["metadata"] = {**template["metadata"], "name": "one", "namespace": "infra-restricted"}
        (admitted,) = api_server.admit([pod])
        assert admitted["metadata"]["name"] == "one"


def test_a_change_of_the_certificates_way_leaves_nothing_of_the_former(api_server: ApiServer, tmp_path: Path) -> None:
    config, namespace = api_server.kubeconfig, "infra-changing"
    words = ("image-swapper", str(CHART), "--namespace", namespace, "-f", values_of(environment("standard"), tmp_path))
    encoded = base64.b64encode(PEM.encode()).decode()
    mine = ("--set", f"certificate.from=secret,certificate.secretName=mine,certificate.caBundle={encoded}")

    def told() -> list[str]:
        hooks = json.loads(api_server.kubectl("get", CONFIGURATION, "-o", "json").stdout)["webhooks"]
        return [hook["clientConfig"].get("caBundle", "") for hook in hooks]

    def kinds() -> set[str]:
        printed = api_server.kubectl("-n", namespace, "get", "roles,rolebindings", "-o", "name").stdout
        return {line.split("/")[0] for line in printed.split()}

    helm(tmp_path, "install", *words, "--create-namespace", kubeconfig=config)
    try:
        assert told() == ["", ""]
        assert kinds() == {"role.rbac.authorization.k8s.io", "rolebinding.rbac.authorization.k8s.io"}
        helm(tmp_path, "upgrade", *words, *mine, kubeconfig=config)
        assert told() == [encoded, encoded]
        assert kinds() == set()
        helm(tmp_path, "upgrade", *words, kubeconfig=config)
        # What was theirs is trusted no more; the Pods tell theirs.
        assert told() == ["", ""]
        assert len(kinds()) == 2
    finally:
        helm(tmp_path, "uninstall", "image-swapper", "--namespace", namespace, kubeconfig=config)


def test_a_second_release_takes_nothing_of_the_first(api_server: ApiServer, tmp_path: Path) -> None:
    config = api_server.kubeconfig
    values = values_of(environment("standard"), tmp_path)
    first = ("image-swapper", str(CHART), "--namespace", "infra-first", "-f", values, "--create-namespace")
    helm(tmp_path, "install", *first, kubeconfig=config)
    try:
        command = [str(binary("helm3")), "install", "again", *first[1:3], "infra-second", *first[4:]]
        variables = {"HOME": str(tmp_path), "KUBECONFIG": str(config)}
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
        assert done.returncode != 0
        assert "infra-first" in done.stderr
        found = json.loads(api_server.kubectl("get", CONFIGURATION, "-o", "json").stdout)
        assert found["webhooks"][0]["clientConfig"]["service"]["namespace"] == "infra-first"
    finally:
        helm(tmp_path, "uninstall", "image-swapper", "--namespace", "infra-first", kubeconfig=config)
