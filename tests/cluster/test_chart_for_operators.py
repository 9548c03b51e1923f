"""What the chart has for Prometheus' operator, cert-manager, Prometheus and Grafana: held against their own schemas and parser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from orchestrator.manifests import generate
from orchestrator.manifests.webhook_configuration import NAME
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import binary, taken_files
from tests.cluster.processes import EngineRunError
from tests.cluster.test_chart import CERTIFICATES, CUSTOM, EVERYTHING, HELM, by_name, helm, values_of
from tests.references_table import environment

pytestmark = pytest.mark.cluster

STRICT = ("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name")
MONITORING = {"ServiceMonitor", "PrometheusRule"}
KINDS = {
    "own": MONITORING,
    "cert-manager": {*MONITORING, "Certificate", "Issuer"},
    "an issuer": {*MONITORING, "Certificate"},
    "secret": MONITORING,
}


@pytest.fixture(scope="module")
def operators(api_server: ApiServer) -> None:
    """The schemas of Prometheus' operator and of cert-manager, which no controller watches here."""
    paths = taken_files("schemas")
    assert len(paths) == len(CUSTOM)
    for path in paths:
        # Applied by a client, a schema of this size would not fit into the annotation that remembers it.
        api_server.kubectl("create", "-f", path)
    for path in paths:
        api_server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", path)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_the_operators_own_schemas_take_what_is_for_them(
    certificate: str, api_server: ApiServer, tmp_path: Path
) -> None:
    of = environment("standard")
    more = ("--set", f"{EVERYTHING},serviceMonitor.interval=30s,alerts.runbookUrl=https://example.com/runbook")
    found = by_name(helm(tmp_path, *HELM, "-f", values_of(of, tmp_path), *more, *CERTIFICATES[certificate]))
    ours = [one for (kind, _), one in found.items() if kind in CUSTOM]
    assert {one["kind"] for one in ours} == KINDS[certificate]
    files = generate(of, ["swapper"])[0].files
    api_server.kubectl("apply", "-f", "-", stdin=files["namespace.yaml"])
    for one in [*ours, *yaml.safe_load_all(files["service-monitor.yaml"])]:
        assert len(api_server.kubectl(*STRICT, stdin=json.dumps(one)).stdout.split()) == 1
        wrong = {**one, "spec": {**one["spec"], "notOfTheSchema": 1}}
        with pytest.raises(EngineRunError, match="notOfTheSchema"):
            api_server.kubectl(*STRICT, stdin=json.dumps(wrong))


def parsed(expressions: Sequence[str]) -> list[str]:
    """What Prometheus' parser says of each: `ok`, or why it is none."""
    lines = "".join(f"{json.dumps(one)}\n" for one in expressions)
    ran = subprocess.run([binary("promqlparse")], input=lines, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout.splitlines()


def test_prometheus_reads_the_expressions_of_alerts_and_dashboard(tmp_path: Path) -> None:
    values = values_of(environment("standard"), tmp_path)
    found = by_name(helm(tmp_path, *HELM, "-f", values, "--set", EVERYTHING))
    groups = found["PrometheusRule", NAME]["spec"]["groups"]
    dashboard = json.loads(found["ConfigMap", f"{NAME}-dashboard"]["data"]["image-swapper.json"])
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    # Grafana writes its variables in before it asks.
    asked += [
        target["expr"].replace("$__rate_interval", "5m").replace("$namespace", "shop")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    assert len(asked) > 20
    assert dict(zip(asked, parsed(asked), strict=True)) == dict.fromkeys(asked, "ok")
    assert "unclosed left parenthesis" in parsed(["sum(rate(a[5m])"])[0]
