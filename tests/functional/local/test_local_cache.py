"""`orchestrator local fill | age`, as a user runs them: images are pulled, days pass, and the lifecycle manager sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from orchestrator.local import ensure_running, stop
from tests.functional.published_schemas import problems
from tests.functional.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import ProjectFactory

DEV = """
cluster_name = "dev"
account_id = "444455556666"
aws_region = "eu-west-1"
create_vpc_endpoints = false
pull_through_cache_rules = {
  quay = { upstream_registry_url = "quay.io" }
  own = { upstream_registry_url = "registry-1.docker.io", source = "docker.io/team", secret_name = "ecr-pullthroughcache/x" }
}
mirrors = { mcr = { source = "mcr.microsoft.com" } }
lifecycle_manager = {
  clusters = ["dev"]
  retention = { expire_unpulled_days = 30, keep_at_least = 1 }
}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose rules are in its embedded AWS."""
    root = tmp_path_factory.mktemp("fill")
    (root / "environments").mkdir()
    (root / "environments" / "dev.tfvars").write_text(DEV)
    (root / "environments" / "bare.tfvars").write_text(
        DEV.split("pull_through")[0] + 'mirrors = { mcr = { source = "mcr.microsoft.com" } }\nmanage_registry = false\n'
    )
    state_dir = root / ".orchestrator" / "local-aws"
    local = ensure_running(state_dir)
    variables = local.variables("444455556666", "eu-west-1")
    session = boto3.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1")
    secret = session.client("secretsmanager", endpoint_url=local.endpoint).create_secret(
        Name="ecr-pullthroughcache/x", SecretString='{"username": "u", "accessToken": "t"}'
    )
    ecr = session.client("ecr", endpoint_url=local.endpoint)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="own",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=secret["ARN"],
    )
    yield root
    stop(state_dir)


def test_a_cache_fills_ages_expires_and_comes_back(world: Path, tmp_path: Path) -> None:
    def dev(*arguments: str) -> str:
        ran = run("-C", str(world), *arguments)
        assert ran.code == 0, (arguments, ran.out, ran.err)
        return ran.out

    document = run("-C", str(world), "local", "fill", "dev", "--json").json
    assert problems("local-fill", document) == []
    filled = document["images"]
    assert {image["target"].split("/")[1] for image in filled} == {"quay", "own"}
    assert all(image["new"] and image["bytes"] > 0 for image in filled)
    assert f"{len(filled)} images of account 444455556666 in eu-west-1: 45 days older." in dev(
        "local", "age", "dev", "--days", "45"
    )
    kept = ("quay.io/prometheus/prometheus:v3.1.0", "quay.io/prometheus/node-exporter:v1.7.0")
    snapshot = tmp_path / "dev.json"
    again = dev("local", "fill", "dev", *kept, "--snapshot", str(snapshot))
    assert "0 images pulled the first time, 0 bytes; 2 again." in again
    options = ("dev", "--local", "--snapshot", str(snapshot), "--allow-fraction", "1")
    previewed = run("-C", str(world), "lifecycle", "preview", *options, "--json").json
    expiring = {
        f"{row['repository']}:{tag}"
        for row in previewed["repositories"]
        for each in row["expire"]
        for tag in each["tags"]
    }
    assert "quay/prometheus/prometheus:v2.55.1" in expiring
    # It runs, old as it is; what was pulled last of the others is their newest.
    assert not expiring & {"quay/prometheus/node-exporter:v1.7.0", "quay/jetstack/cert-manager-controller:v1.16.2"}
    done = run("-C", str(world), "lifecycle", "run", *options, "--yes", "--json").json
    assert done["expired"] == len(expiring) > 1
    dev("lifecycle", "restore", "dev", "--from", done["audit"], "--local")
    report = run("-C", str(world), "report", "dev", "--local", "--json").json["environments"][0]
    assert sum(row["images"] for row in report["cache"]["repositories"]) == len(filled)
    assert report["findings"]["severities"]["HIGH"] > 0


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (("fill", "bare"), "has no pull-through rule", "pull_through_cache_rules"),
        (("fill", "dev", "mcr.microsoft.com/dotnet/sdk:8.0"), "has a mirror", "orchestrator mirror dev mcr.micro"),
        (("fill", "dev", "ghcr.io/a/b:1"), "has no route", "ghcr.io"),
        (("fill", "dev", "quay.io/a/b:1@sha256:" + "0" * 64), "names a digest", "orchestrator"),
        (("fill", "dev", "quay.io/A:1"), "quay.io/A:1", "lower"),
        (("age", "dev", "--days", "nan"), "is no number", "--help"),
        (("age", "dev", "--days", "-1"), "-1", "--help"),
        (("age", "dev"), "--days", "--help"),
    ],
)
def test_what_cannot_be_pulled_or_aged_is_refused(
    world: Path, arguments: tuple[str, ...], what: str, remedy: str
) -> None:
    ran = run("-C", str(world), "local", *arguments)
    assert ran.code == 2
    assert what in ran.err
    assert remedy in ran.err


def test_without_an_apply_the_apply_is_named(project: ProjectFactory) -> None:
    root = project(dev=DEV).root
    for arguments in (("fill", "dev"), ("age", "dev", "--days", "1")):
        ran = run("-C", str(root), "local", *arguments)
        assert ran.code == 2
        assert "orchestrator apply dev --local" in ran.err
    state_dir = root / ".orchestrator" / "local-aws"
    ensure_running(state_dir)
    try:
        ran = run("-C", str(root), "local", "fill", "dev")
    finally:
        stop(state_dir)
    assert (ran.code, "has no rule for" in ran.err) == (2, True)
