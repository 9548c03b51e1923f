"""`orchestrator report` on the embedded AWS and a cluster: what it gathers, and that it goes on where something is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import SeedImage, seed_images
from tests.functional.cluster_of_files import Cluster
from tests.functional.images_of_a_cluster import cluster, pod
from tests.functional.running import run

__all__ = ["cluster"]
MORE = "create_vpc_endpoints = false\nattach_ecr_policy = false\n"
ACCOUNT, REGION = "111122223333", "eu-west-1"
MIB = 2**20


def test_it_gathers_from_the_cluster_and_the_registry_and_writes_one_page(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/team/app:1"), pod("b", "example.com/x/y:1")]])
    state_dir = tmp_path / ".orchestrator" / "local-aws"
    aws = ensure_running(state_dir)
    try:
        variables = aws.variables(ACCOUNT, REGION)
        ecr = boto3.client(
            "ecr",
            region_name=REGION,
            endpoint_url=aws.endpoint,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pushed = datetime.now(UTC) - timedelta(days=3)
        finding = {"name": "CVE-2026-1", "severity": "HIGH", "uri": "https://example.com"}
        image = SeedImage(tags=("1",), name="a", size=5 * MIB, pushed_at=pushed, findings=(finding,))
        seed_images(aws, ACCOUNT, REGION, "quay/team/app", [image])
        ecr.start_image_scan(repositoryName="quay/team/app", imageId={"imageTag": "1"})
        document = run("-C", str(tmp_path), "report", "prod", "--local", "--cluster", "--json").json
        page = tmp_path / "out.html"
        written = run("-C", str(tmp_path), "report", "prod", "--local", "--out", str(page))
    finally:
        stop(state_dir)
    [entry] = document["environments"]
    assert [(image["reference"], image["answer"]) for image in entry["images"]] == [
        ("example.com/x/y:1", "unchanged"),
        ("quay.io/team/app:1", "redirected"),
    ]
    assert {"source": "example.com", "images": 1} in entry["outside"]
    routes = {route["prefix"]: route for route in entry["routes"]}
    assert (routes["quay"]["images"], routes["quay"]["valid"]) == (1, True)
    [repository] = entry["cache"]["repositories"]
    assert (repository["repository"], repository["images"], repository["bytes"]) == ("quay/team/app", 1, 5 * MIB)
    assert repository["cost"] == pytest.approx(5 / 1024 * 0.1, rel=0.01)
    assert entry["findings"]["severities"]["HIGH"] == 1
    assert written.code == 0, written.err
    assert "quay/team/app" in page.read_text("utf-8")


def test_what_cannot_be_asked_is_said_and_the_rest_is_there(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.serve("/api/v1/pods", {"error": "Unable to connect to the server"})
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    document = run("-C", str(tmp_path), "report", "prod", "--cluster", "--json").json
    [entry] = document["environments"]
    assert entry["images"] is None
    assert entry["routes"]
    assert any(problem.startswith("AWS:") for problem in entry["problems"])
    assert any(problem.startswith("cluster:") for problem in entry["problems"])


@pytest.fixture(autouse=True)
def whole_environment(tmp_path: Path, cluster: Cluster) -> None:
    """What reads routes alone gets on with less than what asks AWS."""
    path = tmp_path / "environments/prod.tfvars"
    path.write_text(path.read_text() + MORE)


@pytest.mark.parametrize("arguments", [[], ["prod", "--all"], ["nothing"]])
def test_a_report_is_about_environments_that_are_there(tmp_path: Path, cluster: Cluster, arguments: list[str]) -> None:
    assert run("-C", str(tmp_path), "report", *arguments).code == 2
