"""The CronJob of the push guide: its script, run by a shell, writes the Secret that its last container applies."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).resolve().parents[2] / "docs/guide/push.md"
TOKEN = "x" * 2000  # Longer than a line of base64.


def documents() -> dict[str, Any]:
    """{kind: document} of the page's CronJob and what stands beside it."""
    text = PAGE.read_text("utf-8").split("```yaml\napiVersion: batch/v1", 1)[1].split("```", 1)[0]
    return {each["kind"]: each for each in yaml.safe_load_all("apiVersion: batch/v1" + text)}


def test_the_secret_logs_in_to_the_registry_and_may_be_written(tmp_path: Path) -> None:
    found = documents()
    job = found["CronJob"]
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (first,), (last,) = pod["initContainers"], pod["containers"]
    aws = tmp_path / "aws"
    aws.write_text(f"#!/bin/sh\n[ \"$*\" = 'ecr get-login-password' ] && echo {TOKEN}\n")
    aws.chmod(0o755)
    variables = {each["name"]: each["value"] for each in first["env"]}
    where = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SHARED": str(tmp_path)}

    subprocess.run([*first["command"], *first["args"]], env={**variables, **where}, check=True)

    secret = json.loads((tmp_path / "secret.json").read_text())
    logins = json.loads(b64decode(secret["data"][".dockerconfigjson"]))
    assert b64decode(logins["auths"][variables["REGISTRY"]]["auth"]).decode() == f"AWS:{TOKEN}"
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert last["args"][-1] == f"{variables['SHARED']}/secret.json"
    mounts = {first["volumeMounts"][0]["mountPath"], last["volumeMounts"][0]["mountPath"]}
    assert mounts == {variables["SHARED"]}
    # Who runs it may write that Secret, and no other.
    named = [rule["resourceNames"] for rule in found["Role"]["rules"] if "patch" in rule["verbs"]]
    assert named == [[secret["metadata"]["name"]]]
    assert found["RoleBinding"]["subjects"][0]["name"] == pod["serviceAccountName"]
    assert {each["metadata"]["namespace"] for each in found.values()} == {secret["metadata"]["namespace"]}
