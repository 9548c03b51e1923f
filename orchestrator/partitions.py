"""The partitions of AWS: which one a region is in, and the hosts of ECR there. Pure, standard library only.

The functions carry this too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Partition:
    """One AWS partition: `dns_suffix` of its hosts, `dual_stack_suffix` of ECR's IPv6 hosts ("" where it has none)."""

    name: str
    region_prefix: str
    dns_suffix: str
    dual_stack_suffix: str = ""
    upstreams: Literal["all", "own registries", "none"] = "all"
    """Of which registries ECR has pull-through cache rules there."""

    def registry_hosts(self, account: str, region: str) -> tuple[str, ...]:
        """Every host of one ECR registry: standard, FIPS, and both in dual stack where the partition has it.

        With `*` for both they are patterns of every registry of the partition: `*.dkr-ecr.*.on.aws`.
        """
        services = ("ecr", "ecr-fips")
        hosts = [f"{account}.dkr.{service}.{region}.{self.dns_suffix}" for service in services]
        if self.dual_stack_suffix:
            hosts += [f"{account}.dkr-{service}.{region}.{self.dual_stack_suffix}" for service in services]
        return tuple(hosts)


# botocore 1.44 data/partitions.json: names, regionRegex, dnsSuffix. Dual-stack suffixes: "Amazon ECR endpoints and
# quotas" in the AWS General Reference and awslabs/amazon-ecr-credential-helper (ecr-login/api/client.go).
# "Pull through cache" of the ECR user guide: China has no rules. GovCloud has those between ECR registries of the
# partition. Nothing says that isolated partitions have any, and they have no way out.
_AWS = Partition("aws", "", "amazonaws.com", "on.aws")
PARTITIONS = (
    Partition("aws-cn", "cn-", "amazonaws.com.cn", "on.amazonwebservices.com.cn", upstreams="none"),
    Partition("aws-us-gov", "us-gov-", "amazonaws.com", "on.aws", upstreams="own registries"),
    Partition("aws-iso", "us-iso-", "c2s.ic.gov", upstreams="none"),
    Partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov", upstreams="none"),
    Partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", upstreams="none"),
    Partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov", upstreams="none"),
    Partition("aws-eusc", "eusc-", "amazonaws.eu", "on.amazonwebservices.eu"),
    _AWS,
)


def partition_for(region: str) -> Partition:
    """The partition of `region`; a region that no partition claims by its prefix is in `aws`."""
    return next(partition for partition in PARTITIONS if region.startswith(partition.region_prefix))


def has_rules(region: str) -> bool:
    """Has ECR pull-through cache rules of any kind in `region`?"""
    return partition_for(region).upstreams != "none"


def pulls_through(region: str, upstream: str) -> bool:
    """Has ECR rules in `region` for `upstream`, by the API's name (`quay`, `ecr`)?"""
    offered = partition_for(region).upstreams
    return offered == "all" or (offered == "own registries" and upstream == "ecr")


def partition_of(region: str) -> str:
    """Name of the partition of `region`: `us-gov-west-1` -> `aws-us-gov`."""
    return partition_for(region).name


def registry_host(account: str, region: str) -> str:
    """Standard host of the registry of `account` in `region`, with the suffix of the region's partition."""
    return partition_for(region).registry_hosts(account, region)[0]


def registry_patterns() -> tuple[str, ...]:
    """Patterns of every host of ECR in every partition, each once: `*.dkr.ecr.*.amazonaws.com`, `*.dkr-ecr.*.on.aws`."""
    return tuple(dict.fromkeys(host for each in reversed(PARTITIONS) for host in each.registry_hosts("*", "*")))


def is_dual_stack(host: str) -> bool:
    """Is this a host of AWS's dual stack, which no endpoint of a VPC serves: `….dkr-ecr.eu-west-1.on.aws`?"""
    return host.endswith(tuple(f".{each.dual_stack_suffix}" for each in PARTITIONS if each.dual_stack_suffix))
