"""What ECR can pull through and the names of registries, against botocore's own data."""

from __future__ import annotations

import re
from typing import Any

import botocore.loaders
import pytest

from orchestrator.partitions import PARTITIONS, partition_for, partition_of, registry_host
from orchestrator.routes.upstreams import (
    PrivateRegistry,
    canonical_registry,
    ecr_registry,
    upstream_of,
)

ACCOUNT = "123456789012"
URLS = (
    "cgr.dev",
    "ghcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry-1.docker.io",
    "registry.gitlab.com",
    "registry.k8s.io",
    "myteam.azurecr.io",
    f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com",
)


@pytest.fixture(scope="module")
def partitions() -> list[dict[str, Any]]:
    data = botocore.loaders.Loader().load_data("partitions")
    found: list[dict[str, Any]] = data["partitions"]
    return found


def test_the_upstreams_are_those_of_the_api() -> None:
    model = botocore.loaders.Loader().load_service_model("ecr", "service-2")
    known = [upstream.name for upstream in map(upstream_of, URLS) if upstream is not None]
    assert sorted(known) == sorted(model["shapes"]["UpstreamRegistry"]["enum"])


def test_every_region_that_botocore_knows_is_in_its_partition(partitions: list[dict[str, Any]]) -> None:
    for partition in partitions:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                assert partition_of(region) == partition["id"]
                assert partition_for(region).dns_suffix == partition["outputs"]["dnsSuffix"]
                assert re.match(partition["regionRegex"], region)


def test_no_partition_of_botocore_is_missing(partitions: list[dict[str, Any]]) -> None:
    assert {partition.name for partition in PARTITIONS} == {partition["id"] for partition in partitions}


def test_every_host_of_a_registry_leads_back_to_it(partitions: list[dict[str, Any]]) -> None:
    for partition in partitions:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                registry = PrivateRegistry(ACCOUNT, region)
                for host in registry.hosts:
                    assert ecr_registry(host) == registry
                    assert canonical_registry(host) == registry.host == registry_host(ACCOUNT, region)


@pytest.mark.parametrize(
    ("region", "hosts"),
    [
        (
            "eu-west-1",
            [
                f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
                f"{ACCOUNT}.dkr.ecr-fips.eu-west-1.amazonaws.com",
                f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws",
                f"{ACCOUNT}.dkr-ecr-fips.eu-west-1.on.aws",
            ],
        ),
        (
            "cn-north-1",
            [
                f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn",
                f"{ACCOUNT}.dkr.ecr-fips.cn-north-1.amazonaws.com.cn",
                f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                f"{ACCOUNT}.dkr-ecr-fips.cn-north-1.on.amazonwebservices.com.cn",
            ],
        ),
        (
            "us-iso-east-1",
            [f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov", f"{ACCOUNT}.dkr.ecr-fips.us-iso-east-1.c2s.ic.gov"],
        ),
    ],
)
def test_a_registry_has_these_hosts(region: str, hosts: list[str]) -> None:
    assert list(PrivateRegistry(ACCOUNT, region).hosts) == hosts


@pytest.mark.parametrize(
    "host",
    [
        "",
        "quay.io",
        "public.ecr.aws",
        "ecr.us-east-1.amazonaws.com",
        "12345678901.dkr.ecr.us-east-1.amazonaws.com",
        "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
        "\u0661" * 12 + ".dkr.ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.on.aws",
        f"{ACCOUNT}.dkr-ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com:443",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com\n",
        f"{ACCOUNT}.dkr.ecr..amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.nowhere.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.US-EAST-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.evil.amazonaws.com",
    ],
)
def test_a_host_that_is_no_registry_of_ecr_is_none(host: str) -> None:
    assert ecr_registry(host) is None
    assert canonical_registry(host) == host


@pytest.mark.parametrize(
    ("alias", "registry"),
    [
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("k8s.gcr.io", "registry.k8s.io"),
        ("gcr.io", "gcr.io"),
        ("Docker.io", "Docker.io"),
        ("docker.io:443", "docker.io:443"),
    ],
)
def test_a_registry_has_one_canonical_name(alias: str, registry: str) -> None:
    assert canonical_registry(alias) == registry


@pytest.mark.parametrize(
    ("url", "name", "registry", "secret"),
    [
        ("public.ecr.aws", "ecr-public", "public.ecr.aws", False),
        ("registry.k8s.io", "k8s", "registry.k8s.io", False),
        ("quay.io", "quay", "quay.io", False),
        ("registry-1.docker.io", "docker-hub", "docker.io", True),
        ("ghcr.io", "github-container-registry", "ghcr.io", True),
        ("registry.gitlab.com", "gitlab-container-registry", "registry.gitlab.com", True),
        ("contoso.azurecr.io", "azure-container-registry", "contoso.azurecr.io", True),
        ("contoso-e5f6a7.azurecr.io", "azure-container-registry", "contoso-e5f6a7.azurecr.io", True),
        ("cgr.dev", "chainguard", "cgr.dev", True),
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", "ecr", f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", False),
    ],
)
def test_ecr_pulls_through_from_nine_upstreams(url: str, name: str, registry: str, secret: bool) -> None:
    upstream = upstream_of(url)
    assert upstream is not None
    assert (upstream.name, upstream.url, upstream.registry, upstream.needs_credentials) == (name, url, registry, secret)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "docker.io",
        "index.docker.io",
        "k8s.gcr.io",
        "gcr.io",
        "mcr.microsoft.com",
        "registry.access.redhat.com",
        "registry.redhat.io",
        "nvcr.io",
        "https://quay.io",
        "quay.io/",
        "quay.io/org",
        "Quay.io",
        "quay.io:443",
        "azurecr.io",
        "a.b.azurecr.io",
        "-.azurecr.io",
        f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws",
    ],
)
def test_ecr_pulls_through_from_nothing_else(url: str) -> None:
    assert upstream_of(url) is None


def test_only_the_registry_of_another_account_needs_a_role() -> None:
    upstream = upstream_of(f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com")
    assert upstream is not None
    assert upstream.needs_role("210987654321")
    assert not upstream.needs_role(ACCOUNT)
    quay = upstream_of("quay.io")
    assert quay is not None
    assert not quay.needs_role(ACCOUNT)
