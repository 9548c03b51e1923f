"""The OCI conformance suite against the registry of the embedded ECR: everything passes but what ECR is known not to do."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import boto3

from orchestrator.local import ensure_running, stop
from tests.cluster.ecr_deviations import DEVIATIONS
from tests.cluster.engines.build import binary

ACCOUNT, REGION = "222233334444", "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
REPOSITORIES = ("conformance/one", "conformance/two")
# So many of its tests passed when it was pinned: a suite that asks less has not shown it.
LEAST = 490


def _results(folder: Path) -> list[tuple[str, str]]:
    """(test, outcome) of everything that the suite did against a registry that mounts."""
    aws = ensure_running(folder / "aws")
    try:
        keys = aws.variables(ACCOUNT, REGION)
        ecr = boto3.client(
            "ecr",
            region_name=REGION,
            endpoint_url=aws.endpoint,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        )
        ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
        for name in REPOSITORIES:
            ecr.create_repository(repositoryName=name)
        (data,) = ecr.get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        environment = {
            "OCI_REGISTRY": aws.endpoint.removeprefix("http://"),
            "OCI_TLS": "disabled",
            "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
            "OCI_USERNAME": user,
            "OCI_PASSWORD": password,
            "OCI_RESULTS_DIR": str(folder / "results"),
            **{f"OCI_REPO{number}": f"{HOST}/{name}" for number, name in enumerate(REPOSITORIES, 1)},
        }
        done = subprocess.run(
            [str(binary("conformance"))], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        assert "OCI Conformance Result" in done.stdout, done.stdout + done.stderr
    finally:
        stop(folder / "aws")
    suite = ElementTree.parse(folder / "results" / "junit.xml").getroot()
    return [
        (case.get("name", "").removeprefix("OCI Conformance Test/"), case.get("status", ""))
        for case in suite.iter("testcase")
    ]


def test_everything_passes_but_what_ecr_is_known_not_to_do(tmp_path: Path) -> None:
    met = set()
    others = []
    results = _results(tmp_path)
    for name, outcome in results:
        if outcome == "passed":
            continue
        known = [each for each in DEVIATIONS if each.outcome == outcome and f"/{name}".endswith(f"/{each.test}")]
        met.update(known)
        # A folder of tests is skipped when all that is in it was.
        if not known and not (outcome == "skipped" and _is_folder(name, results)):
            others.append((name, outcome))
    assert others == []
    assert set(DEVIATIONS) - met == set(), "what ECR does by now is no deviation any more"
    assert sum(outcome == "passed" for _, outcome in results) >= LEAST


def _is_folder(name: str, results: list[tuple[str, str]]) -> bool:
    return any(other.startswith(f"{name}/") for other, _ in results)
