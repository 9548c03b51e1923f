"""What to know about an answer of the table, and what to do about an image that it leaves alone. Pure.

The table decides, and this only talks about its decision. `warnings_about` says what can go wrong with a pull, `remedy_for`
how an image without a route gets one. An image that no route helps gets no advice.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from orchestrator.partitions import pulls_through
from orchestrator.routes.aws_registries import aws_registry
from orchestrator.routes.reference import ImageReference
from orchestrator.routes.table import Answer, Redirected, Refused, RouteTable, Unchanged
from orchestrator.routes.upstreams import DOCKER_HUB, ecr_registry, upstream_of

_COPIED_FIRST = (
    "ECR cannot pull it through: `orchestrator mirror` copies the image there first, and makes its repository."
)


def warnings_about(table: RouteTable, reference: ImageReference, answer: Answer) -> tuple[str, ...]:
    """What to know before relying on `answer`, one sentence each."""
    if isinstance(answer, Refused):
        return ()
    found = []
    if reference.digest is not None:
        found += _of_digest(answer)
    elif reference.tag in {None, "latest"}:
        written = "The tag latest" if reference.tag else "No tag means latest, which"
        found.append(f"{written} is another image tomorrow: name a version.")
    route = answer.route
    if route is not None and route.credentials is False:
        needed = "a role (custom_role_arn)" if ecr_registry(route.source.registry) else "credentials (secret_name)"
        found.append(f'{route.source.registry} needs {needed} and the rule "{route.name}" has none: pulls fail.')
    if isinstance(answer, Redirected):
        found += _of_target(table, reference, answer)
    else:
        found += _of_source(table, reference, answer)
    return tuple(found)


def _of_digest(answer: Redirected | Unchanged) -> list[str]:
    route = answer.route
    if route is None or route.kind != "pull-through":
        return []
    if isinstance(answer, Redirected):
        return ["ECR cannot make a first pull by digest: warm the cache by tag before a cluster asks for it."]
    return [
        "ECR cannot make a first pull by digest, so the image still comes from its source. Name a tag alone, "
        'or warm the cache and set digest_references = "redirect".'
    ]


def _of_target(table: RouteTable, reference: ImageReference, answer: Redirected) -> list[str]:
    if answer.route.kind == "mirror":
        return [_COPIED_FIRST]
    if not answer.route.prefix and len(table.canonical(reference)[1]) == 1:
        return ["ECR repositories have names of two characters or more: copy the image to a longer one."]
    return []


def _of_source(table: RouteTable, reference: ImageReference, answer: Unchanged) -> list[str]:
    registry = reference.registry
    obstacles = [*table.reach.obstacles(registry)] if table.reach else []
    if answer.reason == "own":
        return obstacles
    meant = table.meant(registry)
    if meant:
        return [f"Hosts are compared as they are written: {registry} is another registry than {meant}.", *obstacles]
    if not table.allow_upstream and not is_local(registry) and not _through_endpoints(table, registry):
        return [f"The cluster cannot reach {registry} (allow_upstream is false): the pull fails."]
    return obstacles


def _through_endpoints(table: RouteTable, registry: str) -> bool:
    """Is it an ECR registry of the region, which the environment's own endpoints serve or refuse?"""
    ecr = ecr_registry(registry)
    return table.reach is not None and ecr is not None and ecr.region == table.reach.region


def remedy_for(table: RouteTable, reference: ImageReference) -> str | None:
    """How an image without a route gets one; None where a route would not help."""
    registry, _ = table.canonical(reference)
    meant = table.meant(registry)
    return f'Write "{meant}".' if meant else _add_a_route(registry, table.registry_host)


@lru_cache(maxsize=1024)
def _add_a_route(registry: str, own_host: str) -> str | None:
    ecr, own = ecr_registry(registry), ecr_registry(own_host)
    if is_local(registry) or (ecr and aws_registry(ecr)):
        return None
    if ecr and own and ecr.account != own.account:
        # A rule would need a role that the other account admits: its owner knows.
        return None
    upstream = upstream_of("registry-1.docker.io" if registry == DOCKER_HUB else registry)
    elsewhere = bool(ecr and own and ecr.partition != own.partition)
    if upstream and not elsewhere and (own is None or pulls_through(own.region, upstream.name)):
        credentials = ", and secret_name: it needs credentials" if upstream.needs_credentials else ""
        return f'Add a rule to pull_through_cache_rules with upstream_registry_url = "{upstream.url}"{credentials}.'
    return f'Add an entry to mirrors with source = "{registry}": ECR cannot pull through from there.'


def is_local(registry: str) -> bool:
    """Is it a registry that only the node or the cluster itself knows: loopback or the name of a Service?

    `localhost:5000`, `127.0.0.1`, `[::1]:5000`, `image-registry.openshift-image-registry.svc:5000`, and the names by which
    local clusters call their machine: `host.docker.internal:5000`.
    """
    host = registry.partition("]")[0].removeprefix("[") if registry.startswith("[") else registry.partition(":")[0]
    host = host.lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        own_machine = host.startswith("host.") and host.endswith(".internal")
        return own_machine or host == "localhost" or host.endswith((".localhost", ".svc", ".svc.cluster.local"))
    return address.is_loopback or address.is_unspecified
