"""Labels and annotations that every generated object carries, and the digest that tells whether it is stale."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

MANAGED_BY = "orchestrator"
DIGEST_ANNOTATION = "orchestrator/route-table"
# Before the name of a container or volume: an annotation of the Pod, with its image as written. One for
# each, so that nothing is taken apart, and a second admission writes the same.
ORIGINAL_IMAGE = "original-image.orchestrator/"
ORIGINAL_VOLUME_IMAGE = "original-volume-image.orchestrator/"


def table_digest(environment: Environment) -> str:
    """Digest of everything that decides a route: `sha256:<hex>` of compact JSON with sorted keys.

    The root module computes the same from its variables, so that `idms_config_content` and what Python generates
    carry the same annotation.
    """
    settings = {
        "allow_upstream": environment.allow_upstream,
        "digest_references": environment.effective_digest_references,
        "exclude": sorted(set(environment.exclude)),
        "include": sorted(set(environment.include)),
        "mirrors": {prefix: mirror.source for prefix, mirror in environment.mirrors.items()},
        "registry": environment.registry_host,
        "rules": {
            prefix: [rule.upstream_registry_url, rule.upstream_repository_prefix, rule.source]
            for prefix, rule in environment.pull_through_cache_rules.items()
        },
    }
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def object_name(environment: Environment, suffix: str) -> str:
    """`<cluster>-<suffix>` as Kubernetes takes it; EKS allows capitals and underscores in a cluster's name."""
    return f"{environment.cluster_name.lower().replace('_', '-')}-{suffix}"


def metadata(environment: Environment, name: str) -> dict[str, Any]:
    """ObjectMeta of a generated cluster-scoped object."""
    return {
        "name": name,
        "labels": {
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/part-of": "ecr-pull-through",
            "app.kubernetes.io/instance": environment.name[:63].rstrip("._-"),  # a label's value
        },
        "annotations": {DIGEST_ANNOTATION: table_digest(environment)},
    }


def minor_version(environment: Environment) -> tuple[int, int]:
    """Kubernetes' version as two numbers; (0, 0) where the environment does not say."""
    if not environment.kubernetes_version:
        return 0, 0
    major, minor = environment.kubernetes_version.split(".")[:2]
    return int(major), int(minor)
