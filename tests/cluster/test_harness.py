"""The engines and the harness around them work, each shown on the smallest document that it acts on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import KUBERNETES_VERSION, KYVERNO_VERSION, MODULES, taken_files
from tests.cluster.pods import KINDS, Kind
from tests.cluster.processes import EngineRunError, wait_until
from tests.cluster.pulls import (
    host_resolve,
    pull_sources,
    registries_conf_of,
    skopeo_pull,
    skopeo_pull_all,
    strict_decode,
)
from tests.cluster.recording_registry import DIGEST, RecordingRegistry

pytestmark = pytest.mark.cluster

CACHE = "cache.example/hub"
ABSENT_DIGEST = "sha256:" + "0" * 64


def native_policy(name: str) -> str:
    """A MutatingAdmissionPolicy that puts `CACHE` before every image that has not got it, in every kind of slot."""

    def patched(path: str, field: str) -> str:
        listed = f"object.spec.?{path}.orValue([])"
        return (
            f"range(size({listed})).map(i, {listed}[i])"
            if not listed
            else f"lists.range(size({listed})).filter(i, has({listed}[i].{field}) && !{listed}[i].{field}.startsWith('{CACHE}/'))"
            f".map(i, JSONPatch{{op: 'replace', path: '/spec/{path}/' + string(i) + '/{field.replace('.', '/')}',"
            f" value: '{CACHE}/' + {listed}[i].{field}}})"
        )

    kinds = ("containers", "initContainers", "ephemeralContainers")
    expression = " + ".join(
        [*(patched(one, "image") for one in kinds), patched("volumes", "image.reference").replace("has(", "has(", 1)]
    )
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {
                    "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": "MutatingAdmissionPolicy",
                    "metadata": {"name": name},
                    "spec": {
                        "failurePolicy": "Fail",
                        "reinvocationPolicy": "Never",
                        "matchConstraints": {
                            "resourceRules": [
                                {
                                    "apiGroups": [""],
                                    "apiVersions": ["v1"],
                                    "operations": operations,
                                    "resources": resources,
                                }
                                for operations, resources in (
                                    (["CREATE"], ["pods"]),
                                    (["UPDATE"], ["pods/ephemeralcontainers"]),
                                )
                            ]
                        },
                        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
                    },
                },
                {
                    "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": "MutatingAdmissionPolicyBinding",
                    "metadata": {"name": name},
                    "spec": {"policyName": name},
                },
            ],
        }
    )
