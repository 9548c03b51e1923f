"""The routes that a new environment starts with: upstreams' rules, its owner's, or mirrors where ECR has no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.scaffold import ScaffoldRule

# {prefix: (upstream, comment)}: what a new environment may start with.
UPSTREAMS = {
    "docker-hub": (
        "registry-1.docker.io",
        "Docker Hub, with credentials: `orchestrator secret set {name} docker-hub`.",
    ),
    "ecr-public": ("public.ecr.aws", "Amazon ECR Public"),
    "k8s": ("registry.k8s.io", "Kubernetes' own images"),
    "quay": ("quay.io", "Quay, public images"),
    "github": ("ghcr.io", "GitHub, with credentials: `orchestrator secret set {name} github`."),
    "gitlab": ("registry.gitlab.com", "GitLab, with credentials: `orchestrator secret set {name} gitlab`."),
}


def new_rules(name: str, prefixes: tuple[str, ...]) -> dict[str, ScaffoldRule]:
    """{prefix: rule} of the upstreams that were chosen among UPSTREAMS, with the secrets that they need."""
    from orchestrator.routes.upstreams import upstream_of
    from orchestrator.scaffold import ScaffoldRule

    rules = {}
    for prefix in dict.fromkeys(prefixes):
        url, comment = UPSTREAMS[prefix]
        upstream = upstream_of(url)
        secret = f"ecr-pullthroughcache/{prefix}" if upstream and upstream.needs_credentials else None
        rules[prefix] = ScaffoldRule(url, secret_name=secret, comment=comment.format(name=name))
    return rules


def owned_rules(owner: Environment) -> dict[str, ScaffoldRule]:
    """The rules that exist already: those of the registry's owner."""
    from orchestrator.scaffold import ScaffoldRule

    return {
        prefix: ScaffoldRule(**rule.model_dump(exclude={"template"}))
        for prefix, rule in owner.pull_through_cache_rules.items()
    }


def first_mirrors(owner: Environment | None) -> dict[str, str]:
    """Everything must be copied where ECR has no rules; prefixes mean the same as the owner's."""
    if owner is not None and owner.mirrors:
        return {prefix: mirror.source for prefix, mirror in owner.mirrors.items()}
    return {"docker-hub": "docker.io", "ecr-public": "public.ecr.aws", "k8s": "registry.k8s.io", "quay": "quay.io"}
