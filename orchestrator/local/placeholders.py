"""Things that an environment names but does not own. The embedded AWS has them, so that an apply succeeds on a laptop.

A VPC, subnets, route tables and security groups with exactly the ids of the environment's file. Further there are the cluster's roles and
instance profiles, upstream secrets, KMS keys, OIDC providers. A real account has them before the first apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from orchestrator.local.process import LocalAws

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One thing that must exist before an apply.

    `kind` is vpc, subnet, route-table, security-group, role, instance-profile, secret, kms-key, oidc-provider or
    cluster; `name` its id, name or ARN; `within` the VPC's id, the VPC's CIDR, or the service that assumes the role.
    """

    kind: str
    name: str
    account_id: str
    region: str
    within: str = ""


def placeholders_of(environment: Environment) -> tuple[Placeholder, ...]:
    """What the environment names but does not own, each once, in an order in which it can be made."""
    return tuple(dict.fromkeys((*_network(environment), *_identities(environment), *_registry(environment))))


def ensure_placeholders(local: LocalAws, environment: Environment) -> list[str]:
    """Make what is missing, in one call; names what was made (`subnet subnet-0a1b`). A file that exists is left alone."""
    wanted = [asdict(placeholder) for placeholder in placeholders_of(environment)]
    answer = local.request("POST", "/_orchestrator/placeholders", {"placeholders": wanted}, timeout=60)
    return cast(list[str], answer["made"])


def _network(environment: Environment) -> Iterator[Placeholder]:
    vpc = environment.vpc_id
    if not vpc:
        return
    here = (environment.account_id, environment.aws_region)
    yield Placeholder("vpc", vpc, *here, within=next((each for each in environment.vpc_cidrs if ":" not in each), ""))
    for kind, names in (
        ("subnet", environment.private_subnet_ids),
        ("route-table", environment.private_route_table_ids),
        ("security-group", environment.endpoint_security_group_ids),
    ):
        for name in names:
            yield Placeholder(kind, name, *here, within=vpc)


def _identities(environment: Environment) -> Iterator[Placeholder]:
    here = (environment.account_id, environment.aws_region)
    for name in environment.node_role_names:
        yield Placeholder("role", name, *here, within="ec2.amazonaws.com")
    for name in environment.fargate_execution_role_names:
        yield Placeholder("role", name, *here, within="eks-fargate-pods.amazonaws.com")
    if environment.worker_role_prefix:
        yield Placeholder("role", f"{environment.worker_role_prefix}-Worker-Role", *here, within="ec2.amazonaws.com")
    for pool in environment.machine_pools.values():
        yield Placeholder("instance-profile", pool.instance_profile, *here, within="ec2.amazonaws.com")
    if environment.assume_role_arn:
        yield _by_arn("role", environment.assume_role_arn, environment)
    for role in environment.push_roles.values():
        if role.oidc_provider_arn:
            yield _by_arn("oidc-provider", role.oidc_provider_arn, environment)
        if role.pod_identity:
            yield Placeholder("cluster", environment.cluster_name, *here)
    usage = environment.lifecycle_manager and environment.lifecycle_manager.usage
    workers = environment.mirror_queue and environment.mirror_queue.workers
    swapper = environment.image_swapper and environment.image_swapper.pods
    for pods in (usage, workers, swapper):
        if pods and pods.oidc_provider_arn:
            yield _by_arn("oidc-provider", pods.oidc_provider_arn, environment)
        if pods and pods.pod_identity:
            yield Placeholder("cluster", environment.cluster_name, *here)


def _registry(environment: Environment) -> Iterator[Placeholder]:
    here = (environment.account_id, environment.aws_region)
    templates = [rule.template for rule in environment.pull_through_cache_rules.values()]
    for rule in environment.pull_through_cache_rules.values():
        if rule.secret_name:
            yield Placeholder("secret", rule.secret_name, *here)
        if rule.credential_arn:
            yield _by_arn("secret", rule.credential_arn, environment)
        if rule.custom_role_arn:
            yield _by_arn("role", rule.custom_role_arn, environment, "pullthroughcache.ecr.amazonaws.com")
    for template in (*templates, environment.root_template):
        if template and template.custom_role_arn:
            yield _by_arn("role", template.custom_role_arn, environment, "ecr.amazonaws.com")
        if template and template.kms_key_arn:
            yield _by_arn("kms-key", template.kms_key_arn, environment)
    manager = environment.lifecycle_manager
    keys = [environment.kms_key_arn, *(entry.kms_key_arn for entry in environment.repositories.values())]
    for key in (*keys, manager and manager.kms_key_arn):
        if key:
            yield _by_arn("kms-key", key, environment)


def _by_arn(kind: str, arn: str, environment: Environment, within: str = "") -> Placeholder:
    """A placeholder where its ARN says; global services have no region in theirs."""
    _, _, _, region, account_id, _ = arn.split(":", 5)
    return Placeholder(kind, arn, account_id, region or environment.aws_region, within)
