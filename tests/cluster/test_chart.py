"""The chart by a real Helm: linted, the same objects as the manifests, installed, and called by a real API server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.environment.model import Environment
from orchestrator.manifests import generate
from orchestrator.manifests.swapper_objects import NAMESPACE, routes
from orchestrator.manifests.webhook_configuration import NAME
from orchestrator.swapper.own_certificate import make_certificate
from orchestrator.swapper.review import ANNOTATION
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import binary
from tests.cluster.processes import wait_until
from tests.functional.swapper.serving_webhook import served
from tests.references_table import ENVIRONMENTS, OWN, environment

pytestmark = pytest.mark.cluster

CHART = Path(__file__).resolve().parents[2] / "charts/image-swapper"
HELM = ("template", "image-swapper", str(CHART), "--namespace", NAMESPACE, "--kube-version", "1.34")
EVERYTHING = "serviceMonitor.enabled=true,alerts.enabled=true,dashboard.enabled=true,readPullSecrets=true"
# Kinds of operators, which the API server does not know.
CUSTOM = ("ServiceMonitor", "PrometheusRule", "Certificate", "Issuer")
AUTHORITY = base64.b64encode(make_certificate(["mine"], datetime.now(UTC)).cert).decode()
WITH_ROLE = Environment(
    name="standard",
    **{
        **ENVIRONMENTS["standard"],
        "push_roles": {
            "swap": {
                "repositories": ["mcr/*"],
                "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A",
                "subjects": [f"system:serviceaccount:{NAMESPACE}:{NAME}"],
            }
        },
    },
)
SHARED = Environment(
    name="standard",
    **{
        **ENVIRONMENTS["standard"],
        "image_swapper": {
            "enabled": True,
            "pods": {"oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A"},
        },
    },
)
ALL = {
    **{name: environment(name) for name in ENVIRONMENTS},
    "with a role": WITH_ROLE,
    "with what replicas share": SHARED,
}


def helm(folder: Path, *words: str, kubeconfig: Path | None = None) -> str:
    """What Helm prints."""
    variables = {**os.environ, "HOME": str(folder), **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    done = subprocess.run([binary("helm3"), *words], capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def values_of(of: Environment, folder: Path) -> str:
    """The file of the environment's values."""
    path = folder / "chart-values.yaml"
    path.write_text(generate(of, ["swapper"])[0].files["chart-values.yaml"])
    return str(path)


