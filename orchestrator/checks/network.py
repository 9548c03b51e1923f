"""Checks of the VPC endpoints."""

from __future__ import annotations

import ipaddress
import re

from orchestrator.checks.accounts import check_accounts
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.reachable import check_reach
from orchestrator.checks.walker import check_unique
from orchestrator.environment.tfvars import Path, dotted


def check_network(context: Context) -> None:
    """Forms of IDs, the CIDR, and what endpoints cannot do without."""
    environment = context.environment
    if environment.vpc_id is not None:
        _check_id(context, ("vpc_id",), environment.vpc_id, "vpc")
    for variable, prefix in (
        ("private_subnet_ids", "subnet"),
        ("endpoint_security_group_ids", "sg"),
        ("private_route_table_ids", "rtb"),
    ):
        values = getattr(environment, variable)
        for index, value in enumerate(values):
            _check_id(context, (variable, index), value, prefix)
    if len(environment.endpoint_security_group_ids) > 16:
        context.error(
            ("endpoint_security_group_ids",),
            f"endpoint_security_group_ids has {len(environment.endpoint_security_group_ids)} entries.",
            why="AWS takes at most 16 security groups on a network interface (5 unless the quota was raised).",
            remedy="Remove some.",
            value=len(environment.endpoint_security_group_ids),
        )
    for path, value in _cidrs(context):
        _check_cidr(context, path, value)
    if environment.vpc_cidrs and all(":" in value for value in environment.vpc_cidrs):
        context.error(
            ("vpc_cidr",),
            f"vpc_cidr is {shown(environment.vpc_cidr)}.",
            why="A VPC has an IPv4 block whatever else it has, and nodes reach the endpoints by it.",
            remedy='Add it: vpc_cidr = ["10.0.0.0/16", …].',
            value=environment.vpc_cidr,
        )
    check_accounts(context, ("endpoint_registry_account_ids",), environment.endpoint_registry_account_ids)
    check_reach(context)
    _check_extra(context)
    if environment.create_vpc_endpoints:
        _check_complete(context)


def _check_id(context: Context, path: Path, value: str, prefix: str) -> None:
    if re.fullmatch(rf"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", value):
        return
    found = re.search(rf"\b{prefix}-([0-9a-f]{{17}}|[0-9a-f]{{8}})\b", value)
    context.error(
        path,
        f"{dotted(path)} is {shown(value)}.",
        why=f"Such an ID is {prefix}- and 8 or 17 hexadecimal digits.",
        remedy=f'Write "{found[0]}".' if found else f'Write it like "{prefix}-0a1b2c3d4e5f67890".',
        value=value,
    )


def _cidrs(context: Context) -> list[tuple[Path, str]]:
    given = context.environment.vpc_cidr
    if given is None:
        return []
    if isinstance(given, str):
        return [(("vpc_cidr",), given)]
    check_unique(context, ("vpc_cidr",), given)
    return [(("vpc_cidr", index), value) for index, value in enumerate(given)]


def _check_cidr(context: Context, path: Path, value: str) -> None:
    name = dotted(path)
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        context.error(
            path,
            f"{name} is {shown(value)}.",
            why="It is no network in CIDR form.",
            remedy='Write it like "10.0.0.0/16".',
            value=value,
        )
        return
    if not re.fullmatch(r"[0-9A-Fa-f.:]+/[0-9]{1,3}", value):
        context.error(
            path,
            f"{name} is {shown(value)}.",
            why="The security group takes a network with its prefix length.",
            remedy='Write it like "10.0.0.0/16".',
            value=value,
        )
    elif str(network) != value:
        context.error(
            path,
            f"{name} is {shown(value)}.",
            why="Its address lies inside the network, and AWS wants the network's own.",
            remedy=f'Write "{network}".',
            value=value,
        )
    elif network.prefixlen == 0:
        context.warn(
            path,
            f"{name} is {shown(value)}.",
            why="The endpoints' security group would admit every address that reaches the VPC.",
            remedy="Write the VPC's own CIDR.",
            value=value,
        )


def _check_extra(context: Context) -> None:
    environment = context.environment
    values = environment.extra_vpc_endpoints
    if not environment.create_vpc_endpoints:
        if values:
            context.warn(
                ("extra_vpc_endpoints",),
                f"extra_vpc_endpoints names {', '.join(values)}, but create_vpc_endpoints is false.",
                why="No endpoint is created.",
                remedy="Set create_vpc_endpoints = true, or remove the list.",
                value=list(values),
            )
        return
    if "s3" in values and not environment.private_route_table_ids and context.usable("private_route_table_ids"):
        context.error(
            ("extra_vpc_endpoints", values.index("s3")),
            'extra_vpc_endpoints names "s3", but private_route_table_ids is empty.',
            why="A gateway endpoint works through route tables.",
            remedy='Add private_route_table_ids = ["rtb-…"].',
            value="s3",
        )
    if environment.private_route_table_ids and "s3" not in values:
        context.warn(
            ("private_route_table_ids",),
            'private_route_table_ids is set, but extra_vpc_endpoints does not name "s3".',
            why="Only the S3 gateway endpoint uses route tables.",
            remedy='Add "s3" to extra_vpc_endpoints, or remove the list.',
            value=list(environment.private_route_table_ids),
        )


def _check_complete(context: Context) -> None:
    environment = context.environment
    missing = []
    if environment.vpc_id is None and context.usable("vpc_id"):
        missing.append('vpc_id = "vpc-…"')
    if not environment.private_subnet_ids and context.usable("private_subnet_ids"):
        missing.append('private_subnet_ids = ["subnet-…"]')
    if (
        not environment.vpc_cidrs
        and not environment.endpoint_security_group_ids
        and context.usable("vpc_cidr", "endpoint_security_group_ids")
    ):
        missing.append('vpc_cidr = "10.0.0.0/16" (or endpoint_security_group_ids)')
    if missing:
        names = [entry.split(" ")[0] for entry in missing]
        context.error(
            ("create_vpc_endpoints",),
            f"create_vpc_endpoints is true, but {_and(names)} {'is' if len(names) == 1 else 'are'} missing.",
            why="Endpoints belong to a VPC, its subnets and a security group"
            + ("." if context.written("create_vpc_endpoints") else "; they are created by default."),
            remedy=f"Add {', '.join(missing)}, or set create_vpc_endpoints = false.",
            value=True,
        )


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
