"""Environments and references that nobody thought of, the same ones in every run: seeds are fixed by whoever asks.

Few registries and path components make keys meet, nest and touch. References are made from the keys of the environment, with
everything beside, above and below them, in every form that a reference can have.
"""

from __future__ import annotations

import json
import random
from typing import Any

from orchestrator.environment.model import Environment
from orchestrator.routes.build import build_route_table

ACCOUNT = "111122223333"
_BASE = {"create_vpc_endpoints": False, "attach_ecr_policy": False, "manage_registry": False}
_UPSTREAMS = {
    "docker.io": "registry-1.docker.io",
    "quay.io": "quay.io",
    "registry.k8s.io": "registry.k8s.io",
    "ghcr.io": "ghcr.io",
    "444455556666.dkr.ecr.eu-west-1.amazonaws.com": "444455556666.dkr.ecr.eu-west-1.amazonaws.com",
}
_MIRRORED = (
    "gcr.io",
    "nvcr.io",
    "registry.example.com:5000",
    "localhost:5000",
    "[2001:db8::1]:5000",
    "Reg.example.com",
)
_PARTS = ("aa", "bb", "library", "aa.b", "aa-b", "aab", "aa__b", "x" * 90)
_OTHER_NAMES = {
    "docker.io": ("docker.io", "index.docker.io", "registry-1.docker.io", ""),
    "registry.k8s.io": ("registry.k8s.io", "k8s.gcr.io"),
    "public.ecr.aws": ("public.ecr.aws", "ecr-public.aws.com"),
    "444455556666.dkr.ecr.eu-west-1.amazonaws.com": (
        "444455556666.dkr.ecr.eu-west-1.amazonaws.com",
        "444455556666.dkr-ecr.eu-west-1.on.aws",
        "444455556666.dkr.ecr-fips.eu-west-1.amazonaws.com",
    ),
}
_SUFFIXES = (
    "",
    ":1",
    ":v1.2_3-x",
    f"@sha256:{'0' * 64}",
    f":1@sha256:{'a' * 64}",
    f"@sha512:{'b' * 128}",
)
_NO_SUFFIXES = (":", "@", ":a b", ":1:2", "@sha256:0")
_SPOILS = ("Upper", "..", "-", "_", "a//b", "a/", "\u00e4", "{{x}}", "$(x)", "'", '"', "a\\b")


def _path(chance: random.Random, deepest: int = 3) -> str:
    return "/".join(chance.choice(_PARTS) for _ in range(chance.randint(1, deepest)))


def _source(chance: random.Random, registries: tuple[str, ...]) -> str:
    registry = chance.choice(registries)
    return registry if chance.random() < 0.4 else f"{registry}/{_path(chance, 2)}"


def variables(seed: int) -> dict[str, Any]:
    """Terraform variables of a random environment that the route table takes."""
    chance = random.Random(seed)
    registries = (*_UPSTREAMS, *_MIRRORED)
    taken: set[str] = set()
    rules: dict[str, dict[str, str]] = {}
    mirrors: dict[str, dict[str, str]] = {}
    for number in range(chance.randint(1, 8)):
        source = _source(chance, registries)
        registry, _, path = source.partition("/")
        if source in taken:
            continue
        taken.add(source)
        prefix = chance.choice(["p", "team/p", "p-", "p."]) + str(number)
        if registry in _UPSTREAMS and chance.random() < 0.6:
            rule = {"upstream_registry_url": _UPSTREAMS[registry]}
            if registry in ("docker.io", "ghcr.io"):
                rule["secret_name"] = "ecr-pullthroughcache/secret"
            if ".dkr.ecr." in registry:
                rule["custom_role_arn"] = f"arn:aws:iam::{ACCOUNT}:role/pull"
            if path:
                rule["source"] = source
                if ".dkr.ecr." in registry:
                    rule["upstream_repository_prefix"] = path.partition("/")[0]
            if "ROOT" not in rules and "upstream_repository_prefix" not in rule and chance.random() < 0.15:
                prefix = "ROOT"
            rules[prefix] = rule
        else:
            mirrors[prefix] = {"source": source}
    known = tuple(sorted({source.partition("/")[0] for source in taken}))
    include = {_source(chance, known) for _ in range(chance.choice([0, 0, 0, 1, 5]))}
    exclude = {_source(chance, known) for _ in range(chance.randint(0, 3))}
    return {
        **_BASE,
        "cluster_name": "random",
        "account_id": ACCOUNT,
        "aws_region": "us-east-1",
        "allow_upstream": chance.random() < 0.7,
        "digest_references": chance.choice([None, "leave", "redirect"]),
        "pull_through_cache_rules": rules,
        "mirrors": mirrors,
        "include": sorted(include),
        "exclude": sorted(exclude - include),
    }


def environment(seed: int) -> Environment:
    """The environment of these variables."""
    return Environment(name="random", **variables(seed))


def references(seed: int, count: int) -> list[str]:
    """`count` different references around the keys of `environment(seed)`; about one in eight is none."""
    chance = random.Random(f"references {seed}")
    table = build_route_table(environment(seed))
    keys = [*(route.source for route in table.routes), *table.includes, *table.excludes]
    found: dict[str, None] = {}
    while len(found) < count:
        key = chance.choice(keys)
        registry = chance.choice(_OTHER_NAMES.get(key.registry, (key.registry,)))
        if chance.random() < 0.08:
            registry = chance.choice(
                [*table.own_hosts, registry.upper(), f"{registry}:443", "docker.io", "other.example"]
            )
        below = "" if key.path and chance.random() < 0.15 else _path(chance)
        name = "/".join(part for part in (registry, key.path, below) if part)
        if chance.random() < 0.1:
            name += chance.choice(["x", "-x", ".x"])
        if chance.random() < 0.08:
            # Around the limits of Docker's grammar and of ECR's names.
            name += "/" + "y" * (chance.randint(244, 257) - len(name.partition("/")[2]))
        if chance.random() < 0.06:
            name += chance.choice(["", "/"]) + chance.choice(_SPOILS)
        found[name + chance.choice(_SUFFIXES if chance.random() < 0.9 else _NO_SUFFIXES)] = None
    return list(found)


def tfvars(seed: int) -> str:
    """The variables as the text of a tfvars file."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in variables(seed).items())
