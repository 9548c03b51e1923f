"""Checks of the VPC endpoints."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.reachable import check_reach


def check_network(context: Context) -> None:
    """The blocks together, and what endpoints cannot do without."""
    environment = context.environment
    if environment.vpc_cidrs and all(":" in value for value in environment.vpc_cidrs):
        context.error(
            ("vpc_cidr",),
            f"vpc_cidr is {shown(environment.vpc_cidr)}.",
            why="A VPC has an IPv4 block whatever else it has, and nodes reach the endpoints by it.",
            remedy='Add it: vpc_cidr = ["10.0.0.0/16", …].',
            value=environment.vpc_cidr,
        )
    check_reach(context)
    _check_extra(context)
    if environment.create_vpc_endpoints:
        _check_complete(context)


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
