"""EC2: what is in use is not deleted, and a VPC has one private name for each service.

The source of codes is the EC2 API reference, "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.local.guards.guard import AskedOfAws, Check

CODES = "EC2 API reference, error codes"
CONSIDERATIONS = "VPC guide, interface endpoints"


def _endpoints(asked: AskedOfAws) -> Iterator[Any]:
    """Those that are there: moto keeps deleted ones."""
    return (each for each in asked.ec2.vpc_end_points.values() if each.state != "deleted")


def _is_interface(endpoint: Any) -> bool:
    return (endpoint.vpc_endpoint_type or "").lower() == "interface"


def _group_in_use(asked: AskedOfAws) -> str | None:
    group = asked.form.get("GroupId", "")
    if group and any(group in users for users in _users_of_groups(asked, group)):
        return f"resource {group} has a dependent object"
    return None


def _users_of_groups(asked: AskedOfAws, group: str) -> Iterator[list[str]]:
    """The groups of each thing that holds some: endpoints, interfaces of others, and other groups' rules."""
    made_by_endpoints = set()
    for endpoint in _endpoints(asked):
        made_by_endpoints.update(endpoint.network_interface_ids)
        yield endpoint.security_group_ids
    for interface in asked.ec2.enis.values():
        if interface.id not in made_by_endpoints:
            yield [each.id for each in interface.group_set]
    for groups in asked.ec2.groups.values():
        for other in groups.values():
            if other.id != group:
                rules = (*other.ingress_rules, *other.egress_rules)
                yield [str(rule.source_group.get("GroupId", "")) for rule in rules]


def _default_group(asked: AskedOfAws) -> str | None:
    group = asked.ec2.get_security_group_from_id(asked.form.get("GroupId", ""))
    if group is not None and group.is_default:
        return f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
    return None


def _subnet_in_use(asked: AskedOfAws) -> str | None:
    subnet = asked.form.get("SubnetId", "")
    if any(interface.subnet.id == subnet for interface in asked.ec2.enis.values()):
        return f"The subnet '{subnet}' has dependencies and cannot be deleted."
    return None


def _vpc_in_use(asked: AskedOfAws) -> str | None:
    vpc = asked.form.get("VpcId", "")
    groups = [each for each in asked.ec2.groups.get(vpc, {}).values() if not each.is_default]
    if groups or any(endpoint.vpc_id == vpc for endpoint in _endpoints(asked)):
        return f"The vpc '{vpc}' has dependencies and cannot be deleted."
    return None


def _main_route_table(asked: AskedOfAws) -> str | None:
    table = asked.ec2.route_tables.get(asked.form.get("RouteTableId", ""))
    if table is not None and table.main_association_id is not None:
        return f"The routeTable '{table.id}' has dependencies and cannot be deleted."
    return None


def _interface_of_an_endpoint(asked: AskedOfAws) -> str | None:
    interface = asked.form.get("NetworkInterfaceId", "")
    if any(interface in endpoint.network_interface_ids for endpoint in _endpoints(asked)):
        return f"Network interface '{interface}' is currently in use."
    return None


def _group_absent(asked: AskedOfAws) -> str | None:
    for group in (*asked.listed("SecurityGroupId"), *asked.listed("AddSecurityGroupId")):
        if asked.ec2.get_security_group_from_id(group) is None:
            return f"The security group ID '{group}' does not exist"
    return None


def _group_of_another_vpc(asked: AskedOfAws) -> str | None:
    for name in asked.listed("SecurityGroupId"):
        group = asked.ec2.get_security_group_from_id(name)
        if group is not None and group.vpc_id != asked.form.get("VpcId"):
            return f"Security group {name} and VPC {asked.form.get('VpcId')} belong to different networks."
    return None


def _names_of_the_service(asked: AskedOfAws) -> str | None:
    """Private names need both DNS attributes, and are one endpoint's alone."""
    form = asked.form
    if form.get("VpcEndpointType") != "Interface" or form.get("PrivateDnsEnabled", "true").lower() != "true":
        return None
    vpc, service = asked.ec2.vpcs.get(form.get("VpcId", "")), form.get("ServiceName", "")
    if vpc is None:
        return None
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        return (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}"
        )
    for endpoint in _endpoints(asked):
        if endpoint.vpc_id == vpc.id and endpoint.service_name == service and endpoint.private_dns_enabled:
            name = service.removeprefix("com.amazonaws.")
            return f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in the VPC {vpc.id}"
    return None


def _two_subnets_of_a_zone(asked: AskedOfAws) -> str | None:
    if asked.form.get("VpcEndpointType") != "Interface":
        return None
    wanted = asked.listed("SubnetId")
    zones: dict[str, str] = {}
    for subnet in asked.ec2.describe_subnets():
        if subnet.id in wanted and zones.setdefault(subnet.availability_zone, subnet.id) != subnet.id:
            return f"Found another VPC endpoint subnet in the availability zone of {subnet.id}"
    return None


def _gateway_has_the_route(asked: AskedOfAws) -> str | None:
    if asked.form.get("VpcEndpointType", "Gateway") != "Gateway":
        return None
    for endpoint in _endpoints(asked):
        if not _is_interface(endpoint) and endpoint.service_name == asked.form.get("ServiceName"):
            for table in asked.listed("RouteTableId"):
                if table in endpoint.route_table_ids:
                    prefixes = endpoint.destination_prefix_list_id
                    return f"route table {table} already has a route with destination-prefix-list-id {prefixes}"
    return None


CHECKS = (
    Check(
        "ec2",
        "DeleteSecurityGroup",
        "DependencyViolation",
        "an endpoint, a network interface or a rule of another group uses it",
        CODES,
        _group_in_use,
    ),
    Check("ec2", "DeleteSecurityGroup", "CannotDelete", "it is a VPC's default group", CODES, _default_group),
    Check(
        "ec2",
        "DeleteSubnet",
        "DependencyViolation",
        "a network interface is in it, an endpoint's included",
        CODES,
        _subnet_in_use,
    ),
    Check(
        "ec2",
        "DeleteVpc",
        "DependencyViolation",
        "it has an endpoint or a group that is not its default",
        CODES,
        _vpc_in_use,
    ),
    Check(
        "ec2", "DeleteRouteTable", "DependencyViolation", "it is the VPC's main route table", CODES, _main_route_table
    ),
    Check(
        "ec2",
        "DeleteNetworkInterface",
        "InvalidNetworkInterface.InUse",
        "an endpoint made it",
        CODES,
        _interface_of_an_endpoint,
    ),
    *(
        Check(
            "ec2",
            operation,
            "InvalidSecurityGroupID.NotFound",
            "a security group does not exist",
            CODES,
            _group_absent,
        )
        for operation in ("CreateVpcEndpoint", "ModifyVpcEndpoint")
    ),
    Check(
        "ec2",
        "CreateVpcEndpoint",
        "InvalidParameter",
        "a security group is of another VPC",
        CODES,
        _group_of_another_vpc,
    ),
    Check(
        "ec2",
        "CreateVpcEndpoint",
        "InvalidParameter",
        "private DNS, and the VPC's DNS attributes are off or another endpoint has the name",
        CONSIDERATIONS,
        _names_of_the_service,
    ),
    Check(
        "ec2",
        "CreateVpcEndpoint",
        "DuplicateSubnetsInSameZone",
        "two subnets are in one zone",
        CONSIDERATIONS,
        _two_subnets_of_a_zone,
    ),
    Check(
        "ec2",
        "CreateVpcEndpoint",
        "RouteAlreadyExists",
        "a route table has a gateway of that service",
        CODES,
        _gateway_has_the_route,
    ),
)