def by_name(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    """{(kind, name): object}."""
    found = [one for one in yaml.safe_load_all(text) if one]
    assert len({(one["kind"], one["metadata"]["name"]) for one in found}) == len(found)
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def without_labels(one: dict[str, Any]) -> dict[str, Any]:
    """An object without its labels, and without those by which a ServiceMonitor finds a Service: Helm has its own."""
    bare: dict[str, Any] = json.loads(json.dumps(one))
    bare["metadata"].pop("labels")
    if bare["kind"] == "Deployment":
        bare["spec"]["template"]["metadata"].pop("labels")
    if bare["kind"] == "ServiceMonitor":
        bare["spec"].pop("selector")
    return bare


@pytest.mark.parametrize("of", ALL.values(), ids=ALL)
def test_the_chart_gives_the_objects_of_the_manifests(of: Environment, tmp_path: Path) -> None:
    (bundle,) = generate(of, ["swapper"])
    names = ("swapper.yaml", "webhook.yaml", "pull-secrets.yaml", "service-monitor.yaml")
    wanted = by_name("---\n".join(bundle.files[name] for name in names))
    found = by_name(helm(tmp_path, *HELM, "-f", values_of(of, tmp_path), "--set", EVERYTHING))
    more = {("PrometheusRule", NAME), ("ConfigMap", f"{NAME}-dashboard")}
    assert set(found) == set(wanted) | more
    for key, one in wanted.items():
        assert without_labels(found[key]) == without_labels(one)
        for label in ("part-of", "instance"):
            at = f"app.kubernetes.io/{label}"
            assert found[key]["metadata"]["labels"][at] == one["metadata"]["labels"][at]
    # What selects finds.
    service = found["Service", NAME]
    assert (
        service["spec"]["selector"].items()
        <= found["Deployment", NAME]["spec"]["template"]["metadata"]["labels"].items()
    )
    monitor = found["ServiceMonitor", NAME]["spec"]["selector"]["matchLabels"]
    assert monitor.items() <= service["metadata"]["labels"].items()


CERTIFICATES = {
    "own": (),
    "cert-manager": ("--set", "certificate.from=cert-manager"),
    "an issuer": (
        "--set",
        "certificate.from=cert-manager,certificate.issuer.name=corp,certificate.issuer.kind=ClusterIssuer",
    ),
    "secret": ("--set", f"certificate.from=secret,certificate.secretName=mine,certificate.caBundle={AUTHORITY}"),
}


@pytest.mark.parametrize("words", CERTIFICATES.values(), ids=CERTIFICATES)
def test_helm_and_the_api_server_take_it_strictly(
    words: tuple[str, ...], api_server: ApiServer, tmp_path: Path
) -> None:
    values = values_of(environment("standard"), tmp_path)
    more = (
        *("--set", EVERYTHING, "--set", "settings.dryRun=true,settings.copyDeadline=3,settings.logLevel=debug"),
        *(
            "--set",
            "priorityClassName=high,podLabels.team=a,extraArguments={--drain-seconds=7},autoscaling.enabled=false",
        ),
    )
    helm(tmp_path, "lint", "--strict", str(CHART), "-f", values, *more, *words)
    found = by_name(helm(tmp_path, *HELM, "-f", values, *more, *words))
    api_server.kubectl(
        "apply", "-f", "-", stdin=generate(environment("standard"), ["swapper"])[0].files["namespace.yaml"]
    )
    text = "---\n".join(json.dumps(one) + "\n" for (kind, _), one in found.items() if kind not in CUSTOM)
    taken = api_server.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name", stdin=text)
    assert len(taken.stdout.split()) == sum(kind not in CUSTOM for kind, _ in found)
    pod = found["Deployment", NAME]["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    assert {"--dry-run", "--copy-deadline", "3", "--drain-seconds=7"} <= set(arguments)
    own = not words
    assert ("--own-certificate" in arguments) == own == (("Role", NAME) in found)
    assert ("--tls-cert-file" in arguments) == (not own) == any(one["name"] == "tls" for one in pod["volumes"])


@pytest.fixture
def installed(api_server: ApiServer, tmp_path: Path) -> Iterator[Path]:
    """The chart in the cluster; the folder of its values."""
    values = values_of(environment("standard"), tmp_path)
    words = ("image-swapper", str(CHART), "--namespace", NAMESPACE, "-f", values)
    helm(tmp_path, "install", *words, "--create-namespace", kubeconfig=api_server.kubeconfig)
    try:
        yield tmp_path
    finally:
        helm(tmp_path, "uninstall", "image-swapper", "--namespace", NAMESPACE, kubeconfig=api_server.kubeconfig)


def test_what_helm_installs_has_the_api_server_ask_the_webhook(api_server: ApiServer, installed: Path) -> None:
    of = environment("standard")
    project = installed / "project"
    (project / "environments").mkdir(parents=True)
    (project / "environments" / "standard.tfvars").write_text(routes(of)["data"]["standard.tfvars"])
    configuration = f"mutatingwebhookconfiguration/standard-{NAME}"
    with served(project, installed / "tls", "standard", "--copy-policy", "none") as running:
        # The name of a Service is not found here, so that the process is called by its address.
        client = {
            "service": None,
            "url": f"https://127.0.0.1:{running.port}/webhook",
            "caBundle": base64.b64encode(running.cert.read_bytes()).decode(),
        }
        patch = [{"op": "replace", "path": f"/webhooks/{number}/clientConfig", "value": client} for number in (0, 1)]
        api_server.kubectl("patch", configuration, "--type=json", "-p", json.dumps(patch))
        shop = api_server.create_namespace()
        spec = {"containers": [{"name": "web", "image": "nginx:1"}]}
        written = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": shop}, "spec": spec}

        def swapped() -> bool:
            admitted = api_server.admit([written])[0]
            image = admitted["spec"]["containers"][0]["image"]
            return image == f"{OWN}/docker-hub/library/nginx:1" and ANNOTATION in admitted["metadata"]["annotations"]

        wait_until(swapped, "the webhook is asked")
        own = {**written, "metadata": {"name": "web", "namespace": NAMESPACE}}
        assert api_server.admit([own])[0]["spec"]["containers"][0]["image"] == "nginx:1"
    # An upgrade leaves what the Pods told the API server.
    words = ("image-swapper", str(CHART), "--namespace", NAMESPACE, "-f", str(installed / "chart-values.yaml"))
    bundle = base64.b64encode(running.cert.read_bytes()).decode()
    service = {"namespace": NAMESPACE, "name": NAME, "path": "/webhook", "port": 443}
    patch = [
        {"op": "replace", "path": f"/webhooks/{number}/clientConfig", "value": {"service": service, "caBundle": bundle}}
        for number in (0, 1)
    ]
    api_server.kubectl("patch", configuration, "--type=json", "-p", json.dumps(patch))
    helm(installed, "upgrade", *words, "--set", "replicas=3", kubeconfig=api_server.kubeconfig)
    kept = json.loads(api_server.kubectl("get", configuration, "-o", "json").stdout)["webhooks"]
    assert [hook["clientConfig"]["caBundle"] for hook in kept] == [bundle, bundle]
