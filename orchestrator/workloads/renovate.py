"""The route table -> what keeps Renovate finding new versions at the upstreams after references were rewritten to ECR."""

from __future__ import annotations

from typing import Any

from orchestrator.routes.table import RouteTable
from orchestrator.routes.upstreams import DOCKER_HUB


def renovate_settings(table: RouteTable) -> dict[str, Any]:
    """{"registryAliases": {"<ECR>/docker-hub": "docker.io"}}: what stands in files, and where Renovate looks it up.

    Renovate takes the first alias that an image begins with, so that the longest stand first.
    """
    aliases = {}
    for route in sorted(table.routes, key=lambda route: (-len(route.prefix), route.prefix)):
        upstream = route.upstream
        registry = "docker.io" if upstream.registry == DOCKER_HUB else upstream.registry
        for host in table.own_hosts:
            name = f"{host}/{route.prefix}" if route.prefix else host
            aliases[name] = f"{registry}/{upstream.path}" if upstream.path else registry
    return {"registryAliases": aliases}
