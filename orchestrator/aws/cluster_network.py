"""Where a cluster of EKS lives: its VPC, private subnets and node roles, for `init` to propose. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import explained, found_or_none


@dataclass(frozen=True, slots=True)
class ClusterNetwork:
    """`private_subnet_ids` has one subnet of each zone, which is what an interface endpoint takes."""

    vpc_id: str | None
    vpc_cidr: str | None
    private_subnet_ids: tuple[str, ...]
    node_role_names: tuple[str, ...]


def find_cluster_network(session: AwsSession, cluster: str) -> ClusterNetwork | None:
    """What EKS says of a cluster, None where it has none by this name; raises what AWS refuses."""
    make: Any = session.client
    eks = make("eks")
    answer = found_or_none(session, "eks", lambda: eks.describe_cluster(name=cluster))
    if answer is None:
        return None
    described: Mapping[str, Any] = answer["cluster"]
    with explained(session, "eks"):
        roles = list(_node_roles(eks, cluster, described))
    ec2 = make("ec2")
    # All subnets of a cluster are of one VPC.
    named = list((described.get("resourcesVpcConfig") or {}).get("subnetIds") or ())
    with explained(session, "ec2"):
        subnets = ec2.describe_subnets(SubnetIds=named)["Subnets"] if named else []
        vpc = subnets[0]["VpcId"] if subnets else None
        blocks = [each["CidrBlock"] for each in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]] if vpc else []
    return ClusterNetwork(vpc, next(iter(blocks), None), private_subnets(subnets), tuple(dict.fromkeys(roles)))


def private_subnets(subnets: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The first subnet of each zone that gives its machines no public address."""
    by_zone: dict[str, str] = {}
    for subnet in sorted(subnets, key=lambda each: (each["AvailabilityZone"], each["SubnetId"])):
        if not subnet.get("MapPublicIpOnLaunch"):
            by_zone.setdefault(subnet["AvailabilityZone"], subnet["SubnetId"])
    return tuple(by_zone.values())


def _node_roles(eks: Any, cluster: str, described: Mapping[str, Any]) -> Iterable[str]:
    """Names of the roles of node groups, and of Auto Mode's nodes."""
    for page in eks.get_paginator("list_nodegroups").paginate(clusterName=cluster):
        for group in page["nodegroups"]:
            yield _name(eks.describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]["nodeRole"])
    automatic = (described.get("computeConfig") or {}).get("nodeRoleArn")
    if automatic:
        yield _name(automatic)


def _name(role_arn: str) -> str:
    # IAM's calls take the name without its path.
    return role_arn.rsplit("/", 1)[-1]
