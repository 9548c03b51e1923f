"""The address blocks that a VPC really has: its first, secondary ones and IPv6. Reads only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import found_or_none


def vpc_blocks(session: AwsSession, vpc_id: str) -> tuple[str, ...] | None:
    """The CIDR blocks of a VPC, None when it does not exist. Raises OrchestratorError when AWS does not let us tell."""
    make: Any = session.client
    ec2 = make("ec2")
    answer = found_or_none(session, "ec2", lambda: ec2.describe_vpcs(VpcIds=[vpc_id]))
    if answer is None or not answer["Vpcs"]:
        return None
    vpc = answer["Vpcs"][0]
    blocks = [vpc.get("CidrBlock", "")]
    blocks += [each["CidrBlock"] for each in vpc.get("CidrBlockAssociationSet", ()) if _lives(each["CidrBlockState"])]
    blocks += [
        each["Ipv6CidrBlock"]
        for each in vpc.get("Ipv6CidrBlockAssociationSet", ())
        if _lives(each["Ipv6CidrBlockState"])
    ]
    return tuple(dict.fromkeys(filter(None, blocks)))


def _lives(state: object) -> bool:
    return isinstance(state, dict) and state.get("State") in {"associated", "associating"}


def uncovered(blocks: Iterable[str], admitted: Iterable[str]) -> tuple[str, ...]:
    """Those of `blocks` that the networks `admitted` do not hold; two halves of a block hold it."""
    given = [ipaddress.ip_network(each, strict=False) for each in admitted]
    four = list(ipaddress.collapse_addresses(each for each in given if isinstance(each, ipaddress.IPv4Network)))
    six = list(ipaddress.collapse_addresses(each for each in given if isinstance(each, ipaddress.IPv6Network)))
    found = []
    for text in blocks:
        block = ipaddress.ip_network(text, strict=False)
        if isinstance(block, ipaddress.IPv4Network):
            covered = any(block.subnet_of(each) for each in four)
        else:
            covered = any(block.subnet_of(each) for each in six)
        if not covered:
            found.append(text)
    return tuple(found)
