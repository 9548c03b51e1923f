"""`images prod --cluster` against a kubectl that serves an API from files; the fixture `cluster` puts it on PATH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .cluster_of_files import Cluster
from .running import Ran, run

ROOT = Path(__file__).parents[2]


HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


ENVIRONMENT = """
cluster_name             = "prod"
account_id               = "111122223333"
aws_region               = "eu-west-1"
pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
"""


def pod(name: str, image: str, digest: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "main", "image": image}]},
        "status": {"containerStatuses": [{"name": "main", "imageID": digest}]},
    }


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "prod.tfvars").write_text(ENVIRONMENT)
    return made


def images(tmp_path: Path, *arguments: str) -> Ran:
    return run("-C", str(tmp_path), "images", "prod", "--cluster", *arguments)
