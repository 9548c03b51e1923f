"""Images that everybody knows, by their own names: what `orchestrator local fill` pulls where nothing else is named.

Only the names are real. The embedded AWS makes the images up: their layers, sizes and findings. Pure.
"""

from __future__ import annotations

import hashlib
from typing import Any

MIB = 1 << 20

# Newest last: an older one has the findings that a scan finds in what nobody updates.
_TAGS = {
    "docker.io/library/nginx": ("1.25.5", "1.26.3", "1.27.4"),
    "docker.io/library/redis": ("7.2.7", "7.4.2"),
    "docker.io/grafana/grafana": ("10.4.14", "11.4.0"),
    "quay.io/prometheus/prometheus": ("v2.55.1", "v3.1.0"),
    "quay.io/prometheus/node-exporter": ("v1.7.0", "v1.9.0"),
    "quay.io/jetstack/cert-manager-controller": ("v1.15.4", "v1.16.2"),
    "registry.k8s.io/ingress-nginx/controller": ("v1.10.6", "v1.11.4"),
    "registry.k8s.io/coredns/coredns": ("v1.11.1", "v1.12.0"),
    "public.ecr.aws/karpenter/controller": ("1.0.8", "1.1.1"),
    "public.ecr.aws/eks-distro/kubernetes/pause": ("3.9", "3.10"),
    "ghcr.io/fluxcd/source-controller": ("v1.3.0", "v1.4.1"),
    "ghcr.io/external-secrets/external-secrets": ("v0.11.0", "v0.12.1"),
    "registry.gitlab.com/gitlab-org/build/cng/gitlab-base": ("v17.6.2", "v17.7.0"),
    "cgr.dev/chainguard/static": ("20241201", "latest"),
}
_UNKNOWN = ("1.0.0", "1.1.0")


def example_references() -> tuple[str, ...]:
    """Every known image with each of its tags, the newest of a repository last."""
    return tuple(f"{name}:{tag}" for name, tags in _TAGS.items() for tag in tags)


def made_up_references(source: str) -> tuple[str, ...]:
    """Images below an upstream of which no image is known: `quay.io/team` -> `quay.io/team/example/app:1.0.0`, …"""
    return tuple(f"{source}/example/app:{tag}" for tag in _UNKNOWN)


def made_up_size(reference: str) -> int:
    """Bytes of an image, between 20 and 420 MiB, the same each time."""
    return (20 + int(hashlib.sha256(reference.encode()).hexdigest()[:8], 16) % 400) * MIB


def made_up_findings(reference: str) -> list[dict[str, Any]]:
    """Findings of a scan as ECR gives them; an image that is its repository's newest, or not known, has none."""
    name, _, tag = reference.rpartition(":")
    if tag not in _TAGS.get(name, ())[:-1]:
        return []
    return [
        _finding(1, "HIGH", "openssl", "3.0.11-1", "3.0.15-1"),
        _finding(2, "MEDIUM", "zlib", "1.2.13", "1.3.1"),
    ]


def _finding(number: int, severity: str, package: str, installed: str, fixed: str) -> dict[str, Any]:
    values = {"package_name": package, "package_version": installed, "fixed_in_version": fixed}
    return {
        "name": f"EXAMPLE-{number}",
        "severity": severity,
        "description": "A made-up finding of the embedded AWS.",
        "attributes": [{"key": key, "value": value} for key, value in values.items()],
    }
