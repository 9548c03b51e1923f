"""The hosts of ECR come from one table of partitions, whoever asks for them."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from orchestrator.local.ecr.rules_api import upstream_name
from orchestrator.manifests.credentials import ECR_HOSTS
from orchestrator.partitions import PARTITIONS, partition_of, pulls_through
from orchestrator.routes.reach import Reach
from orchestrator.routes.upstreams import PrivateRegistry, ecr_registry, upstream_of

RULES_MODULE = Path(__file__).parents[2] / "modules/pull-through-cache/main.tf"
REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
# nodeadm/internal/kubelet/image-credential-provider.go of awslabs/amazon-eks-ami, July 2026.
NODEADM = [
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr-ecr.*.on.amazonwebservices.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr-fips.*.on.aws",
    "*.dkr.ecr.*.c2s.ic.gov",
    "*.dkr.ecr.*.sc2s.sgov.gov",
    "*.dkr.ecr.*.cloud.adc-e.uk",
    "*.dkr.ecr.*.csp.hci.ic.gov",
    "*.dkr.ecr.*.amazonaws.eu",
    "public.ecr.aws",
]


def test_every_partition_has_a_region_here() -> None:
    assert {partition_of(region) for region in REGIONS.values()} == {each.name for each in PARTITIONS}


def test_no_host_of_nodeadm_is_missing() -> None:
    assert set(NODEADM) <= set(ECR_HOSTS)
    assert len(ECR_HOSTS) == len(set(ECR_HOSTS))


@pytest.mark.parametrize("region", REGIONS.values())
def test_nodes_have_credentials_for_every_host_of_a_registry(region: str) -> None:
    """The kubelet compares label by label, and wants as many labels."""
    for host in PrivateRegistry("123456789012", region).hosts:
        assert ecr_registry(host) == PrivateRegistry("123456789012", region)
        assert any(pattern.count(".") == host.count(".") and fnmatchcase(host, pattern) for pattern in ECR_HOSTS), host


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_a_dual_stack_host_leaves_the_endpoints_in_every_partition(region: str) -> None:
    registry = PrivateRegistry("123456789012", region)
    reach = Reach(region, frozenset({"*"}))
    detours = [host for host in registry.hosts if reach.obstacles(host)]
    assert detours == [host for host in registry.hosts if ".dkr-ecr" in host]
    assert len(detours) == 2


@pytest.mark.parametrize("region", [region for region in REGIONS.values() if pulls_through(region, "ecr")])
def test_a_rule_between_registries_is_one_in_python_in_terraform_and_in_the_embedded_aws(region: str) -> None:
    host = PrivateRegistry("123456789012", region).host
    in_terraform = re.search(r'^    "ecr" +=( ".*")$', RULES_MODULE.read_text("utf-8"), re.MULTILINE)
    assert in_terraform is not None
    assert re.fullmatch(json.loads(in_terraform[1]), host)
    assert upstream_name(host) == "ecr"
    found = upstream_of(host)
    assert found is not None
    assert found.name == "ecr"
