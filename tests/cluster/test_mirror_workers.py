"""Workers of a mirror queue as the API server takes them, with KEDA's own schemas of what scales them."""

from __future__ import annotations

import json

import pytest
import yaml

from orchestrator.manifests import generate
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import taken_files
from tests.cluster.processes import EngineRunError
from tests.unit.manifests.test_mirror_workers import with_workers

pytestmark = pytest.mark.cluster

STRICT = ("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name")


def test_the_api_server_takes_the_workers_and_what_scales_them(api_server: ApiServer) -> None:
    paths = [
        path for path in taken_files("keda") if path.name.endswith(("scaledobjects.yaml", "rauthentications.yaml"))
    ]
    assert len(paths) == 3
    for path in paths:
        # Applied by a client, a schema of this size would not fit into the annotation that remembers it.
        api_server.kubectl("create", "-f", path)
    for path in paths:
        api_server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", path)
    for more in ({}, {"most": 25}, {"namespace": "elsewhere"}):
        files = generate(with_workers(**more), ["mirror-workers"])[0].files
        if "namespace.yaml" in files:
            api_server.kubectl("apply", "-f", "-", stdin=files["namespace.yaml"])
        else:
            api_server.kubectl("create", "namespace", "elsewhere")
        workers = api_server.kubectl(*STRICT, stdin=files["workers.yaml"]).stdout.split()
        assert len(workers) == 3
        scaling = api_server.kubectl(*STRICT, stdin=files["scaling.yaml"]).stdout.split()
        assert [name.partition("/")[0] for name in scaling] == [
            "triggerauthentication.keda.sh",
            "scaledobject.keda.sh",
        ]
    for right, wrong in (
        ("maxReplicaCount", "maxReplicas"),
        ("provider: aws", "provider: awss"),
        ("triggers:", "trigger:"),
    ):
        assert right in files["scaling.yaml"]
        with pytest.raises(EngineRunError):
            api_server.kubectl(*STRICT, stdin=files["scaling.yaml"].replace(right, wrong))


def test_the_trigger_says_what_kedas_scaler_reads_and_all_that_it_must_have() -> None:
    (path,) = (path for path in taken_files("keda") if path.name == "scalers-schema.json")
    scalers = {each["type"]: each["parameters"] for each in json.loads(path.read_text())["scalers"]}
    _, scaled = yaml.safe_load_all(generate(with_workers(), ["mirror-workers"])[0].files["scaling.yaml"])
    (trigger,) = scaled["spec"]["triggers"]
    known = {each["name"]: each for each in scalers[trigger["type"]]}
    assert set(trigger["metadata"]) <= set(known)
    needed = {name for name, each in known.items() if not each.get("optional") and "default" not in each}
    assert needed <= set(trigger["metadata"])
    # A number or a boolean is refused by KEDA: its map is of texts.
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
