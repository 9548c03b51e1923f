"""The partitions of AWS: which one a region is in, and the hosts of ECR there. Pure, standard library only.

The functions carry this too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """One AWS partition: `dns_suffix` of its hosts, `dual_stack_suffix` of ECR's IPv6 hosts ("" where it has none)."""

    name: str
    region_prefix: str
    dns_suffix: str
    dual_stack_suffix: str = ""
    pull_through_cache: bool = True


# botocore 1.44 data/partitions.json: names, regionRegex, dnsSuffix. Dual-stack suffixes: "Amazon ECR endpoints and
# quotas" in the AWS General Reference and awslabs/amazon-ecr-credential-helper (ecr-login/api/client.go).
# GovCloud and China have no pull-through cache (ECR user guide, "Pull through cache"); isolated ones have no way out.
_AWS = Partition("aws", "", "amazonaws.com", "on.aws")
PARTITIONS = (
    Partition("aws-cn", "cn-", "amazonaws.com.cn", "on.amazonwebservices.com.cn", pull_through_cache=False),
    Partition("aws-us-gov", "us-gov-", "amazonaws.com", "on.aws", pull_through_cache=False),
    Partition("aws-iso", "us-iso-", "c2s.ic.gov", pull_through_cache=False),
    Partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov", pull_through_cache=False),
    Partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", pull_through_cache=False),
    Partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov", pull_through_cache=False),
    Partition("aws-eusc", "eusc-", "amazonaws.eu", "on.amazonwebservices.eu"),
    _AWS,
)


def partition_for(region: str) -> Partition:
    """The partition of `region`; a region that no partition claims by its prefix is in `aws`."""
    return next(partition for partition in PARTITIONS if region.startswith(partition.region_prefix))


def partition_of(region: str) -> str:
    """Name of the partition of `region`: `us-gov-west-1` -> `aws-us-gov`."""
    return partition_for(region).name


def registry_host(account: str, region: str) -> str:
    """Standard host of the registry of `account` in `region`, with the suffix of the region's partition."""
    return f"{account}.dkr.ecr.{region}.{partition_for(region).dns_suffix}"
