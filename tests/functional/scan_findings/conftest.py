"""The packaged function, called in an account of the embedded AWS."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.functions.package import build_package
from orchestrator.local.controls import set_faults
from tests.functional.scan_findings.world import REGION, Run, World

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


@pytest.fixture
def world(local_aws: LocalAws, account_id: str) -> Iterator[World]:
    made = World(local_aws, account_id)
    yield made
    set_faults(local_aws)
    made.close()


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("function") / "scan_findings.zip"
    path.write_bytes(build_package("scan_findings").content)
    return path


@pytest.fixture
def run(world: World, local_aws: LocalAws, packaged: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Call the handler of the packaged zip with an event; keywords are variables of the function."""
    variables = {
        "AWS_ENDPOINT_URL": local_aws.endpoint,
        "AWS_ACCESS_KEY_ID": local_aws.access_key_for(world.account),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "ACCOUNT_ID": world.account,
        "BUCKET": world.bucket,
        "CLUSTERS": '["prod"]',
        "ENVIRONMENT": "prod",
        "ROUTES": '[{"prefix": "docker-hub", "source": "docker.io"}]',
        "SCAN_TYPE": "BASIC",
        "SEVERITY": "HIGH",
        "TOPIC_ARN": world.topic,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # boto3 remembers the credentials of the first client; a Lambda process has one account for its life.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.syspath_prepend(str(packaged))
    for name in [name for name in sys.modules if name.partition(".")[0] == "scan_findings"]:
        del sys.modules[name]
    module = importlib.import_module("scan_findings.handler")

    def call(event: dict[str, Any], **changed: str) -> dict[str, Any]:
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        answer: dict[str, Any] = module.handle({"account": world.account, **event}, None)
        return answer

    yield call
    clients = module._clients()
    for client in (clients.ecr, clients.s3, clients.sns):
        client.close()
