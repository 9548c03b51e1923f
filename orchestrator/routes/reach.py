"""What the environment's own VPC endpoints let through, and what of the table they therefore stop.

An endpoint policy that admits the environment's registry only would stop what the table leaves at its source. These are images of
AWS's accounts and of the region's other ECR registries, and layers in a public registry's buckets. The root module
admits what it can know (`modules/vpc-endpoints/policies.tf`); the rest is said here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.partitions import is_dual_stack
from orchestrator.routes.aws_registries import bottlerocket_account, eks_account, guardduty_account
from orchestrator.routes.source import Source
from orchestrator.routes.upstreams import PrivateRegistry, ecr_registry

ANY = "*"


class ReachSettings(Protocol):
    """What is read of an environment."""

    @property
    def create_vpc_endpoints(self) -> bool: ...
    @property
    def endpoint_registry_account_ids(self) -> Iterable[str]: ...
    @property
    def platform(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def aws_region(self) -> str: ...
    @property
    def registry(self) -> PrivateRegistry: ...


@dataclass(frozen=True, slots=True)
class Reach:
    """The endpoints of a region: `accounts` whose ECR registries they admit, `*` for any."""

    region: str
    accounts: frozenset[str]

    def obstacles(self, host: str) -> tuple[str, ...]:
        """What stops or detours a pull from `host` as it is written, one sentence each."""
        registry = ecr_registry(host)
        if registry is None:
            return ()
        found = []
        if is_dual_stack(host):
            found.append(
                f"ECR's endpoints do not serve dual-stack hosts: {host} is reached by the internet. Write {registry.host}."
            )
        if registry.region == self.region and not self.accounts & {ANY, registry.account}:
            found.append(
                f"The VPC's ECR endpoints refuse account {registry.account} (403): "
                f'add "{registry.account}" to endpoint_registry_account_ids.'
            )
        elif registry.region != self.region:
            found.append(f"The VPC's endpoints serve {self.region} only: {host} is reached by the internet.")
        return tuple(found)


def reach_of(environment: ReachSettings, sources: Iterable[Source]) -> Reach | None:
    """The reach of an environment that makes its own endpoints; None where others made them, and nobody knows.

    `sources` are what rules, mirrors and lists name: the root module admits the ECR registries among them.
    """
    if not environment.create_vpc_endpoints:
        return None
    accounts = {environment.account_id, environment.registry.account, *environment.endpoint_registry_account_ids}
    # As `environments/main.tf` has it: hosted control planes pull their release from a registry of Red Hat's.
    accounts |= {"eks": _of_eks(environment.aws_region), "rosa-hcp": {ANY}}.get(environment.platform, set())
    named = [ecr_registry(source.registry) for source in sources]
    accounts |= {registry.account for registry in named if registry and registry.region == environment.aws_region}
    return Reach(environment.aws_region, frozenset(accounts))


def _of_eks(region: str) -> set[str]:
    return {eks_account(region), bottlerocket_account(region), guardduty_account(region)} - {""}
