"""Make placeholders inside moto's backends, with the ids that the caller chose, which AWS's own calls would not take.

moto offers no call for it either. Its public model classes are made here as its own `create_...` methods do.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
from collections.abc import Callable, Iterable
from typing import Any

from orchestrator.local.placeholders import Placeholder
from orchestrator.local.principal import partition_of

DEFAULT_CIDR = "10.0.0.0/16"
SUBNET_PREFIX = 24
THUMBPRINT = "0" * 40
CREDENTIALS = json.dumps({"username": "placeholder", "accessToken": "placeholder"})


def make_placeholders(placeholders: Iterable[Placeholder]) -> list[str]:
    """Make those that do not exist; `kind name` of each that was made. Raises ValueError for an unknown kind."""
    made = []
    for placeholder in placeholders:
        maker = _MAKERS.get(placeholder.kind)
        if maker is None:
            raise ValueError(f"unknown kind of placeholder: {placeholder.kind}")
        if maker(placeholder):
            made.append(f"{placeholder.kind} {placeholder.name}")
    return made


def _ec2(placeholder: Placeholder) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[placeholder.account_id][placeholder.region]


def _iam(placeholder: Placeholder) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[placeholder.account_id][partition_of(placeholder.region)]


def _vpc(placeholder: Placeholder) -> bool:
    make = importlib.import_module("moto.ec2.models.vpcs").VPC

    backend, name = _ec2(placeholder), placeholder.name
    if name in backend.vpcs:
        return False
    vpc = make(backend, name, _vpc_cidr(placeholder.within), is_default=False)
    # Interface endpoints with private DNS need both.
    vpc.enable_dns_hostnames = True
    backend.vpcs[name] = vpc
    backend.create_route_table(name, main=True)
    backend.create_network_acl(name, default=True)
    backend.create_security_group("default", "default VPC security group", vpc_id=name, is_default=True)
    return True


def _vpc_cidr(given: str) -> str:
    """The environment's CIDR when a VPC can have it; it may be a company's range, which is wider."""
    try:
        network = ipaddress.IPv4Network(given)
    except ValueError:
        return DEFAULT_CIDR
    if network.prefixlen < 16:
        return str(next(network.subnets(new_prefix=16)))
    return given if network.prefixlen <= 28 else DEFAULT_CIDR


def _subnet(placeholder: Placeholder) -> bool:
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    make = importlib.import_module("moto.ec2.models.subnets").Subnet

    backend, name, vpc_id = _ec2(placeholder), placeholder.name, placeholder.within
    held = backend.describe_subnets()
    if any(subnet.id == name for subnet in held):
        return False
    siblings = [subnet for subnet in held if subnet.vpc_id == vpc_id]
    zones = RegionsAndZonesBackend.zones[placeholder.region]
    zone = zones[len(siblings) % len(zones)]
    cidr = _free_cidr(backend.get_vpc(vpc_id).cidr_block, [subnet.cidr for subnet in siblings])
    subnet = make(backend, name, vpc_id, cidr, None, zone, default_for_az=False, map_public_ip_on_launch=False)
    backend.subnets[zone.name][name] = subnet
    backend.associate_default_network_acl_with_subnet(name, vpc_id)
    return True


def _free_cidr(vpc_cidr: str, taken: Iterable[Any]) -> str:
    """A part of the VPC that no subnet has: /24s, or sixteenths of a smaller VPC."""
    network = ipaddress.IPv4Network(vpc_cidr, strict=False)
    held = list(taken)
    for prefix in (max(SUBNET_PREFIX, min(network.prefixlen + 4, 28)), 28):
        for candidate in network.subnets(new_prefix=prefix):
            if not any(candidate.overlaps(other) for other in held):
                return str(candidate)
    raise ValueError(f"the placeholder VPC {vpc_cidr} has no room for another subnet: give a larger vpc_cidr")


def _route_table(placeholder: Placeholder) -> bool:
    make = importlib.import_module("moto.ec2.models.route_tables").RouteTable

    backend, name = _ec2(placeholder), placeholder.name
    if name in backend.route_tables:
        return False
    backend.route_tables[name] = make(backend, name, placeholder.within)
    backend.create_route(name, backend.get_vpc(placeholder.within).cidr_block, local=True)
    return True


def _security_group(placeholder: Placeholder) -> bool:
    make = importlib.import_module("moto.ec2.models.security_groups").SecurityGroup

    backend, name = _ec2(placeholder), placeholder.name
    if any(name in groups for groups in backend.groups.values()):
        return False
    group = make(backend, name, name, "Placeholder of the embedded AWS", vpc_id=placeholder.within)
    backend.groups[placeholder.within][name] = group
    return True


def _role(placeholder: Placeholder) -> bool:
    """By name, or by ARN, whose path is kept."""
    backend = _iam(placeholder)
    path, _, name = placeholder.name.split(":role", 1)[-1].rpartition("/")
    if any(role.name == name for role in backend.roles.values()):
        return False
    backend.create_role(
        role_name=name,
        assume_role_policy_document=_trust(placeholder),
        path=f"{path}/" if path else "/",
        permissions_boundary=None,
        description="Placeholder of the embedded AWS",
        tags=[],
        max_session_duration=None,
    )
    return True


def _trust(placeholder: Placeholder) -> str:
    account = f"arn:{partition_of(placeholder.region)}:iam::{placeholder.account_id}:root"
    principal = {"Service": placeholder.within} if placeholder.within else {"AWS": account}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _instance_profile(placeholder: Placeholder) -> bool:
    """With a role of the same name, as ROSA makes them."""
    backend, name = _iam(placeholder), placeholder.name
    if any(profile.name == name for profile in backend.instance_profiles.values()):
        return False
    _role(placeholder)
    backend.create_instance_profile(name, "/", [], [])
    backend.add_role_to_instance_profile(name, name)
    return True


def _secret(placeholder: Placeholder) -> bool:
    """By name, or by ARN, which it then has exactly; holds credentials of the shape that ECR wants."""
    from moto.secretsmanager.models import secretsmanager_backends

    backend = secretsmanager_backends[placeholder.account_id][placeholder.region]
    arn = placeholder.name if placeholder.name.startswith("arn:") else ""
    if placeholder.name in backend.secrets:
        return False
    # The ARN of a secret ends in a hyphen and six characters that are not part of its name.
    name = arn.split(":secret:", 1)[1].rpartition("-")[0] if arn else placeholder.name
    backend.create_secret(
        name=name,
        secret_string=CREDENTIALS,
        secret_binary=None,
        description="Placeholder of the embedded AWS",
        tags=[],
        kms_key_id=None,
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    if arn:
        backend.secrets[name].arn = arn
    return True


def _kms_key(placeholder: Placeholder) -> bool:
    from moto.kms.models import kms_backends

    backend = kms_backends[placeholder.account_id][placeholder.region]
    identifier = placeholder.name.rpartition("/")[2]
    if ":key/" not in placeholder.name or identifier in backend.keys:
        return False
    key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Placeholder of the embedded AWS", [])
    del backend.keys[key.id]
    key.id, key.arn = identifier, placeholder.name
    backend.keys[identifier] = key
    return True


def _oidc_provider(placeholder: Placeholder) -> bool:
    backend = _iam(placeholder)
    if placeholder.name in backend.open_id_providers:
        return False
    url = "https://" + placeholder.name.split(":oidc-provider/", 1)[-1]
    backend.create_open_id_connect_provider(url, [THUMBPRINT], ["sts.amazonaws.com"], [])
    return True


def _cluster(placeholder: Placeholder) -> bool:
    from moto.eks.models import eks_backends

    backend = eks_backends[placeholder.account_id][placeholder.region]
    if placeholder.name in backend.clusters:
        return False
    role = f"arn:{partition_of(placeholder.region)}:iam::{placeholder.account_id}:role/{placeholder.name}-cluster"
    backend.create_cluster(placeholder.name, role, {"subnetIds": []})
    return True


_MAKERS: dict[str, Callable[[Placeholder], bool]] = {
    "vpc": _vpc,
    "subnet": _subnet,
    "route-table": _route_table,
    "security-group": _security_group,
    "role": _role,
    "instance-profile": _instance_profile,
    "secret": _secret,
    "kms-key": _kms_key,
    "oidc-provider": _oidc_provider,
    "cluster": _cluster,
}
