"""Environments of one project for the checks across them, built from texts with a rule each."""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.checks.check import build_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from tests.unit.checks.wrong_inputs import file_of

QUAY = 'quay = { upstream_registry_url = "quay.io" }'
K8S = 'k8s = { upstream_registry_url = "registry.k8s.io" }'
USES = "manage_registry = false\n"
ELSEWHERE = 'aws_region = "us-east-1"\n'
CENTRAL = f'{USES}account_id = "999988887777"\nregistry_account_id = "111122223333"\n'
CLASSIC = 'platform = "rosa-classic"\nattach_ecr_policy = true\nworker_role_prefix = "acme"\n'
HCP = 'platform = "rosa-hcp"\nattach_ecr_policy = true\nmachine_pools = { workers = { instance_profile = "acme" } }\n'


def rules(*entries: str) -> str:
    return f"pull_through_cache_rules = {{\n{chr(10).join(entries)}\n}}\n"


def environments(texts: Mapping[str, str]) -> list[Environment]:
    def read(name: str, text: str) -> Environment:
        own_name = "" if "cluster_name" in text else f'cluster_name = "{name}"\n'
        return build_environment(name, [parse_tfvars(file_of(own_name + text), f"environments/{name}.tfvars")])

    return [read(name, text) for name, text in texts.items()]


def lifecycle(*attributes: str, enabled: bool = False) -> str:
    return "\n".join(["lifecycle_manager = {", f"enabled = {str(enabled).lower()}", *attributes, "}\n"])


def usage(*attributes: str) -> str:
    return "\n".join(["usage = {", "pod_identity = true", *attributes, "}"])


def owner(*clusters: str, more: str = "") -> str:
    return rules(QUAY) + lifecycle(f"clusters = {json.dumps(clusters)}", more, enabled=True)
